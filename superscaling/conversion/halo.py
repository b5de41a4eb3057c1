"""Measures how much context a tile needs, so that enlarging a part gives what enlarging the whole picture gives."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from superscaling.engines import Pixels
from superscaling.models import Kind

# Largest difference in 8-bit levels between a tile and the whole picture.
HALO_LIMIT = 0.01
# Of networks that invent details anyway: after rounding, tiles differ from the whole picture by a level at most.
ROUNDING_LIMIT = 0.5
# Halos to choose from, in px.
HALOS = (8, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128)
# The strips that are cut: height and width in px, or the other way round. Their halves are longer than any halo.
STRIP = (61, 288)

# (h, w, 3) uint8 to (scale h, scale w, 3) in levels, not clamped.
Enlarge = Callable[[Pixels], NDArray[Any]]


@dataclass(frozen=True)
class Halo:
    """`px`: one of `HALOS`; `seam`: the largest difference that was seen beyond it, in 8-bit levels."""

    px: int
    seam: float


def halo_limit(kind: Kind) -> float:
    """Largest difference in 8-bit levels that a halo leaves between a tile and the whole picture."""
    return HALO_LIMIT if kind is Kind.FAITHFUL else ROUNDING_LIMIT


def measure_halo(
    enlarge: Enlarge, scale: int, photographs: Sequence[Pixels], kind: Kind = Kind.FAITHFUL, multiple: int = 1
) -> Halo:
    """The smallest halo with which a part of a picture differs from the whole by less than its kind's `halo_limit`.

    A network that looks at the whole picture, such as one with global pooling, has none. Its halo is the smallest
    beyond which the difference is no more than twice that of the largest halo: more context would hardly help.

    Args:
        enlarge: the network.
        scale: its factor.
        photographs: (h, w, 3) uint8; a strip of each is cut in two, alternately across and along.
        kind: what its results are meant to be.
        multiple: cuts are made at multiples of so many px.
    """
    beyond = np.max([_largest_beyond(enlarge, scale, strip, multiple) for strip in strips(photographs)], axis=0)
    limit = halo_limit(kind)
    good = [halo for halo in HALOS if beyond[halo] < limit or beyond[halo] <= 2 * beyond[HALOS[-1]]]
    return Halo(good[0], float(beyond[good[0]]))


def strips(photographs: Sequence[Pixels]) -> list[Pixels]:
    """A strip of each photograph, alternately lying and standing, mirrored where the photograph is too small."""
    return [_strip(pixels, *STRIP[:: 1 if number % 2 == 0 else -1]) for number, pixels in enumerate(photographs)]


def cut_of(length: int, multiple: int) -> int:
    """Where a strip is cut, in px.

    About the middle, at a multiple of `multiple`, but off the window sizes 2, 3, 7 and 11 that networks use: a cut
    there would hide their windows.
    """
    count = length // (2 * multiple)
    return multiple * next(number for number in range(count, 0, -1) if np.gcd(number, 2 * 3 * 7 * 11) == 1)


def _largest_beyond(enlarge: Enlarge, scale: int, strip: Pixels, multiple: int) -> NDArray[Any]:
    """By distance from a cut in px: the largest difference between parts and whole there or farther, in levels."""
    standing = strip.shape[0] > strip.shape[1]
    axis = 0 if standing else 1
    cut = cut_of(strip.shape[axis], multiple)
    one, other = np.split(strip, [cut], axis)
    whole = np.split(enlarge(strip), [cut * scale], axis)
    differences = [np.abs(enlarge(part) - expected) for part, expected in zip((one, other), whole, strict=True)]
    # By result row, from the cut on: the first part's last row comes first.
    lines = [each.max(axis=(1 - axis, 2)) for each in differences]
    lines[0] = lines[0][::-1]
    length = HALOS[-1] + 1
    by_distance = [each[: len(each) // scale * scale].reshape(-1, scale).max(axis=1) for each in lines]
    beyond = [np.maximum.accumulate(each[::-1])[::-1] for each in by_distance]
    farthest: NDArray[Any] = np.maximum(*(_extended(each, length) for each in beyond))
    return farthest


def _extended(values: NDArray[Any], length: int) -> NDArray[Any]:
    """The first `length` values; 0 where there are fewer: the other part is longer."""
    return np.pad(values, (0, max(0, length - len(values))))[:length]


def _strip(pixels: Pixels, height: int, width: int) -> Pixels:
    missing = [(0, max(0, wanted - side)) for wanted, side in zip((height, width), pixels.shape[:2], strict=True)]
    larger = np.pad(pixels, (*missing, (0, 0)), mode="symmetric")
    top, left = (larger.shape[0] - height) // 2, (larger.shape[1] - width) // 2
    return np.ascontiguousarray(larger[top : top + height, left : left + width])
