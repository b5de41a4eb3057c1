"""Arithmetic on single channels: rounding, luma, contrast, alpha, and colours under transparency."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from superscaling.pictures import Samples, Size

# Weights of red, green and blue in luma (ITU-R BT.601).
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
# Rows computed at a time, to save memory; an even number.
BAND = 64
# How many px beside visible ones are filled from their neighbours, in each size of the picture.
RINGS = 3


def write_levels(levels: NDArray[np.float32], target: Samples) -> None:
    """Clamp to the levels of the target's type, round to the nearest, and write into `target`. Overwrites `levels`.

    (ISR truncates instead; the results differ by at most one level.)
    """
    np.clip(levels, 0, np.iinfo(target.dtype).max, out=levels)
    np.rint(levels, out=levels)
    target[:] = levels


def to_luma(colour: Samples) -> Samples:
    """(h, w, 3) RGB to (h, w) grey of the same type, rounded."""
    luma = np.empty(colour.shape[:2], colour.dtype)
    for top in range(0, len(colour), BAND):
        luma[top : top + BAND] = np.rint(colour[top : top + BAND] @ LUMA)
    return luma


def is_constant(samples: Samples) -> bool:
    """Whether all samples are equal."""
    return bool((samples == samples.flat[0]).all())


@dataclass(frozen=True)
class Contrast:
    """16 bits often fill a small part of their range: the network is shown it in full contrast.

    All channels are stretched alike, so that neutral colours stay neutral. `darkest` and `brightest`: samples of the
    whole picture, which differ.
    """

    darkest: int
    brightest: int

    def stretched(self, colour: Samples) -> Samples:
        """Colour as the network is shown it."""
        return _linear(colour, self._factor, -self.darkest * self._factor)

    def restored(self, colour: Samples) -> Samples:
        """What the network made of it, in the picture's own contrast."""
        return _linear(colour, 1 / self._factor, self.darkest)

    @property
    def _factor(self) -> float:
        return np.iinfo(np.uint16).max / (self.brightest - self.darkest)


def _linear(samples: Samples, factor: float, offset: float) -> Samples:
    """factor * samples + offset, rounded, in the type of `samples`; the result must fit it."""
    result = np.empty_like(samples)
    for top in range(0, len(samples), BAND):
        result[top : top + BAND] = np.rint(samples[top : top + BAND] * factor + offset)
    return result


def spread(samples: Samples, extreme: np.ufunc) -> Samples:
    """The extreme (`np.minimum`, `np.maximum`) of each 3x3 neighbourhood of (h, w)."""
    padded = np.pad(samples, 1, mode="edge")
    rows = extreme(extreme(padded[:-2], padded[1:-1]), padded[2:])
    both: Samples = extreme(extreme(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:])
    return both


def extremes_around(samples: Samples, extreme: np.ufunc, size: Size) -> Samples:
    """The extremes of the 3x3 samples around each pixel of an enlargement of (h, w) to `size`."""
    around = spread(samples, extreme)
    for axis, (length, most) in enumerate(zip(samples.shape, size, strict=True)):
        around = around.take((2 * np.arange(most) + 1) * length // (2 * most), axis)  # under each pixel's centre
    return around


def extremes_under(samples: Samples, extreme: np.ufunc, size: Size) -> Samples:
    """The extremes of the samples that each pixel of a reduction of (h, w) to `size` covers, wholly or in part."""
    for axis, (length, most) in enumerate(zip(samples.shape, size, strict=True)):
        edges = np.arange(most + 1) * length
        first, last = edges[:-1] // most, -(-edges[1:] // most) - 1
        samples = extreme(extreme.reduceat(samples, first, axis), samples.take(last, axis))
    return samples


def bleed(colour: Samples, visible: NDArray[np.bool_]) -> Samples:
    """Replace the colours of invisible pixels by those of their visible surroundings.

    The colour under full transparency is arbitrary, often black, and the network would smear it over the edge. The
    gaps are filled by push and pull: visible colours are averaged into ever smaller pictures, then each gap is filled
    from the next smaller one. In each picture the pixels next to visible ones are filled from these neighbours, so
    what surrounds an edge has the colours of the edge: encoders that share colour between pixels smear it, too.

    Args:
        colour: (h, w, c) uint8 or uint16.
        visible: (h, w) bool.
    """
    if visible.all() or not visible.any():
        return colour
    smaller = bleed(*_halve(colour, visible))
    result = colour.copy()
    for top in range(0, len(colour), BAND):
        part, gaps = result[top : top + BAND], ~visible[top : top + BAND]
        if gaps.any():
            part[gaps] = _doubled(smaller, slice(top // 2, (top + BAND) // 2))[: part.shape[0], : part.shape[1]][gaps]
    for _ in range(RINGS):
        visible = _grow(result, visible)
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


def _doubled(colour: Samples, rows: slice) -> Samples:
    """Some rows of a picture, twice as high and wide, by linear interpolation."""
    around = np.arange(rows.start - 1, min(rows.stop, len(colour)) + 1).clip(0, len(colour) - 1)
    tall = _interpolated(colour[around].astype(np.uint32))
    wide = _interpolated(np.pad(tall.swapaxes(0, 1), [(1, 1), (0, 0), (0, 0)], mode="edge")).swapaxes(0, 1)
    return ((wide + 8) // 16).astype(colour.dtype)


def _interpolated(lines: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Four times the value at a quarter and at three quarters of each line but the first and the last."""
    doubled = np.repeat(3 * lines[1:-1], 2, axis=0)
    doubled[::2] += lines[:-2]
    doubled[1::2] += lines[2:]
    return doubled


def _grow(colour: Samples, visible: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Give invisible pixels beside visible ones the mean colour of these, in place; return what is visible then."""
    grown = spread(visible.view(np.uint8), np.maximum).view(np.bool_)
    last_row, last_column = visible.shape[0] - 1, visible.shape[1] - 1
    for top in range(0, len(colour), BAND):
        rows, columns = np.nonzero(grown[top : top + BAND] & ~visible[top : top + BAND])
        total = np.zeros((len(rows), colour.shape[2]), np.uint32)
        count = np.zeros((len(rows), 1), np.uint32)
        for down, right in np.ndindex(3, 3):
            place = (rows + top + down - 1).clip(0, last_row), (columns + right - 1).clip(0, last_column)
            weight = visible[place][:, np.newaxis].astype(np.uint32)
            total += colour[place] * weight
            count += weight
        colour[rows + top, columns] = (total + count // 2) // count
    return grown
