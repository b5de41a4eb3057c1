"""How a network of one factor reaches any size: passes, parts, and what each must see. Geometry only.

A pass enlarges by the network's own factor. Passes follow each other until the picture is large enough; then one
reduction gives the exact size. All of that is done with one part of the picture after the other, so memory does not
grow with the picture, and parts are independent of each other.

A part has a core: the pixels of the picture whose place in the result it fills. The places partition the result. In
each pass it has a window: the core, and the context that this pass, the later ones and the reduction need. Windows lie
inside the picture, so that its borders have the effect that they have on the whole picture. All windows of a pass have
the same shape, for engines that prepare themselves for each new one. The network is shown each window in ordinary
tiles, so that no turn of it is longer than any other.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

from superscaling.enlarging.axis import Axis
from superscaling.enlarging.corrections import REACH
from superscaling.enlarging.tiling import Tile, cost_of_cut, cut, cut_changes, longest_window
from superscaling.geometry import ROW_COST, Box, Cost
from superscaling.pictures import LANCZOS_SUPPORT, Size

# The longest edge in px of a part after its last pass: this bounds its memory. A thin one may be longer, in this area.
MAX_PART_EDGE = 2048


@dataclass(frozen=True)
class Step:
    """One pass over one part, in px of what this pass enlarges.

    `shown`: the window; `wanted`: the box in it whose enlargement is needed; `picture`: all of it;
    `is_first`: whether that is the client's picture, not what an earlier pass made.
    """

    shown: Box
    wanted: Box
    picture: Box
    is_first: bool


@dataclass(frozen=True)
class Part:
    """In px of the picture: the `core`, and the `windows` of all passes; the last one is that of the reduction."""

    core: Box
    windows: tuple[Box, ...]


class Passes:
    """The way from one size to another.

    `result`: height and width of the result in px; `factor`: of all passes together; `is_reduced`: whether a reduction
    follows.

    Args:
        scale: of the network; a network of factor 1 makes one pass.
        halo: px of context that a tile takes.
        tile: largest edge of the core of an ordinary tile in px.
        size: height and width of the picture in px.
        result: height and width of the result in px, each at least as long.
        multiple: what the network is shown is cut at multiples of so many px; up to `multiple` - 1 of the halo go.
        least: what the network is shown is padded until its sides have so many px.
    """

    def __init__(
        self, scale: int, halo: int, tile: int, size: Size, result: Size, multiple: int = 1, least: int = 1
    ) -> None:
        self._scale, self._halo, self._tile, self._size, self._multiple = scale, halo, tile, size, multiple
        self._least = least
        self.result = result
        self._count = 1
        while scale > 1 and any(side * scale**self._count < most for side, most in zip(size, result, strict=True)):
            self._count += 1
        self.factor = scale**self._count
        self.is_reduced = any(side * self.factor != most for side, most in zip(size, result, strict=True))
        height, width = size
        self._rows, self._columns = self._axis(height, result[0], width), self._axis(width, result[1], height)

    @property
    def cost(self) -> Cost:
        """The work for the whole picture, without cutting it."""
        if self._is_plain:
            return self._cost(*self._size)
        rows, heights = self._rows.windows(self._rows.length)
        columns, widths = self._columns.windows(self._columns.length)
        scales = (self._scale**number for number in range(self._count))
        costs = (
            self._cost(height * scale, width * scale)
            for height, width, scale in zip(heights, widths, scales, strict=True)
        )
        return sum(costs, Cost()) * (rows * columns)

    def cost_of(self, part: Part) -> Cost:
        """The work for one part."""
        return sum((self._cost(*step.shown.size) for step in self.steps(part)), Cost())

    def parts(self, changed: Box) -> Iterator[Part]:
        """The parts to enlarge, row by row, if only the pixels in `changed` differ from what was enlarged before."""
        if self._is_plain:
            for tile in cut_changes(Box(0, 0, *self._size), changed, self._tile, self._halo, self._least):
                yield Part(tile.core, (tile.window, tile.core))
            return
        columns = list(self._columns.cut(*self._columns.affected(changed.left, changed.right)))
        for (top, bottom), heights in self._rows.cut(*self._rows.affected(changed.top, changed.bottom)):
            for (left, right), widths in columns:
                windows = (
                    Box(window_top, window_left, window_bottom, window_right)
                    for (window_top, window_bottom), (window_left, window_right) in zip(heights, widths, strict=True)
                )
                yield Part(Box(top, left, bottom, right), tuple(windows))

    def steps(self, part: Part) -> Iterator[Step]:
        """The passes over a part."""
        for number, boxes in enumerate(itertools.pairwise(part.windows)):
            shown, wanted, picture = (box.scaled(self._scale**number) for box in (*boxes, Box(0, 0, *self._size)))
            yield Step(shown, wanted, picture, is_first=number == 0)

    def tiles(self, step: Step) -> Iterator[Tile]:
        """What the network is shown, one turn each: the window, cut. A core may lie outside of what is wanted."""
        for tile in cut(*step.shown.size, self._tile, self._halo, self._least):
            core, window = (box.moved(step.shown.top, step.shown.left) for box in (tile.core, tile.window))
            # A network that works in windows must find them where they are in the whole picture.
            yield Tile(core, window.between_multiples(self._multiple, step.picture))

    def place(self, core: Box) -> Box:
        """The place of a core in the result."""
        rows, columns = self._rows, self._columns
        return Box(rows.place(core.top), columns.place(core.left), rows.place(core.bottom), columns.place(core.right))

    def source(self, place: Box, shown: Box) -> tuple[float, float, float, float]:
        """Where a place in the result lies in a part of what the last pass makes of the whole picture.

        Args:
            place: in the result.
            shown: the part.

        Returns:
            left, top, right, bottom, in px from the corner of `shown`.
        """
        top, bottom = (self._rows.source(edge) - shown.top for edge in (place.top, place.bottom))
        left, right = (self._columns.source(edge) - shown.left for edge in (place.left, place.right))
        return left, top, right, bottom

    @property
    def _is_plain(self) -> bool:
        """Whether a single pass gives the size: then each part is an ordinary tile."""
        return self._count == 1 and not self.is_reduced

    def _cost(self, height: int, width: int) -> Cost:
        return cost_of_cut(height, width, self._tile, self._halo, self._least, self._multiple)

    def _axis(self, length: int, result: int, other: int) -> Axis:
        """The axis of so many px, of a picture that has `other` px on the other one."""
        is_reduced = length * self.factor != result
        contexts = [math.ceil(LANCZOS_SUPPORT * length / result) + 1 if is_reduced else 0]
        for number in reversed(range(self._count)):
            contexts.insert(0, contexts[0] + math.ceil(max(self._halo, REACH) / self._scale**number))
        turn, edge = longest_window(other, self._tile, self._halo, self._least), MAX_PART_EDGE // self.factor
        if turn > self._tile + 2 * self._halo:
            edge = max(edge, edge**2 // (other + ROW_COST))
        # A core of half a tile at least, even if the context is so wide that the first window takes several turns.
        core = length if length <= turn else max(turn - 2 * contexts[0], self._tile // 2)
        bound = edge - 2 * contexts[-1]
        return Axis(length, result, self.factor, contexts, max(1, min(core, bound)))
