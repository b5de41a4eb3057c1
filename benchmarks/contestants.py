"""The networks whose speed is compared, and how they take turns."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.peer import Pixels, noise

SLICE = 0.4  # s: length of a turn; a turn has at least one run
QUICK = 1.0  # s: every turn starts with an uncounted warm-up run if a run is shorter than this; else the first one does
Seconds = Callable[[int, int], float]  # runs once on an image of this height and width (px), returns the time in s


@dataclass(frozen=True)
class Contestant:
    """A network run in one way. `seconds` runs it once. Only one contestant runs at a time."""

    network: str
    way: str
    seconds: Seconds

    @property
    def name(self) -> str:
        """The name shown in progress lines."""
        return f"{self.network} {self.way}"


def timed(enlarge: Callable[[Pixels], object]) -> Seconds:
    """Time `enlarge` on `noise`."""

    def seconds(height: int, width: int) -> float:
        pixels = noise(height, width)
        start = time.perf_counter()
        enlarge(pixels)
        return time.perf_counter() - start

    return seconds


@dataclass
class Times:
    """Seconds per megapixel, on the measured size (`known`) and on sizes seen for the first time (`new`)."""

    known: list[float] = field(default_factory=list)
    new: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The median on the measured size."""
        return statistics.median(self.known)


def take_turn(contestant: Contestant, times: Times, height: int, width: int, expected: float) -> None:
    """Run a contestant on one size for `SLICE` s. `expected`: s per run, 0 if unknown."""
    if expected < QUICK or not times.known:
        contestant.seconds(height, width)
    end = time.perf_counter() + SLICE
    while True:
        times.known.append(contestant.seconds(height, width) / (height * width) * 1e6)
        if time.perf_counter() > end:
            return


def take_turn_on_new_sizes(contestant: Contestant, times: Times, height: int, width: int) -> None:
    """Run it for `SLICE` s on slightly smaller sizes, each for the first time."""
    end = time.perf_counter() + SLICE
    while True:
        # No size occurs twice.
        step = len(times.new) + 1
        rows, columns = height - step, width - step // 2
        times.new.append(contestant.seconds(rows, columns) / (rows * columns) * 1e6)
        if time.perf_counter() > end or rows <= height // 2:
            return
