"""Pixels in, enlarged pixels out: parts, passes, tiles, corrections, clamping and rounding."""

import abc
import functools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from superscaling.engines import Engine, EngineFacts, Pixels
from superscaling.enlarging.channels import write_levels
from superscaling.enlarging.corrections import REACH, correct, is_flat, limit
from superscaling.enlarging.frame_reuse import PreviousFrame
from superscaling.enlarging.interpolation import MARGIN, enlarge_linearly
from superscaling.enlarging.network import Network
from superscaling.enlarging.passes import Part, Passes, Step
from superscaling.enlarging.reduction import opacity_of, reduce_colour
from superscaling.enlarging.self_ensemble import turned_views
from superscaling.enlarging.tiling import Tile
from superscaling.geometry import Box, Cost, changed_box, whole_box
from superscaling.models import Kind, KnownAnswer
from superscaling.pictures import Samples, Size, reduce_plane
from superscaling.scheduling import NO_LISTENER, Deadline, FairLock, ProgressListener, Timings


class TiledUpscaler(abc.ABC):
    """Enlarges pixel arrays to any size, part by part, with one network or several.

    Args:
        facts: of what enlarges.
        tile: largest edge of a tile's core in px. A network's memory grows with its square, not with the picture.
    """

    def __init__(self, facts: EngineFacts, tile: int) -> None:
        self.facts = facts
        self.tile = tile
        # Other kinds are meant to give smooth areas a texture, and a colour of their own.
        self._is_faithful = facts.kind is Kind.FAITHFUL

    @abc.abstractmethod
    def infer(self, pixels: Pixels, deadline: Deadline, timings: Timings) -> NDArray[np.float32]:
        """Infer a tile, as `Network.infer` does."""

    @abc.abstractmethod
    def check(self, deadline: Deadline, timings: Timings) -> None:
        """Make sure that what infers can be trusted, as `Network.check` does."""

    @abc.abstractmethod
    def seconds_for(self, cost: Cost) -> float:
        """Estimated seconds of inference, of one or many tiles; 0 while the speed is unknown."""

    @abc.abstractmethod
    def turns_for(self, area: float) -> int:
        """How many turns `infer` takes for a tile of so many px."""

    @abc.abstractmethod
    def measure_speed(self, deadline: Deadline, max_age: float = 0.0) -> None:
        """Measure the speed anew, as `Network.measure_speed` does."""

    def enlarge(
        self,
        pixels: Pixels,
        deadline: Deadline,
        timings: Timings,
        listener: ProgressListener = NO_LISTENER,
        before: PreviousFrame | None = None,
        size: Size | None = None,
        alpha: Samples | None = None,
    ) -> Pixels:
        """Enlarge `pixels`; with a faithful model, tiles of one colour without the network.

        Args:
            pixels: (h, w, 3) uint8 or uint16, RGB, h and w at least 1.
            deadline: checked before each tile.
            timings: of the request.
            listener: told of each tile, and of each part of the result.
            before: an enlarged picture; only what differs from it is enlarged again.
            size: height and width of the result, at least h and w; by default the network's factor larger.
            alpha: (h, w); where the result is reduced, each pixel counts as much as it is opaque. None: all alike.

        Returns:
            (size, 3) of the same type: clamped, then rounded to the nearest level.

        Raises:
            EngineFailed: the engine raised or gave no picture. A failed tile is never replaced by anything else.
            ClientGone, DeadlinePassed, ServiceStopping: from `deadline`.
        """
        self.check(deadline, timings)
        passes = self.passes(whole_box(pixels).size, size)
        enlarged = np.empty((*passes.result, pixels.shape[2]), pixels.dtype)
        known = before if before is not None and before.enlarged.shape == enlarged.shape else None
        if known is not None:
            enlarged[:] = known.enlarged
        work = Work(deadline, timings, listener)
        whole = whole_box(pixels)
        for part in _changed_parts(passes, pixels, None if known is None else known.pixels):
            place = passes.place(part.core)
            target = enlarged[place.slices]
            if self.make_part(PartRequest(passes, part, pixels, whole, alpha, target, work)):
                listener.part_done(place, target)
                work.finish_tile()
        return enlarged

    def make_part(self, request: "PartRequest") -> bool:
        """Fill a part of a result. Returns whether it was filled, or left as it is.

        Raises:
            EngineFailed, ClientGone, DeadlinePassed, ServiceStopping: as `enlarge`.
        """
        passes, part, target = request.passes, request.part, request.target
        levels = self._levels(passes, part, request.pixels, request.place, request.work)
        if passes.is_reduced:
            place, shown = passes.place(part.core), part.windows[-1]
            opacity = None if request.alpha is None else _opacity(request.alpha, shown, passes.factor)
            box = passes.source(place, shown.scaled(passes.factor))
            reduce_colour(levels, opacity, functools.partial(reduce_plane, size=place.size, box=box), target)
        else:
            write_levels(levels, target)
        return True

    def passes(self, picture: Size, result: Size | None = None) -> Passes:
        """The way from one height and width in px to another; by default the network's factor larger."""
        height, width = picture
        result = result or (height * self.facts.scale, width * self.facts.scale)
        facts = self.facts
        return Passes(facts.scale, facts.context, self.tile, picture, result, facts.multiple, facts.least)

    def cost_of(self, height: int, width: int, size: Size | None = None) -> Cost:
        """The work for a picture of `height` by `width` px, enlarged to `size`."""
        return self.in_all_turns(self.passes((height, width), size).cost)

    def cost_of_changes(self, pixels: Pixels, before: Pixels, size: Size | None = None) -> Cost:
        """The work for a picture (h, w, 1 or 3) if `before` was already enlarged to `size`."""
        passes = self.passes(whole_box(pixels).size, size)
        return self.in_all_turns(sum(map(passes.cost_of, _changed_parts(passes, pixels, before)), Cost()))

    def in_all_turns(self, cost: Cost) -> Cost:
        """The work in all views and with all networks; tiles count as if they were of one size."""
        if not cost.tiles:
            return cost
        views, turns = self.facts.views, self.turns_for(cost.area / cost.tiles)
        turned = turned_views(views)
        return Cost(
            cost.tiles,
            cost.area * views,
            cost.tiles * (turns - 1),
            rows=cost.rows * (views - turned) + cost.columns * turned,
            columns=cost.columns * (views - turned) + cost.rows * turned,
        )

    def _levels(self, passes: Passes, part: Part, pixels: Pixels, place: Box, work: "Work") -> NDArray[np.float32]:
        """Make all passes over a part of `pixels`; each but the last is rounded, as the next one needs pixels."""
        *earlier, last = passes.steps(part)
        for step in earlier:
            levels = self._pass(passes, step, pixels, place, work)
            pixels, place = np.empty(levels.shape, pixels.dtype), step.wanted.scaled(self.facts.scale)
            write_levels(levels, pixels)
            work.finish_tile()
        return self._pass(passes, last, pixels, place, work)

    def _pass(self, passes: Passes, step: Step, pixels: Pixels, place: Box, work: "Work") -> NDArray[np.float32]:
        """Enlarge what is wanted of `pixels`, which lie at `place`. The last tile is left to be reported."""
        wanted = step.wanted.scaled(self.facts.scale)
        levels = np.empty((*wanted.size, 3), np.float32)
        *_, last = tiles = list(passes.tiles(step))
        for tile in tiles:
            if tile.core.overlaps(step.wanted):
                core = tile.core.within(step.wanted)
                seen = Tile(core.seen_from(place), tile.window.seen_from(place))
                result = self._corrected(pixels, seen, work, is_first=step.is_first)
                levels[core.scaled(self.facts.scale).seen_from(wanted).slices] = result
            if tile is not last:
                work.finish_tile()
        return levels

    def _corrected(self, pixels: Pixels, tile: Tile, work: "Work", *, is_first: bool) -> NDArray[np.float32]:
        """Infer a tile and correct its core; the result is the core's, in levels."""
        core = tile.core.scaled(self.facts.scale)
        if self._is_faithful and is_flat(pixels[tile.window.slices]):
            work.deadline.check(work.timings)
            return np.full((*core.size, 3), pixels[tile.core.top, tile.core.left], np.float32)
        levels = self.infer(pixels[tile.window.slices], work.deadline, work.timings)
        levels = levels[core.seen_from(tile.window.scaled(self.facts.scale)).slices]
        around = tile.core.grown(REACH).within(whole_box(pixels))
        correct(levels, pixels[around.slices], tile.core.seen_from(around), keeps_smooth=self._is_faithful)
        if not is_first:
            limit(levels, pixels[around.slices], tile.core.seen_from(around))
        return levels


