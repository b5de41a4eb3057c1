"""How alike two pictures are: PSNR and SSIM, as super-resolution is compared. The one place for both."""

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
    """The Y of ITU-R BT.601, from 16 to 235 and not rounded, without `border` px on each side.

    Args:
        pixels: (h, w, 3), RGB.
        border: px; the custom is the scale, because networks see too little there.
    """
    height, width, _ = pixels.shape
    inside = pixels[border : height - border, border : width - border]
    y: Plane = 16 + inside @ (np.array((65.481, 128.553, 24.966)) / MAX_LEVEL)
    return y


def luma_psnr(one: Pixels, other: Pixels, border: int) -> float:
    """PSNR in dB of the Y of two pictures; see `luma`."""
    return psnr(luma(one, border), luma(other, border))


def ssim(one: Plane, other: Plane) -> float:
    """Structural similarity of two planes with levels up to 255: at most 1, which means equal.

    The mean over all places where the Gaussian window lies inside, as in the authors' own program.

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
    """Means weighted by the window, for each place where it lies inside: rows first, then columns."""
    return _blur_rows(_blur_rows(plane).T).T


def _blur_rows(plane: Plane) -> Plane:
    weights = np.exp(-((np.arange(WINDOW) - WINDOW // 2) ** 2) / (2 * SIGMA**2))
    count = plane.shape[0] - WINDOW + 1
    blurred = np.zeros((count, plane.shape[1]))
    for row, weight in enumerate(weights / weights.sum()):
        blurred += weight * plane[row : row + count]
    return blurred
