"""Losses: what a training makes small.

All compare levels from 0 to 255 with values from 0 to 1, up to the border of the patches. Both are (n, h, w, 3), and
the loss is one number per patch.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from keras import ops

ENOUGH = 50  # dB: where a patch is as near as this, it gets no more attention than the others
FOURIER_SHARE = 3  # of the spectrum beside the pixels: both gradients are about as long


@dataclass(frozen=True)
class Loss:
    """A loss, and how it is told: `levels` makes of its mean a mean error in levels of 255."""

    of: Callable[[Any, Any], Any]
    levels: Callable[[float], float]


def l1(target: Any, output: Any) -> Any:
    """Mean absolute difference. Textures count most, because most of the error is there."""
    return ops.mean(ops.abs(target / 255 - output), axis=(1, 2, 3))


def psnr(target: Any, output: Any) -> Any:
    """Minus the PSNR of each patch, in units of 100 dB, after NAFNet (arXiv:2204.04676).

    An error of 1 % more costs the same on a face as on leaves, so that smooth and clean pictures are not forgotten over
    textures, which can't be restored well by anyone.
    """
    mean_square = ops.mean(ops.square(target / 255 - output), axis=(1, 2, 3))
    return ops.log10(mean_square + 10 ** (-ENOUGH / 10)) / 10


def psnr_fourier(target: Any, output: Any) -> Any:
    """`psnr` and the L1 of the spectra, so that no frequency is missing."""
    difference = ops.transpose(target / 255 - output, (0, 3, 1, 2))
    real, imaginary = ops.fft2((difference, ops.zeros_like(difference)))
    pixels = difference.shape[-1] * difference.shape[-2]
    spectrum = ops.mean(ops.abs(real) + ops.abs(imaginary), axis=(1, 2, 3)) / math.sqrt(pixels)
    return psnr(target, output) + FOURIER_SHARE * spectrum


LOSSES = {
    "l1": Loss(l1, lambda value: 255 * value),
    "psnr": Loss(psnr, lambda value: 255 * 10 ** (5 * value)),
    "psnr-fourier": Loss(psnr_fourier, lambda value: 255 * 10 ** (5 * value)),
}
