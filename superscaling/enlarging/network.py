"""A network that several requests share: turns, views, the known answer, and its speed."""

import dataclasses
import functools
import math
import operator
import statistics
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from superscaling.engines import Engine, Pixels, infer_levels
from superscaling.enlarging.self_ensemble import ALL_VIEWS, View
from superscaling.errors import DeadlinePassed, EngineFailed
from superscaling.geometry import Cost, padded_side
from superscaling.models import KnownAnswer
from superscaling.scheduling import Deadline, FairLock, Speed, Timings

# Edge in px of the picture that the speed is measured on: the known answer is too small for that.
SPEED_TEST_EDGE = 128
# And of one that takes hardly longer than a call by itself.
CALL_TEST_EDGE = 16
# The median counts: the first run includes the engine's preparations, and any may be held up by others.
SPEED_TEST_RUNS = 3
# Seconds for the start: a large network on one slow core takes a minute to warm up.
START_TIMEOUT = 570.0


class Network:
    """Runs one engine in turn with other requests, and knows whether it can be trusted and how fast it is.

    Thread-safe: it keeps nothing of a request.

    Args:
        engine: runs the network.
        lock: where inferences wait for their turn.
        turn_area: how many px the network is shown in a turn, at most, unless a single view has more.
        known_answer: what the engine must reproduce before it is used.
        views: how many of `ALL_VIEWS` of each tile the network is shown: 1, 2, 4 or 8.
    """

    def __init__(self, engine: Engine, lock: FairLock, turn_area: int, known_answer: KnownAnswer, views: int) -> None:
        self.facts = dataclasses.replace(engine.facts, views=views)
        self._engine = engine
        self._lock = lock
        self._turn_area = turn_area
        self._known_answer = known_answer
        self._speed = Speed()
        self._shape: tuple[int, int] | None = None  # of what the engine was shown last
        self._speed_measured = -math.inf
        self._trusted = False

    def infer(self, pixels: Pixels, deadline: Deadline, timings: Timings) -> NDArray[np.float32]:
        """Infer a tile (h, w, 3); the result (scale h, scale w, 3) is in levels, neither clamped nor rounded.

        Each turn takes as many views as together are no larger than a full tile. So no turn takes longer than a full
        tile, and a thumbnail needs one turn.

        Raises:
            EngineFailed: the engine raised or gave no picture.
            ClientGone, DeadlinePassed, ServiceStopping: from `deadline`, while waiting for a turn.
        """
        height, width, _ = pixels.shape
        views = ALL_VIEWS[: self.facts.views]
        per_turn = self._views_in_a_turn(height * width)
        turns = [views[start : start + per_turn] for start in range(0, len(views), per_turn)]
        sums = (
            self._lock.run(deadline, timings, functools.partial(self._sum_of_views, pixels, turn)) for turn in turns
        )
        levels: NDArray[np.float32] = functools.reduce(operator.iadd, sums)
        if len(views) > 1:
            levels /= len(views)
        return levels

    def seconds_for(self, cost: Cost) -> float:
        """Estimated seconds of inference, of one or many tiles; 0 while the speed is unknown."""
        return self._speed.seconds_for(cost.tiles * self.facts.views, cost.work)

    def turns_for(self, area: float) -> int:
        """How many turns `infer` takes for a tile of so many px."""
        return math.ceil(self.facts.views / self._views_in_a_turn(area))

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
        random = np.random.default_rng(0)
        edges = (SPEED_TEST_EDGE, CALL_TEST_EDGE)
        large, small = (random.integers(0, 256, (edge, edge, 3), np.uint8) for edge in edges)

        def measure() -> None:
            if time.monotonic() < self._speed_measured + max_age:
                return
            # In turn, as pictures in progress are: an engine prepares itself for each new shape.
            times = [(self._seconds_of(large), self._seconds_of(small)) for _ in range(SPEED_TEST_RUNS)]
            of_large, of_small = (
                (self._window(pixels).work, statistics.median(each))
                for pixels, each in zip((large, small), zip(*times, strict=True), strict=True)
            )
            self._speed = Speed.between(of_large, of_small, self._turn_area)
            self._speed_measured = time.monotonic()

        self._lock.run(deadline, Timings(), measure)  # no inference of the request's own

    def _seconds_of(self, pixels: Pixels) -> float:
        """Infer, and return how long that took."""
        start = time.perf_counter()
        self._infer(pixels)
        return time.perf_counter() - start

    def _window(self, pixels: Pixels) -> Cost:
        """What the engine is shown for a tile."""
        height, width, _ = pixels.shape
        return Cost.of_window(*(padded_side(side, self.facts.multiple, self.facts.least) for side in (height, width)))

    def _views_in_a_turn(self, area: float) -> int:
        return max(1, int(self._turn_area // area))

    def _sum_of_views(self, pixels: Pixels, views: Sequence[View]) -> NDArray[np.float32]:
        seen = (view.back(self._infer(view.of(pixels))) for view in views)
        levels: NDArray[np.float32] = functools.reduce(operator.iadd, seen)
        return levels

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
        self._speed.learn(self._window(pixels), time.perf_counter() - start, self._shape != (height, width))
        self._shape = height, width
        return levels
