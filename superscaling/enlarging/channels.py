"""Arithmetic on single channels: luma, contrast, alpha, and colours under transparency."""

import numpy as np
from numpy.typing import NDArray

from superscaling.pictures import Samples

# Weights of red, green and blue in luma (ITU-R BT.601).
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
# Rows computed at a time, to save memory; an even number.
BAND = 64


def to_luma(colour: Samples) -> Samples:
    """(h, w, 3) RGB to (h, w) grey of the same type, rounded."""
    luma = np.empty(colour.shape[:2], colour.dtype)
    for top in range(0, len(colour), BAND):
        luma[top : top + BAND] = np.rint(colour[top : top + BAND] @ LUMA)
    return luma


def is_constant(samples: Samples) -> bool:
    """Whether all samples are equal."""
    return bool((samples == samples.flat[0]).all())


def linear(samples: Samples, factor: float, offset: float) -> Samples:
    """factor * samples + offset, rounded, in the type of `samples`; the result must fit it."""
    result = np.empty_like(samples)
    for top in range(0, len(samples), BAND):
        result[top : top + BAND] = np.rint(samples[top : top + BAND] * factor + offset)
    return result


def spread(alpha: Samples, extreme: np.ufunc, scale: int) -> Samples:
    """The extreme (`np.minimum`, `np.maximum`) of each 3x3 neighbourhood, repeated to (scale h, scale w)."""
    padded = np.pad(alpha, 1, mode="edge")
    rows = extreme(extreme(padded[:-2], padded[1:-1]), padded[2:])
    both: Samples = extreme(extreme(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:])
    return both.repeat(scale, axis=0).repeat(scale, axis=1)


def bleed(colour: Samples, visible: NDArray[np.bool_]) -> Samples:
    """Replace the colours of invisible pixels by those of their visible surroundings.

    The colour under full transparency is arbitrary, often black, and the network would smear it over the edge. The
    gaps are filled by push and pull: visible colours are averaged into ever smaller pictures, then each gap is filled
    from the next smaller one.

    Args:
        colour: (h, w, c).
        visible: (h, w) bool.
    """
    if visible.all() or not visible.any():
        return colour
    filled = bleed(*_halve(colour, visible))
    result = colour.copy()
    for top in range(0, len(colour), BAND):
        band = filled[top // 2 : (top + BAND) // 2].repeat(2, axis=0).repeat(2, axis=1)
        part, gaps = result[top : top + BAND], ~visible[top : top + BAND]
        part[gaps] = band[: part.shape[0], : part.shape[1]][gaps]
    return result


def _halve(colour: Samples, visible: NDArray[np.bool_]) -> tuple[Samples, NDArray[np.bool_]]:
    """Average the visible pixels of each 2x2 block; a block without any stays a gap."""
    height, width, channels = colour.shape
    halved = np.zeros(((height + 1) // 2, (width + 1) // 2, channels), colour.dtype)
    seen = np.zeros(halved.shape[:2], bool)
    for top in range(0, height, BAND):
        weight = visible[top : top + BAND, :, np.newaxis].astype(np.uint32)
        total = _sum_blocks(colour[top : top + BAND] * weight)
        count = _sum_blocks(weight)
        rows = slice(top // 2, top // 2 + len(total))
        halved[rows] = (total + count // 2) // np.maximum(count, 1)
        seen[rows] = count[:, :, 0] > 0
    return halved, seen


def _sum_blocks(values: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Sums of 2x2 blocks; the lower and right borders are padded with 0."""
    padded = np.pad(values, [(0, side % 2) for side in values.shape[:2]] + [(0, 0)])
    return padded[::2, ::2] + padded[1::2, ::2] + padded[::2, 1::2] + padded[1::2, 1::2]
