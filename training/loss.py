"""The loss: what a training makes small."""

from typing import Any

from keras import ops

ENOUGH = 50  # dB: where a patch is as near as this, it gets no more attention than the others


def psnr_loss(target: Any, output: Any) -> Any:
    """Minus the PSNR of each patch, in units of 100 dB, after NAFNet (arXiv:2204.04676).

    An error of 1 % more costs the same on a face as on leaves, so that smooth and clean pictures are not forgotten over
    textures, which nobody can restore well. L1 does that, and lost against this loss; a term of the Fourier spectrum
    beside it made no difference: see models/noise-cancel-lite/card.md.

    Args:
        target: (n, h, w, 3), levels from 0 to 255.
        output: (n, h, w, 3), values from 0 to 1.

    Returns:
        (n,), all at least -ENOUGH / 100.
    """
    mean_square = ops.mean(ops.square(target / 255 - output), axis=(1, 2, 3))
    return ops.log10(mean_square + 10 ** (-ENOUGH / 10)) / 10


def levels_of(loss: float) -> float:
    """The typical error of a pixel, in levels of 255, that a mean of the loss tells of."""
    return float(255 * 10 ** (5 * loss))
