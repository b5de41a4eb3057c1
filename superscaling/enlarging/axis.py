"""One axis of a picture that is enlarged in parts: their cores, the windows of each pass, and places in the result."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from superscaling.geometry import Span


@dataclass(frozen=True)
class Axis:
    """Rows or columns.

    `length`: of the picture in px; `result`: of the result in px, at least as long; `factor`: of all passes together;
    `contexts`: px of the picture that are needed on each side of a core, for each pass with all that follows it; the
    last one is that of the reduction; `core`: largest length of a core in px.
    """

    length: int
    result: int
    factor: int
    contexts: Sequence[int]
    core: int

    def windows(self, span: int) -> tuple[int, list[int]]:
        """How many parts `span` px are cut into, and how long their windows are in each pass, in px of the picture."""
        count = math.ceil(span / self.core)
        core = math.ceil(span / count)
        return count, [min(self.length, core + 2 * context) for context in self.contexts[:-1]]

    def cut(self, start: int, stop: int) -> Iterator[tuple[Span, list[Span]]]:
        """Cut a part of the axis evenly; yields cores, and for each the windows of the passes and of the reduction.

        At the ends of the axis windows are shifted inwards, so that all have the same length; a window holds the next
        one with its context in any case. What is reduced is of any length.
        """
        count, lengths = self.windows(stop - start)
        edges = [start + (stop - start) * number // count for number in range(count + 1)]
        for core in itertools.pairwise(edges):
            windows = [
                (first := min(max(0, core[0] - context), self.length - length), first + length)
                for context, length in zip(self.contexts, lengths, strict=False)
            ]
            reduced = max(0, core[0] - self.contexts[-1]), min(self.length, core[1] + self.contexts[-1])
            yield core, [*windows, reduced]

    def affected(self, start: int, stop: int) -> Span:
        """What of the result changes, as px of the picture, if these px of it change."""
        return max(0, start - self.contexts[0]), min(self.length, stop + self.contexts[0])

    def place(self, edge: int) -> int:
        """The edge of the result, in px, that belongs to an edge of a core: the nearest one, halves up."""
        return (2 * edge * self.result + self.length) // (2 * self.length)

    def source(self, edge: int) -> float:
        """Where an edge of the result lies in what the last pass makes of the whole axis, in px."""
        return edge * self.factor * self.length / self.result
