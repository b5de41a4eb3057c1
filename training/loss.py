"""The training loss."""

from typing import Any

from keras import ops

ENOUGH = 50  # dB: beyond this PSNR, improving a patch hardly lowers the loss


def psnr_loss(target: Any, output: Any) -> Any:
    """Negative PSNR of each patch, in units of 100 dB (NAFNet, arXiv:2204.04676).

    Relative errors count: 1 % more error costs the same on a smooth patch as on a texture. With L1, textures, which
    can't be restored well anyway, would dominate. models/noise-cancel-lite/card.md compares losses.

    Args:
        target: (n, h, w, 3), in [0, 255].
        output: (n, h, w, 3), nominally in [0, 1].

    Returns:
        (n,), not below -ENOUGH / 100.
    """
    mean_square = ops.mean(ops.square(target / 255 - output), axis=(1, 2, 3))
    return ops.log10(mean_square + 10 ** (-ENOUGH / 10)) / 10


def levels_of(loss: float) -> float:
    """Convert a mean loss to a root mean square error in levels (of 255)."""
    return float(255 * 10 ** (5 * loss))
