"""Pixels in, enlarged pixels out: tiles, views, turns, clamping and rounding."""

import dataclasses
import functools
import math
import operator
import time
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from superscaling.engines import Engine, Pixels, infer_levels
from superscaling.enlarging.frame_reuse import PreviousFrame, changed, whole
from superscaling.enlarging.self_ensemble import ALL_VIEWS, View
from superscaling.enlarging.tiling import Tile, cost_of_cut, cut_anew
from superscaling.errors import EngineFailed
from superscaling.geometry import Cost
from superscaling.models import KnownAnswer
from superscaling.scheduling import Aside, FairLock, Speed, Work

# A second, larger picture is timed at the start: the known answer is too small to tell the speed. In px.
SPEED_TEST_EDGE = 128
# The fastest run counts: the first includes the engine's preparations, and any may be held up by others.
SPEED_TEST_RUNS = 3
# The start may take as long as it needs: a large network on one slow core takes a minute to warm up.
START_TIMEOUT = 570.0


class Upscaler:
    """Enlarges pixel arrays with one engine, tile by tile, taking turns.

    Safe to call from many threads: nothing of a request is kept on it.

    Args:
        engine: what runs the network.
        lock: where tiles wait for their turn.
        tile: largest edge of a tile's core in px; memory for the network grows with its square, not with the picture.
        known_answer: what the engine has to give back before it is trusted.
        views: how many of `self_ensemble.ALL_VIEWS` of each tile the network is shown: 1, 2, 4 or 8.
    """

    def __init__(self, engine: Engine, lock: FairLock, tile: int, known_answer: KnownAnswer, views: int = 1) -> None:
        self.facts = dataclasses.replace(engine.facts, views=views)
        self._engine = engine
        self._lock = lock
        self._tile = tile
        self._known_answer = known_answer
        self._speed = Speed()
        self._speed_measured = -math.inf
        self._trusted = False

    def enlarge(self, pixels: Pixels, work: Work, before: PreviousFrame | None = None) -> Pixels:
        """Enlarge `pixels`.

        Args:
            pixels: (h, w, 3) uint8 or uint16, RGB, h and w from 1.
            work: asked before and told after each tile.
            before: what was enlarged before: only what is new is enlarged again.

        Returns:
            (scale h, scale w, 3) of the same type: clamped, then rounded to the nearest level.

        Raises:
            EngineFailed: the engine raised or gave no picture; nothing is put in a failed tile's place.
            ClientGone, DeadlinePassed: from `work`.
        """
        self.check(work)
        height, width, channels = pixels.shape
        scale = self.facts.scale
        enlarged = np.empty((height * scale, width * scale, channels), pixels.dtype)
        if before is not None and before.enlarged.shape == enlarged.shape:
            enlarged[:] = before.enlarged
        for tile in self._tiles(pixels, None if before is None else before.pixels):
            levels = self._mean_of_views(pixels[tile.window.slices], work)
            core = tile.core.seen_from(tile.window).scaled(scale)
            box = tile.core.scaled(scale)
            write_levels(levels[core.slices], enlarged[box.slices])
            work.tile_done(box, enlarged[box.slices])
        return enlarged

    def cost_of(self, height: int, width: int) -> Cost:
        """What the network has to be shown of a `height` by `width` picture."""
        return self._in_all_views(cost_of_cut(height, width, self._tile, self.facts.halo))

    def cost_anew(self, pixels: Pixels, before: Pixels) -> Cost:
        """What it has to be shown of a picture (h, w, 1 or 3) where another one was enlarged `before`."""
        return self._in_all_views(sum((Cost(1, tile.window.area) for tile in self._tiles(pixels, before)), Cost()))

    def seconds_for(self, area: float) -> float:
        """Estimate the seconds that the network alone needs for an area in px, of one or many tiles."""
        return self._speed.seconds_for(area)

    def check(self, work: Work) -> None:
        """Make sure that the engine is to be trusted: it gave its known answer and has not failed since.

        After a failure the known answer is asked for again, so that a passing fault heals.

        Raises:
            EngineFailed: it is not.
        """
        if not self._trusted:
            self._lock.run(work, self._ask_known_answer)

    def warm_up(self) -> None:
        """Ask for the known answer and learn the speed of this machine. For the start, before any request.

        Raises:
            EngineFailed: the engine raised, or its answer is not the known one.
        """
        work = Work(START_TIMEOUT, "the number of CPUs", is_client_gone=lambda: False)
        self.check(work)
        self.measure_speed(work)

    def measure_speed(self, work: Work, max_age: float = 0.0) -> None:
        """Forget what was learnt of the machine's speed and learn it anew.

        Args:
            work: the request's; its spans don't grow.
            max_age: seconds for which a speed that was measured is good enough.

        Raises:
            EngineFailed: the engine raised.
            ClientGone, DeadlinePassed: from `work`.
        """
        noise = np.random.default_rng(0).integers(0, 256, (SPEED_TEST_EDGE, SPEED_TEST_EDGE, 3), np.uint8)

        def measure() -> None:
            if time.monotonic() < self._speed_measured + max_age:
                return
            times = []
            for _ in range(SPEED_TEST_RUNS):
                start = time.perf_counter()
                self._infer(noise)
                times.append(time.perf_counter() - start)
            self._speed = Speed(min(times) / SPEED_TEST_EDGE**2)
            self._speed_measured = time.monotonic()

        self._lock.run(Aside(work), measure)

    def _in_all_views(self, cost: Cost) -> Cost:
        return Cost(cost.tiles, cost.area * self.facts.views)

    def _mean_of_views(self, pixels: Pixels, work: Work) -> NDArray[np.float32]:
        """What the network makes of a tile, in levels.

        It is shown as many views per turn as are no larger together than a full tile: no turn takes longer
        than that, and a thumbnail needs one.
        """
        height, width, _ = pixels.shape
        views = ALL_VIEWS[: self.facts.views]
        per_turn = max(1, (self._tile + 2 * self.facts.halo) ** 2 // (height * width))
        turns = [views[start : start + per_turn] for start in range(0, len(views), per_turn)]
        sums = (self._lock.run(work, functools.partial(self._sum_of_views, pixels, turn)) for turn in turns)
        levels: NDArray[np.float32] = functools.reduce(operator.iadd, sums)
        if len(views) > 1:
            levels /= len(views)
        return levels

    def _sum_of_views(self, pixels: Pixels, views: Sequence[View]) -> NDArray[np.float32]:
        seen = (view.back(self._infer(view.of(pixels))) for view in views)
        levels: NDArray[np.float32] = functools.reduce(operator.iadd, seen)
        return levels

    def _tiles(self, pixels: Pixels, before: Pixels | None) -> Iterator[Tile]:
        """Those that are to be enlarged: all, or where another picture was enlarged `before`, those that differ."""
        part = changed(before, pixels)
        if part is None:
            return
        for tile in cut_anew(whole(pixels), part, self._tile, self.facts.halo):
            window = tile.window.slices
            if before is None or changed(before[window], pixels[window]):
                yield tile

    def _ask_known_answer(self) -> None:
        known = self._known_answer
        difference = np.abs(self._infer(known.pixels) - known.expected).max()
        if difference > known.tolerance:
            raise EngineFailed(
                f"{self.facts} differs from its known answer by {difference:.3g} levels,"
                f" more than the {known.tolerance:.3g} allowed"
            )
        self._trusted = True

    def _infer(self, pixels: Pixels) -> NDArray[np.float32]:
        """See `infer_levels`."""
        height, width, channels = pixels.shape
        start = time.perf_counter()
        try:
            levels = infer_levels(self._engine, pixels)
        except Exception as exc:  # whatever an engine raises, it means the same
            self._trusted = False
            raise EngineFailed(f"{self.facts} failed on a tile of {width} x {height} px") from exc
        expected = (height * self.facts.scale, width * self.facts.scale, channels)
        if levels.shape != expected or not np.isfinite(levels).all():
            self._trusted = False
            raise EngineFailed(f"{self.facts} gave no picture for a tile of {width} x {height} px")
        self._speed.learn(height * width, time.perf_counter() - start)
        return levels


def write_levels(levels: NDArray[np.float32], target: Pixels) -> None:
    """Clamp to the levels of the target's type, round to the nearest, and write them there. `levels` is used up.

    (ISR truncates; so the two differ by one at most.)
    """
    np.clip(levels, 0, np.iinfo(target.dtype).max, out=levels)
    np.rint(levels, out=levels)
    target[:] = levels
