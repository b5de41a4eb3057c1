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

from superscaling.geometry import Box, Cost


@dataclass(frozen=True)
class Tile:
    """`core`: what the tile answers for. `window`: what the network is shown. Both in input pixels."""

    core: Box
    window: Box


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
