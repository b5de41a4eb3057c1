"""Boxes in a picture, and amounts of work."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # who only asks a service needs the sizes, and has no numpy
    import numpy as np
    from numpy.typing import NDArray

# Rows or columns: the first one, and the one after the last.
Span = tuple[int, int]

# So many px more does a row of a window cost a network, whose convolutions fill vector registers along rows: a window
# 1 px wide takes 2 to 3.3 times as long per px as a square one, one of 4 px 1.4 times, by the project's networks in
# fp32, bf16 and int8 (docs/decisions/0050-costs-by-tile.md).
ROW_COST = 2
# Px.
MEGAPIXEL = 1_000_000


@dataclass(frozen=True)
class Box:
    """Rows `top` to `bottom` and columns `left` to `right`, the ends excluded, in px."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """The first two indices of a pixel array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def area(self) -> int:
        """Number of pixels."""
        height, width = self.size
        return height * width

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in px."""
        return self.bottom - self.top, self.right - self.left

    def scaled(self, scale: int) -> Box:
        """The same box in the picture enlarged by `scale`."""
        return Box(self.top * scale, self.left * scale, self.bottom * scale, self.right * scale)

    def seen_from(self, other: Box) -> Box:
        """The same box with the corner of `other` as the origin."""
        return self.moved(-other.top, -other.left)

    def moved(self, down: int, right: int) -> Box:
        """The box shifted by so many px."""
        return Box(self.top + down, self.left + right, self.bottom + down, self.right + right)

    def grown(self, by: int) -> Box:
        """The box with a margin of `by` px on every side."""
        return Box(self.top - by, self.left - by, self.bottom + by, self.right + by)

    def between_multiples(self, multiple: int, picture: Box) -> Box:
        """The box shrunk until its sides are at multiples of so many px, or at the far end of the picture."""
        top, left = (-(-side // multiple) * multiple for side in (self.top, self.left))
        bottom, right = (
            side if side == end else side // multiple * multiple
            for side, end in ((self.bottom, picture.bottom), (self.right, picture.right))
        )
        return Box(top, left, bottom, right)

    def overlaps(self, other: Box) -> bool:
        """Whether another box has a pixel in common."""
        height, width = self.within(other).size
        return height > 0 and width > 0

    def within(self, other: Box) -> Box:
        """The intersection with another box. They must overlap."""
        return Box(
            max(self.top, other.top),
            max(self.left, other.left),
            min(self.bottom, other.bottom),
            min(self.right, other.right),
        )


@dataclass(frozen=True)
class Cost:
    """Work for the network: the number of `tiles`, and the `area` in px of all their windows in all views.

    `more_turns`: those that tiles take beyond one each, in several views or with several networks; `rows`, `columns`:
    how many all these windows have, as the network is shown them. Windows count with what they are padded to.
    """

    tiles: int = 0
    area: int = 0
    more_turns: int = 0
    rows: int = 0
    columns: int = 0

    @classmethod
    def of_window(cls, height: int, width: int) -> Cost:
        """One tile with a window of that size in px."""
        return cls(1, height * width, rows=height, columns=width)

    @property
    def work(self) -> int:
        """Px of ordinary windows that take the network as long, apart from what each call takes."""
        return self.area + ROW_COST * self.rows

    @property
    def turns(self) -> int:
        """How often the work waits for its turn."""
        return self.tiles + self.more_turns

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.tiles + other.tiles,
            self.area + other.area,
            self.more_turns + other.more_turns,
            self.rows + other.rows,
            self.columns + other.columns,
        )

    def __mul__(self, times: int) -> Cost:
        return Cost(
            self.tiles * times, self.area * times, self.more_turns * times, self.rows * times, self.columns * times
        )


def padded_side(side: int, multiple: int, least: int) -> int:
    """The side in px to which a network pads one that it does not take: a multiple, and at least `least`."""
    return max(least, math.ceil(side / multiple) * multiple)


def whole_box(pixels: NDArray[Any]) -> Box:
    """The box of all pixels of an array (h, w, c)."""
    height, width, _ = pixels.shape
    return Box(0, 0, height, width)


def changed_box(before: NDArray[Any] | None, after: NDArray[Any]) -> Box | None:
    """The smallest box that holds all pixels in which two arrays (h, w, c) differ; None if they are equal.

    If `before` is None, or of another shape or type, everything differs.
    """
    if before is None or (before.shape, before.dtype) != (after.shape, after.dtype):
        return whole_box(after)
    height, width, channels = after.shape
    differs = (before != after).reshape(height, width * channels)
    rows = _extent(differs.any(axis=1))
    columns = _extent(differs.any(axis=0).reshape(width, channels).any(axis=1))
    return Box(rows[0], columns[0], rows[1], columns[1]) if rows and columns else None


def _extent(flags: NDArray[np.bool_]) -> tuple[int, int] | None:
    """The first true index and the last one plus 1; None if all are false."""
    (indices,) = flags.nonzero()
    return (int(indices[0]), int(indices[-1]) + 1) if len(indices) else None