class Upscaler(Network, TiledUpscaler):
    """One network that enlarges pixel arrays, in turn with other requests.

    Args:
        engine, lock, known_answer, views: of the network.
        tile: as for `TiledUpscaler`.
    """

    def __init__(self, engine: Engine, lock: FairLock, tile: int, known_answer: KnownAnswer, views: int = 1) -> None:
        Network.__init__(self, engine, lock, (tile + 2 * engine.facts.context) ** 2, known_answer, views)
        TiledUpscaler.__init__(self, self.facts, tile)


@dataclass(frozen=True)
class Work:
    """What a request brings along."""

    deadline: Deadline
    timings: Timings
    listener: ProgressListener

    def finish_tile(self) -> None:
        """Count a tile, and tell the listener."""
        self.timings.finish_tile()
        self.listener.tile_done(self.timings)


@dataclass(frozen=True)
class PartRequest:
    """A part of a result that is to be made.

    `passes`: the way to the result; `pixels`: (h, w, 3) of the picture, or of a band of it that has all that the part
    depends on; `place`: where they lie in the picture; `alpha`: (h, w) of the picture, or None; `target`: the pixels of
    the result that the part fills.
    """

    passes: Passes
    part: Part
    pixels: Pixels
    place: Box
    alpha: Samples | None
    target: Pixels
    work: Work


def _changed_parts(passes: Passes, pixels: Pixels, before: Pixels | None) -> Iterator[Part]:
    """The parts to enlarge: all, or those that differ from `before`."""
    changed = changed_box(before, pixels)
    if changed is None:
        return
    for part in passes.parts(changed):
        window = part.windows[0].slices
        if before is None or changed_box(before[window], pixels[window]):
            yield part


def _opacity(alpha: Samples, shown: Box, factor: int) -> NDArray[np.float32]:
    """The opacity of a part of the picture, enlarged linearly."""
    around = shown.grown(MARGIN)
    inside = around.within(Box(0, 0, *alpha.shape))
    beyond = (
        (inside.top - around.top, around.bottom - inside.bottom),
        (inside.left - around.left, around.right - inside.right),
    )
    return enlarge_linearly(np.pad(opacity_of(alpha[inside.slices]), beyond, mode="edge"), factor)
