"""The loss of fidelity."""

import torch
from torch import Tensor

ENOUGH = 50  # dB: beyond this PSNR, improving a patch hardly lowers the loss


def psnr_loss(output: Tensor, target: Tensor) -> Tensor:
    """The negative PSNR of each patch in units of 100 dB (NAFNet, arXiv:2204.04676), half of it that of the luma; mean.

    Relative errors count: 1 % more error costs the same on a smooth patch as on a texture. With L1, textures, which
    can't be restored well anyway, would dominate. models/noise-cancel-lite/card.md compares losses.

    Args:
        output: (n, 3, h, w), nominally in [0, 1].
        target: likewise.
    """
    error = output - target
    luma = error[:, 0] * 0.299 + error[:, 1] * 0.587 + error[:, 2] * 0.114
    mean_square = 0.5 * error.square().mean((1, 2, 3)) + 0.5 * luma.square().mean((1, 2))
    return (torch.log10(mean_square + 10 ** (-ENOUGH / 10)) / 10).mean()


def levels_of(loss: float) -> float:
    """Convert a mean loss to a root mean square error in levels (of 255)."""
    return float(255 * 10 ** (5 * loss))
