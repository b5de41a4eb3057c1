"""Cuts pictures into overlapping tiles: geometry only.

Each tile has a core, the pixels of the result that are taken from it, and a window, the pixels that the network is
shown: the core and up to `halo` px of context around it. The cores cover the picture exactly once. Windows lie inside
the picture, so the network's zero padding applies at the true border only, as with the whole picture. All windows of a
cut have the same shape, so that an engine which prepares itself for each new shape does so once.

A tile has costs of its own, whatever its size. So pictures of a few rows or columns are cut into longer tiles, each
with as much work as a full one.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from superscaling.geometry import ROW_COST, Box, Cost, padded_side

# A picture is thin if its shorter side is at most this share of a full core's. In wider ones a tile's own costs are
# small beside those of its px.
THIN_SHARE = 1 / 8


@dataclass(frozen=True)
class Tile:
    """`core`: what the result takes from the tile; `window`: what the network is shown. Both in input pixels."""

    core: Box
    window: Box


def cut(height: int, width: int, tile: int, halo: int, least: int = 1) -> Iterator[Tile]:
    """Cut a picture into tiles, row by row.

    Args:
        height, width: size of the picture in px, at least 1.
        tile: largest edge of an inner core in px, unless the picture is thin. (At the border a core needs no halo and
            may be larger.)
        halo: px of context on each inner side of a core.
        least: windows are padded until their sides have so many px.
    """
    columns = list(_cut_line(width, longest_window(height, tile, halo, least), halo))
    for top, bottom, window_top, window_bottom in _cut_line(height, longest_window(width, tile, halo, least), halo):
        for left, right, window_left, window_right in columns:
            yield Tile(
                core=Box(top, left, bottom, right),
                window=Box(window_top, window_left, window_bottom, window_right),
            )


def cut_changes(picture: Box, part: Box, tile: int, halo: int, least: int = 1) -> Iterator[Tile]:
    """Cut what must be enlarged again if only the pixels in `part` have changed.

    The change affects the result up to `halo` px around the part, and computing that takes another `halo` px of
    context. The cores cover the affected area once. If the part is the whole picture, the tiles are those of `cut`.

    Args:
        picture: all of it.
        part: a box within the picture.
        tile, halo, least: as in `cut`.
    """
    affected = part.grown(halo).within(picture)
    shown = affected.grown(halo).within(picture)
    for each in cut(*shown.size, tile, halo, least):
        core, window = (box.moved(shown.top, shown.left) for box in (each.core, each.window))
        yield Tile(core.within(affected), window)


def cost_of_cut(height: int, width: int, tile: int, halo: int, least: int = 1, multiple: int = 1) -> Cost:
    """The cost of the tiles of `cut`, without cutting; `multiple`: windows are padded to multiples of so many px."""
    rows, window_height = _windows(height, longest_window(width, tile, halo, least), halo)
    columns, window_width = _windows(width, longest_window(height, tile, halo, least), halo)
    shown = (padded_side(side, multiple, least) for side in (window_height, window_width))
    return Cost.of_window(*shown) * (rows * columns)


def longest_window(other: int, tile: int, halo: int, least: int = 1) -> int:
    """The most px of a window on an axis of a picture that has `other` px on the other axis. (Rest as in `cut`.)"""
    full = tile + 2 * halo
    if other > THIN_SHARE * tile:
        return full
    return max(full, full * (full + ROW_COST) // (max(other, least) + ROW_COST))


def _windows(length: int, longest: int, halo: int) -> tuple[int, int]:
    """Number and length in px of the windows on an axis of `length` px, each of at most `longest` px."""
    count = max(1, math.ceil((length - 2 * halo) / (longest - 2 * halo)))
    return count, min(length, math.ceil((length - 2 * halo) / count) + 2 * halo) if count > 1 else length


def _cut_line(length: int, longest: int, halo: int) -> Iterator[tuple[int, int, int, int]]:
    """Cut one axis; yields (core start, core stop, window start, window stop)."""
    count, window = _windows(length, longest, halo)
    starts = [min(index * (window - 2 * halo), length - window) for index in range(count)]
    cores = [0, *(start + halo for start in starts[1:]), length]
    for index, start in enumerate(starts):
        yield cores[index], cores[index + 1], start, start + window
