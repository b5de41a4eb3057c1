"""Cut a picture into overlapping tiles: geometry only.

A tile has a core, the pixels it is answerable for, and a window, the pixels the network is shown:
the core and up to `halo` real pixels around it. The cores cover the picture exactly once. Windows
lie inside the picture, so the network pads with zeros at the true border alone, as it would for
the whole picture. All windows of a picture have the same shape, so that an engine which prepares
itself for each new shape does it once per picture.
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
        return (self.bottom - self.top) * (self.right - self.left)

    def scaled(self, scale: int) -> "Box":
        """The same box in a picture enlarged by `scale`."""
        return Box(self.top * scale, self.left * scale, self.bottom * scale, self.right * scale)

    def seen_from(self, other: "Box") -> "Box":
        """The same box with `other`'s corner as the origin."""
        return Box(self.top - other.top, self.left - other.left, self.bottom - other.top, self.right - other.left)


@dataclass(frozen=True)
class Tile:
    """`core`: what the tile answers for. `window`: what the network is shown. Both in input pixels."""

    core: Box
    window: Box


@dataclass(frozen=True)
class Cost:
    """What the network is to be shown: how many `tiles`, and the `area` of all their windows in px."""

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


def _cut_line(length: int, tile: int, halo: int) -> Iterator[tuple[int, int, int, int]]:
    """Cut one axis; yields (core start, core stop, window start, window stop)."""
    count = max(1, math.ceil((length - 2 * halo) / tile))
    window = min(length, math.ceil((length - 2 * halo) / count) + 2 * halo) if count > 1 else length
    starts = [min(index * (window - 2 * halo), length - window) for index in range(count)]
    cores = [0, *(start + halo for start in starts[1:]), length]
    for index, start in enumerate(starts):
        yield cores[index], cores[index + 1], start, start + window
