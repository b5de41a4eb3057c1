"""How alike two pictures are: the peak signal-to-noise ratio."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_LEVEL = 255  # the largest level
# Mean squared error of equal pictures: they have 108 dB, so that a mean over pictures stays finite.
MIN_ERROR = 1e-6


def psnr(one: NDArray[Any], other: NDArray[Any]) -> float:
    """The PSNR in dB of two arrays of the same shape, with levels up to 255.

    Raises:
        ValueError: the shapes differ.
    """
    check_shapes(one, other)
    error = float(np.mean((one.astype(np.float64) - other.astype(np.float64)) ** 2))
    return 10 * math.log10(MAX_LEVEL**2 / max(error, MIN_ERROR))


def check_shapes(one: NDArray[Any], other: NDArray[Any]) -> None:
    """Make sure that two arrays have the same shape: numpy would broadcast, and the number look like a result.

    Raises:
        ValueError: they differ.
    """
    if one.shape != other.shape:
        raise ValueError(f"arrays of the shapes {one.shape} and {other.shape} can't be compared")
