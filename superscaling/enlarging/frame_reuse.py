"""What a frame of an animation has in common with the one before need not be enlarged again."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from superscaling.engines import Pixels
from superscaling.geometry import Box


@dataclass(frozen=True)
class PreviousFrame:
    """A picture that was enlarged: `pixels` (h, w, c), and what became of them, `enlarged` (scale h, scale w, c)."""

    pixels: Pixels
    enlarged: Pixels


def whole(pixels: Pixels) -> Box:
    """The box of all pixels of a picture (h, w, c)."""
    height, width, _ = pixels.shape
    return Box(0, 0, height, width)


def changed(before: Pixels | None, pixels: Pixels) -> Box | None:
    """The smallest box with all pixels that differ from those `before`; None where none do.

    Args:
        before: (h, w, c), or None where nothing is known. Of another shape or type it has nothing in common.
        pixels: (h, w, c).
    """
    if before is None or (before.shape, before.dtype) != (pixels.shape, pixels.dtype):
        return whole(pixels)
    height, width, channels = pixels.shape
    differs = (before != pixels).reshape(height, width * channels)
    rows = _extent(differs.any(axis=1))
    columns = _extent(differs.any(axis=0).reshape(width, channels).any(axis=1))
    return Box(rows[0], columns[0], rows[1], columns[1]) if rows and columns else None


def _extent(flags: NDArray[np.bool_]) -> tuple[int, int] | None:
    """From the first that is set up to the last (excluded); None where none is."""
    indices = np.flatnonzero(flags)
    return (int(indices[0]), int(indices[-1]) + 1) if len(indices) else None
