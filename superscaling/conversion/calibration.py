"""What the ranges of activations are measured on, for int8."""

from collections.abc import Sequence

import numpy as np

from superscaling.engines import Pixels

# Edge in px of the squares for the calibration of int8, and their number per picture.
CALIBRATION_EDGE = 96
CALIBRATION_SQUARES = 6
# Number of squares with nine saturated colours each.
CALIBRATION_COLOURS = 8


def calibration_squares(pictures: Sequence[Pixels]) -> list[Pixels]:
    """Cut out what the ranges of activations are measured on.

    Args:
        pictures: (h, w, 3) uint8, of which the upper halves are used: h and w at least twice `CALIBRATION_EDGE`.

    Returns:
        Squares of `CALIBRATION_EDGE` px, the same ones in each call.
    """
    chance = np.random.default_rng(0)
    squares: list[Pixels] = []
    for pixels in pictures:
        upper = pixels[: len(pixels) // 2]
        for _ in range(CALIBRATION_SQUARES):
            top, left = (chance.integers(side - CALIBRATION_EDGE + 1) for side in upper.shape[:2])
            squares.append(upper[top : top + CALIBRATION_EDGE, left : left + CALIBRATION_EDGE])
    # Photographs lack saturated colours, which have the largest activations.
    for _ in range(CALIBRATION_COLOURS):
        colours = 255 * chance.integers(2, size=(3, 3, 3), dtype=np.uint8)
        squares.append(colours.repeat(CALIBRATION_EDGE // 3, axis=0).repeat(CALIBRATION_EDGE // 3, axis=1))
    return squares
