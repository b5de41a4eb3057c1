"""Pixels in, enlarged pixels out: tiles, views, turns, corrections, clamping and rounding."""

import dataclasses
import functools
import math
import operator
import time
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from superscaling.engines import Engine, Pixels, infer_levels
from superscaling.enlarging.corrections import REACH, correct, is_flat
from superscaling.enlarging.frame_reuse import PreviousFrame
from superscaling.enlarging.self_ensemble import ALL_VIEWS, View
from superscaling.enlarging.tiling import Tile, cost_of_cut, cut_changes
from superscaling.errors import DeadlinePassed, EngineFailed
from superscaling.geometry import Cost, changed_box, whole_box
from superscaling.models import KnownAnswer
from superscaling.scheduling import NO_LISTENER, Deadline, FairLock, ProgressListener, Speed, Timings

# Edge in px of the picture that the speed is measured on: the known answer is too small for that.
SPEED_TEST_EDGE = 128
# The fastest run counts: the first includes the engine's preparations, and any may be held up by others.
SPEED_TEST_RUNS = 3
# Seconds for the start: a large network on one slow core takes a minute to warm up.
START_TIMEOUT = 570.0


class Upscaler:
    """Enlarges pixel arrays with one engine, tile by tile, in turn with other requests.

    Thread-safe: it keeps nothing of a request.

    Args:
        engine: runs the network.
        lock: where tiles wait for their turn.
        tile: largest edge of a tile's core in px. The network's memory grows with its square, not with the picture.
        known_answer: what the engine must reproduce before it is used.
        views: how many of `ALL_VIEWS` of each tile the network is shown: 1, 2, 4 or 8.
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

    def enlarge(
        self,
        pixels: Pixels,
        deadline: Deadline,
        timings: Timings,
        listener: ProgressListener = NO_LISTENER,
        before: PreviousFrame | None = None,
    ) -> Pixels:
        """Enlarge `pixels`; tiles of one colour without the network.

        Args:
            pixels: (h, w, 3) uint8 or uint16, RGB, h and w at least 1.
            deadline: checked before each tile.
            timings: of the request.
            listener: told of each tile.
            before: an enlarged picture; only what differs from it is enlarged again.

        Returns:
            (scale h, scale w, 3) of the same type: clamped, then rounded to the nearest level.

        Raises:
            EngineFailed: the engine raised or gave no picture. A failed tile is never replaced by anything else.
            ClientGone, DeadlinePassed, ServiceStopping: from `deadline`.
        """
        self.check(deadline, timings)
        height, width, channels = pixels.shape
        scale = self.facts.scale
        enlarged = np.empty((height * scale, width * scale, channels), pixels.dtype)
        if before is not None and before.enlarged.shape == enlarged.shape:
            enlarged[:] = before.enlarged
        for tile in self._tiles(pixels, None if before is None else before.pixels):
            box = tile.core.scaled(scale)
            if is_flat(pixels[tile.window.slices]):
                deadline.check(timings)
                enlarged[box.slices] = pixels[tile.core.top, tile.core.left]
            else:
                write_levels(self._corrected(pixels, tile, deadline, timings), enlarged[box.slices])
            timings.finish_tile()
            listener.tile_done(box, enlarged[box.slices], timings)
        return enlarged

    def cost_of(self, height: int, width: int) -> Cost:
        """The work for a picture of `height` by `width` px."""
        return self._in_all_views(cost_of_cut(height, width, self._tile, self.facts.halo))

    def cost_of_changes(self, pixels: Pixels, before: Pixels) -> Cost:
        """The work for a picture (h, w, 1 or 3) if `before` was already enlarged."""
        return self._in_all_views(sum((Cost(1, tile.window.area) for tile in self._tiles(pixels, before)), Cost()))

    def seconds_for(self, area: float) -> float:
        """Estimated seconds of inference for an area in px, of one or many tiles."""
        return self._speed.seconds_for(area)

    def check(self, deadline: Deadline, timings: Timings) -> None:
        """Make sure that the engine can be trusted: it reproduced the known answer and has not failed since.

        After a failure the known answer is tested again, so that a temporary fault heals.

        Raises:
            EngineFailed: it can't be trusted.
            ClientGone, DeadlinePassed, ServiceStopping: from `deadline`, while waiting for a turn.
        """
        if not self._trusted:
            self._lock.run(deadline, timings, self._test_known_answer)

    def warm_up(self) -> None:
        """Test the known answer and measure the speed, before any request.

        Raises:
            EngineFailed: the engine raised, its answer is wrong, or it took longer than `START_TIMEOUT`.
        """
        deadline = Deadline(START_TIMEOUT)
        try:
            self.check(deadline, Timings())
            self.measure_speed(deadline)
        except DeadlinePassed as exc:
            raise EngineFailed(f"the engine was not warm within {START_TIMEOUT:g} s: it needs more CPUs") from exc

    def measure_speed(self, deadline: Deadline, max_age: float = 0.0) -> None:
        """Replace what is known of the machine's speed by a new measurement.

        Args:
            deadline: checked while waiting for a turn.
            max_age: seconds for which an earlier measurement is good enough.

        Raises:
            EngineFailed: the engine raised.
            ClientGone, DeadlinePassed, ServiceStopping: from `deadline`.
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

        self._lock.run(deadline, Timings(), measure)  # no inference of the request's own

    def _in_all_views(self, cost: Cost) -> Cost:
        return Cost(cost.tiles, cost.area * self.facts.views)

    def _corrected(self, pixels: Pixels, tile: Tile, deadline: Deadline, timings: Timings) -> NDArray[np.float32]:
        """Infer a tile and correct its core; the result is the core's, in levels."""
        # A network that works in windows must find them where it would find them in the whole picture.
        window = tile.window.aligned(self.facts.multiple).within(whole_box(pixels))
        levels = self._mean_of_views(pixels[window.slices], deadline, timings)
        levels = levels[tile.core.seen_from(window).scaled(self.facts.scale).slices]
        around = tile.core.grown(REACH).within(whole_box(pixels))
        correct(levels, pixels[around.slices], tile.core.seen_from(around))
        return levels

    def _mean_of_views(self, pixels: Pixels, deadline: Deadline, timings: Timings) -> NDArray[np.float32]:
        """Infer a tile; the result is in levels.

        Each turn takes as many views as together are no larger than a full tile. So no turn takes longer than a full
        tile, and a thumbnail needs one turn.
        """
        height, width, _ = pixels.shape
        views = ALL_VIEWS[: self.facts.views]
        per_turn = max(1, (self._tile + 2 * self.facts.halo) ** 2 // (height * width))
        turns = [views[start : start + per_turn] for start in range(0, len(views), per_turn)]
        sums = (
            self._lock.run(deadline, timings, functools.partial(self._sum_of_views, pixels, turn)) for turn in turns
        )
        levels: NDArray[np.float32] = functools.reduce(operator.iadd, sums)
        if len(views) > 1:
            levels /= len(views)
        return levels

    def _sum_of_views(self, pixels: Pixels, views: Sequence[View]) -> NDArray[np.float32]:
        seen = (view.back(self._infer(view.of(pixels))) for view in views)
        levels: NDArray[np.float32] = functools.reduce(operator.iadd, seen)
        return levels

    def _tiles(self, pixels: Pixels, before: Pixels | None) -> Iterator[Tile]:
        """The tiles to enlarge: all, or those that differ from `before`."""
        part = changed_box(before, pixels)
        if part is None:
            return
        for tile in cut_changes(whole_box(pixels), part, self._tile, self.facts.halo):
            window = tile.window.slices
            if before is None or changed_box(before[window], pixels[window]):
                yield tile

    def _test_known_answer(self) -> None:
        known = self._known_answer
        difference = np.abs(self._infer(known.pixels) - known.expected).max()
        if difference > known.tolerance:
            raise EngineFailed(
                f"{self.facts} differs from its known answer by {difference:.3g} levels,"
                f" more than the {known.tolerance:.3g} allowed"
            )
        self._trusted = True

    def _infer(self, pixels: Pixels) -> NDArray[np.float32]:
        """Run `infer_levels`, check the result, and learn from the time it took."""
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
    """Clamp to the levels of the target's type, round to the nearest, and write into `target`. Overwrites `levels`.

    (ISR truncates instead; the results differ by at most one level.)
    """
    np.clip(levels, 0, np.iinfo(target.dtype).max, out=levels)
    np.rint(levels, out=levels)
    target[:] = levels
