"""Cut a picture into overlapping tiles: geometry only.

A tile has a core, the pixels it is answerable for, and a window, the pixels the network is shown:
the core and up to `halo` real pixels around it. The cores cover the picture exactly once. Windows
lie inside the picture, so the network pads with zeros at the true border alone, as it would for
the whole picture. All windows of one cut have the same shape, so that an engine which prepares
itself for each new shape does it once.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    """The rows from `top` and the columns from `left`, up to but without `bottom` and `right`, in px."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """The box as the first two indices of a pixel array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def area(self) -> int:
        """Number of pixels inside."""
        height, width = self.size
        return height * width

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in px."""
        return self.bottom - self.top, self.right - self.left

    def scaled(self, scale: int) -> "Box":
        """The same box in a picture enlarged by `scale`."""
        return Box(self.top * scale, self.left * scale, self.bottom * scale, self.right * scale)

    def seen_from(self, other: "Box") -> "Box":
        """The same box with `other`'s corner as the origin."""
        return self.moved(-other.top, -other.left)

    def moved(self, down: int, right: int) -> "Box":
        """The same box elsewhere."""
        return Box(self.top + down, self.left + right, self.bottom + down, self.right + right)

    def grown(self, by: int) -> "Box":
        """The box and `by` px on every side."""
        return Box(self.top - by, self.left - by, self.bottom + by, self.right + by)

    def within(self, other: "Box") -> "Box":
        """What two boxes that overlap have in common."""
        return Box(
            max(self.top, other.top),
            max(self.left, other.left),
            min(self.bottom, other.bottom),
            min(self.right, other.right),
        )


@dataclass(frozen=True)
class Tile:
    """`core`: what the tile answers for. `window`: what the network is shown. Both in input pixels."""

    core: Box
    window: Box


@dataclass(frozen=True)
class Cost:
    """What the network is to be shown: how many `tiles`, and the `area` of all their windows, in every view, in px."""

    tiles: int = 0
    area: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.tiles + other.tiles, self.area + other.area)

    def __mul__(self, times: int) -> "Cost":
        return Cost(self.tiles * times, self.area * times)


def cut(height: int, width: int, tile: int, halo: int) -> Iterator[Tile]:
    """Cut a `height` by `width` picture into tiles whose cores are about `tile` px, row by row.

    Args:
        height, width: size of the picture in px, at least 1.
        tile: largest edge of an inner core in px. (A core at the border needs no halo there and may be larger.)
        halo: px of real context on every inner side of a core.
    """
    columns = list(_cut_line(width, tile, halo))
    for top, bottom, window_top, window_bottom in _cut_line(height, tile, halo):
        for left, right, window_left, window_right in columns:
            yield Tile(
                core=Box(top, left, bottom, right),
                window=Box(window_top, window_left, window_bottom, window_right),
            )


def cut_anew(picture: Box, part: Box, tile: int, halo: int) -> Iterator[Tile]:
    """Cut what has to be enlarged anew where no other pixels of a picture than those in `part` are new.

    What the network makes of them reaches `halo` px beyond the part, and to compute it takes `halo` px more. The cores
    cover the former once. Where the part is the whole picture, the tiles are those of `cut`.

    Args:
        picture: the whole of it.
        part: a box within the picture.
        tile, halo: see `cut`.
    """
    reached = part.grown(halo).within(picture)
    shown = reached.grown(halo).within(picture)
    for each in cut(*shown.size, tile, halo):
        core, window = (box.moved(shown.top, shown.left) for box in (each.core, each.window))
        yield Tile(core.within(reached), window)


def cost_of_cut(height: int, width: int, tile: int, halo: int) -> Cost:
    """What `cut` makes of a picture, without cutting it."""
    (rows, window_height), (columns, window_width) = (_windows(length, tile, halo) for length in (height, width))
    return Cost(1, window_height * window_width) * (rows * columns)


def _windows(length: int, tile: int, halo: int) -> tuple[int, int]:
    """How many windows an axis of so many px is cut into, and their length in px."""
    count = max(1, math.ceil((length - 2 * halo) / tile))
    return count, min(length, math.ceil((length - 2 * halo) / count) + 2 * halo) if count > 1 else length


def _cut_line(length: int, tile: int, halo: int) -> Iterator[tuple[int, int, int, int]]:
    """Cut one axis; yields (core start, core stop, window start, window stop)."""
    count, window = _windows(length, tile, halo)
    starts = [min(index * (window - 2 * halo), length - window) for index in range(count)]
    cores = [0, *(start + halo for start in starts[1:]), length]
    for index, start in enumerate(starts):
        yield cores[index], cores[index + 1], start, start + window
