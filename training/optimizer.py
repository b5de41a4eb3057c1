"""Muon for convolutions: what changes the weights after each step."""

import re
from collections import defaultdict
from typing import Any

import keras
from keras import ops

BETA_2 = 0.99  # Adam's: gradients of single small batches say little about those of a thousand steps ago
# The picture itself comes in and goes out there, and wants small steps.
FIRST_AND_LAST = re.compile(r"\b(F_m1|UPN3|SR)\b")


class ConvolutionMuon(keras.optimizers.Muon):
    """Muon (github.com/KellerJordan/Muon) for the kernels of convolutions, Adam for biases and the outermost kernels.

    Keras's own takes matrices only. A kernel (h, w, in, out) counts as a matrix (h * w * in, out).

    Args:
        average: share of the old in the moving average of the weights.
    """

    def __init__(self, average: float) -> None:
        super().__init__(
            adam_beta_2=BETA_2, weight_decay=None, adam_weight_decay=None, use_ema=True, ema_momentum=average
        )

    def _should_use_adamw(self, variable: Any) -> bool:
        return len(variable.shape) != 4 or FIRST_AND_LAST.search(variable.path) is not None

    def _backend_update_step(self, grads: Any, trainable_variables: Any, learning_rate: Any) -> None:
        """Keras's goes from kernel to kernel. Here those of one shape go together, so that a GPU has few long tasks.

        For one device: Keras would sum up TensorFlow's gradients of several here.
        """
        groups = defaultdict[tuple[int, ...], list[tuple[Any, Any]]](list)  # kernels and their momenta, by shape
        for gradient, variable in zip(grads, trainable_variables, strict=True):
            if self._should_use_adamw(variable):
                self.update_step(gradient, variable, learning_rate)
                continue
            momentum = self.momentums[self._get_variable_index(variable)]
            self.assign_add(momentum, ops.add(gradient, momentum * (self.momentum - 1)))
            ahead = ops.add(gradient, self.momentum * momentum)  # Nesterov's momentum
            groups[tuple(variable.shape)].append((variable, ahead))
        for shape, group in groups.items():
            variables, momenta = zip(*group, strict=True)
            matrices = ops.reshape(ops.stack(momenta), (len(group), -1, shape[-1]))
            directions = self.zeropower_via_newtonschulz5(matrices, self.ns_steps)
            for variable, direction in zip(variables, ops.unstack(directions), strict=True):
                step = self.lr_adjust(learning_rate * direction)
                self.assign_sub(variable, ops.reshape(step, shape))
