"""The Muon optimizer for convolutions."""

import re
from collections import defaultdict
from typing import Any

import keras
from keras import ops

BETA_2 = 0.99  # of Adam; the usual 0.999 averages over too many small, noisy batches
# The first and last convolutions, which read or write pixels, need small steps: they use Adam.
FIRST_AND_LAST = re.compile(r"\b(F_m1|UPN3|SR)\b")


class ConvolutionMuon(keras.optimizers.Muon):
    """Muon (github.com/KellerJordan/Muon) for convolution kernels, Adam for biases and the first and last kernels.

    Keras's Muon takes only matrices. Here, a kernel (h, w, in, out) counts as a matrix (h * w * in, out).

    Args:
        average: decay of the moving average of the weights.
    """

    def __init__(self, average: float) -> None:
        super().__init__(
            adam_beta_2=BETA_2, weight_decay=None, adam_weight_decay=None, use_ema=True, ema_momentum=average
        )

    def _should_use_adamw(self, variable: Any) -> bool:
        return len(variable.shape) != 4 or FIRST_AND_LAST.search(variable.path) is not None

    def _backend_update_step(self, grads: Any, trainable_variables: Any, learning_rate: Any) -> None:
        """Update kernels of the same shape together, as few large operations suit a GPU. Keras updates them singly.

        Supports one device only: unlike Keras, it does not sum gradients over devices.
        """
        groups = defaultdict[tuple[int, ...], list[tuple[Any, Any]]](list)  # kernels and momenta, by shape
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
