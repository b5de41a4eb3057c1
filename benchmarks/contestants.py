"""Who takes turns when the time of networks is measured."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from superscaling.engines import Pixels

SLICE = 0.4  # s: so long a turn lasts, or one run if that takes longer
QUICK = 1.0  # s: a run that takes no longer is made once more at the start of a turn, and does not count
Seconds = Callable[[int, int], float]  # of one run, on a picture of this height and width in px


@dataclass(frozen=True)
class Contestant:
    """One way to run one network: `seconds` runs it once, and only one contestant runs at a time."""

    network: str
    way: str
    seconds: Seconds

    @property
    def name(self) -> str:
        """For lines of progress."""
        return f"{self.network} {self.way}"


def timed(enlarge: Callable[[Pixels], object]) -> Seconds:
    """What a contestant of this process calls: noise (the time does not depend on the picture) through `enlarge`."""

    def seconds(height: int, width: int) -> float:
        pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
        start = time.perf_counter()
        enlarge(pixels)
        return time.perf_counter() - start

    return seconds


@dataclass
class Times:
    """Seconds per megapixel of a contestant: on a size that it knows, and on sizes that it never saw."""

    known: list[float] = field(default_factory=list)
    new: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """On a size that it knows."""
        return statistics.median(self.known)


def take_turn(contestant: Contestant, times: Times, height: int, width: int, expected: float) -> None:
    """Let a contestant work on a size for a while. `expected`: seconds of one run, as far as they are known."""
    if expected < QUICK:
        contestant.seconds(height, width)
    end = time.perf_counter() + SLICE
    while True:
        times.known.append(contestant.seconds(height, width) / (height * width) * 1e6)
        if time.perf_counter() > end:
            return


def take_turn_on_new_sizes(contestant: Contestant, times: Times, height: int, width: int) -> None:
    """Let it work for a while on sizes a little smaller, each for the first time."""
    end = time.perf_counter() + SLICE
    while True:
        # Even, because one of the networks can't do others; each pair of sides once.
        step = 2 * (len(times.new) + 1)
        rows, columns = height - step, width - step // 2 // 2 * 2
        times.new.append(contestant.seconds(rows, columns) / (rows * columns) * 1e6)
        if time.perf_counter() > end or rows <= height // 2:
            return
