"""A picture that never is in memory as a whole, enlarged in bands of rows, to the byte as if it were.

Its parts are those of the whole picture, row by row. A band is what a run of such rows of parts depends on.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from superscaling.enlarging.channels import Contrast, to_luma
from superscaling.enlarging.corrections import REACH
from superscaling.enlarging.passes import Part, Passes
from superscaling.enlarging.upscaler import PartRequest, TiledUpscaler, Work
from superscaling.geometry import Box, Cost, Span
from superscaling.pictures import Samples, Size
from superscaling.scheduling import NO_LISTENER, Deadline, ProgressListener, Timings


@dataclass(frozen=True)
class PartRow:
    """Parts that lie side by side.

    `shown`: the rows of the picture that they depend on; `place`: the rows of the result that they fill; `cost`: the
    work for all of them.
    """

    parts: tuple[Part, ...]
    shown: Span
    place: Span
    cost: Cost


class BandUpscaler:
    """Enlarges the bands of one picture.

    Args:
        upscaler: of the network.
        size: height and width of the picture in px.
        result: of the result, each at least as long.
    """

    def __init__(self, upscaler: TiledUpscaler, size: Size, result: Size) -> None:
        self._upscaler = upscaler
        self._size = size
        self._passes = upscaler.passes(size, result)
        parts = self._passes.parts(Box(0, 0, *size))
        self.rows = tuple(
            _row(upscaler, self._passes, tuple(side_by_side), size[0])
            for _, side_by_side in itertools.groupby(parts, lambda part: part.core.top)
        )

    def shown(self, first: int, stop: int) -> Span:
        """The rows of the picture that rows of parts from `first` up to, not including, `stop` depend on."""
        rows = self.rows[first:stop]
        return min(row.shown[0] for row in rows), max(row.shown[1] for row in rows)

    def enlarge(
        self,
        first: int,
        stop: int,
        band: Samples,
        levels: tuple[int, int],
        deadline: Deadline,
        timings: Timings,
        listener: ProgressListener = NO_LISTENER,
    ) -> Samples:
        """Make the rows of the result that rows of parts from `first` up to, not including, `stop` fill.

        Args:
            first, stop: which.
            band: (h, w, 1 or 3) uint8 or uint16: the rows that `shown` says.
            levels: the darkest and the brightest sample of the whole picture. They count with 16 bits only.
            deadline: checked before each tile.
            timings: of the block.
            listener: told of each tile.

        Raises:
            EngineFailed, ClientGone, DeadlinePassed, ServiceStopping: as `TiledUpscaler.enlarge`.
        """
        self._upscaler.check(deadline, timings)
        rows = self.rows[first:stop]
        channels = band.shape[2]
        enlarged = np.empty((rows[-1].place[1] - rows[0].place[0], self._passes.result[1], channels), band.dtype)
        darkest, brightest = levels
        pixels, contrast = band, None
        if band.dtype == np.uint16:
            if darkest == brightest:
                enlarged[:] = darkest
                return enlarged
            contrast = Contrast(darkest, brightest)
            pixels = contrast.stretched(band)
        if channels == 1:
            pixels = pixels.repeat(3, axis=2)
        top, bottom = self.shown(first, stop)
        place = Box(top, 0, bottom, self._size[1])
        work = Work(deadline, timings, listener)
        for row in rows:
            made = self._row(row, pixels, place, work)
            if channels == 1:
                made = to_luma(made)[:, :, np.newaxis]
            if contrast is not None:
                made = contrast.restored(made)
            enlarged[row.place[0] - rows[0].place[0] : row.place[1] - rows[0].place[0]] = made
        return enlarged

    def _row(self, row: PartRow, pixels: Samples, place: Box, work: Work) -> Samples:
        made = np.empty((row.place[1] - row.place[0], self._passes.result[1], 3), pixels.dtype)
        for part in row.parts:
            box = self._passes.place(part.core).moved(-row.place[0], 0)
            request = PartRequest(self._passes, part, pixels, place, None, made[box.slices], work)
            self._upscaler.make_part(request)
            work.finish_tile()
        return made


def _row(upscaler: TiledUpscaler, passes: Passes, parts: Sequence[Part], height: int) -> PartRow:
    core, window = parts[0].core, parts[0].windows[0]
    shown = max(0, min(window.top, core.top - REACH)), min(height, max(window.bottom, core.bottom + REACH))
    place = passes.place(core)
    cost = sum((upscaler.in_all_turns(passes.cost_of(part)) for part in parts), Cost())
    return PartRow(tuple(parts), shown, (place.top, place.bottom), cost)
