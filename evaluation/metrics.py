"""PSNR and SSIM, as papers on super-resolution report them, and planes to compare."""

import numpy as np
from numpy.typing import NDArray

from superscaling.conversion import MAX_LEVEL, check_shapes, psnr

Pixels = NDArray[np.uint8]
Plane = NDArray[np.float64]

# SSIM's constants (Wang, Bovik, Sheikh, Simoncelli: Image quality assessment, IEEE TIP 13 (4), 2004).
WINDOW = 11  # px
SIGMA = 1.5  # px
C1 = (0.01 * MAX_LEVEL) ** 2
C2 = (0.03 * MAX_LEVEL) ** 2


def luma(pixels: Pixels, border: int = 0) -> Plane:
    """Y of ITU-R BT.601 in [16, 235], unrounded, without `border` px on each side.

    Args:
        pixels: (h, w, 3), RGB, uint8.
        border: px to cut. Usually the scale, because networks lack context at the border.
    """
    height, width, _ = pixels.shape
    inside = pixels[border : height - border, border : width - border]
    y: Plane = 16 + inside @ (np.array((65.481, 128.553, 24.966)) / MAX_LEVEL)
    return y


def chroma(pixels: Pixels, border: int = 0) -> Plane:
    """Cb and Cr of ITU-R BT.601 as JPEG has them, in [-127.5, 127.5], unrounded: (2, h, w). Arguments as of `luma`."""
    height, width, _ = pixels.shape
    inside = pixels[border : height - border, border : width - border]
    weights = np.array(((-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312)))
    planes: Plane = np.moveaxis(inside @ weights.T, 2, 0)
    return planes


def luma_psnr(one: Pixels, other: Pixels, border: int) -> float:
    """Y-PSNR in dB of two RGB images, without `border` px on each side."""
    return psnr(luma(one, border), luma(other, border))


def ssim(one: Plane, other: Plane) -> float:
    """Structural similarity of two planes with values in [0, 255]; 1 means equal.

    The mean over all positions where the Gaussian window fits inside, as in the authors' reference code.

    Raises:
        ValueError: the planes differ in shape or are smaller than the window.
    """
    check_shapes(one, other)
    if min(one.shape) < WINDOW:
        raise ValueError(f"SSIM needs at least {WINDOW} x {WINDOW} px, not {one.shape[1]} x {one.shape[0]}")
    mean_one, mean_other = _blur(one), _blur(other)
    variances = _blur(one**2) + _blur(other**2) - mean_one**2 - mean_other**2
    covariance = _blur(one * other) - mean_one * mean_other
    brightness = (2 * mean_one * mean_other + C1) / (mean_one**2 + mean_other**2 + C1)
    structure = (2 * covariance + C2) / (variances + C2)
    return float(np.mean(brightness * structure))


def _blur(plane: Plane) -> Plane:
    """Gaussian-weighted means at all positions where the window fits inside; separable."""
    return _blur_rows(_blur_rows(plane).T).T


def _blur_rows(plane: Plane) -> Plane:
    weights = np.exp(-((np.arange(WINDOW) - WINDOW // 2) ** 2) / (2 * SIGMA**2))
    count = plane.shape[0] - WINDOW + 1
    blurred = np.zeros((count, plane.shape[1]))
    for row, weight in enumerate(weights / weights.sum()):
        blurred += weight * plane[row : row + count]
    return blurred
