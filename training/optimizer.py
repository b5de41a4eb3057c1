"""Muon for convolutions: what changes the weights after each step."""

import re
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

    def _muon_update_step(self, gradient: Any, variable: Any, lr: Any, m: Any) -> None:
        self.assign_add(m, ops.add(gradient, m * (self.momentum - 1)))
        ahead = ops.add(gradient, self.momentum * m)  # Nesterov's momentum
        matrix = ops.reshape(ahead, (-1, variable.shape[-1]))
        step = self.lr_adjust(lr * self.zeropower_via_newtonschulz5(matrix, self.ns_steps))
        self.assign_sub(variable, ops.reshape(step, variable.shape))
