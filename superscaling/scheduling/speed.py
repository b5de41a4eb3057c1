"""The measured speed of a network on this machine, for estimates.

A call of the network takes some time by itself, mostly because an engine prepares itself for each new shape, and some
for each px. Both are learnt apart, each from the windows that tell it: otherwise thousands of tiny pictures would make
the network look slow for large ones. What few others are shown, such as windows of one row, teaches nothing.
"""

import math
from dataclasses import dataclass

from superscaling.geometry import Cost

# Weight in the moving average of the window that tells most.
WEIGHT = 0.2
# What took more than so many times what was expected counts as that, and as little less: a window that was held up, by
# a frozen container or a busy neighbour, says little about the next.
MAX_SURPRISE = 2.0
# An ordinary window has at least so large a share of the area of a full one, and sides that differ at most so much.
ORDINARY_SHARE, ORDINARY_RATIO = 1 / 4, 4
# How many times as long as when it was measured a px or a call may seem to take, and as short. A machine may become
# slower than at the start; a call also looks slower when others compute beside it, and counts for every tile.
MAX_PIXEL_DRIFT, MAX_CALL_DRIFT, MIN_DRIFT = 16.0, 4.0, 1 / 4


@dataclass
class _Average:
    """A moving average of seconds, in proportions, that stays near its first value."""

    first: float
    most: float
    value: float

    @classmethod
    def begin(cls, seconds: float, drift: float) -> "_Average":
        return cls(seconds, seconds * drift, seconds)

    def learn(self, seconds: float, weight: float) -> None:
        surprise = min(max(seconds / self.value, 1 / MAX_SURPRISE), MAX_SURPRISE)
        self.value = min(max(self.value * math.pow(surprise, weight), self.first * MIN_DRIFT), self.most)


class Speed:
    """Seconds that windows take: `per_call` each, and `per_pixel` for each px of `Cost.work`.

    Written by one thread at a time (the holder of the lock), read by any.

    Args:
        per_pixel, per_call: as measured; 0: unknown.
        full_area: of a full window in px.
    """

    def __init__(self, per_pixel: float = 0.0, per_call: float = 0.0, full_area: int = 256 * 256) -> None:
        self._per_pixel = _Average.begin(per_pixel, MAX_PIXEL_DRIFT)
        self._per_call = _Average.begin(per_call, MAX_CALL_DRIFT)
        self._full_area = full_area

    @classmethod
    def between(cls, large: tuple[int, float], small: tuple[int, float], full_area: int) -> "Speed":
        """The speed by which two windows take as long as they did.

        Args:
            large, small: the work and the seconds of a window each.
            full_area: as for `Speed`.
        """
        (work, seconds), (less_work, fewer_seconds) = large, small
        # At least half of the time of the larger one was not the call's, however much the other was held up.
        per_pixel = max((seconds - fewer_seconds) / (work - less_work), seconds / work / 2)
        return cls(per_pixel, max(0.0, fewer_seconds - less_work * per_pixel), full_area)

    def learn(self, window: Cost, seconds: float, is_new_shape: bool) -> None:
        """Add a measurement. While the speed is unknown, all of the time is that of its px.

        Args:
            window: what the engine was shown, at once.
            seconds: that it took.
            is_new_shape: whether the engine was shown another shape before.
        """
        if not self._per_pixel.value:  # as no measurement succeeded: too long an estimate has one made
            self._per_pixel = _Average.begin(seconds / window.work, MAX_PIXEL_DRIFT)
            return
        expected = window.work * self._per_pixel.value
        call = self._per_call.value if is_new_shape else 0.0
        if self._is_ordinary(window) and expected > call:
            weight = WEIGHT * min(1.0, window.area / self._full_area)
            self._per_pixel.learn((seconds - call) / window.work, weight)
        elif expected < call:
            self._per_call.learn(seconds - expected, WEIGHT)

    def seconds_for(self, calls: int, work: float) -> float:
        """Estimated seconds for so many calls with so much work together; 0 while the speed is unknown."""
        return calls * self._per_call.value + work * self._per_pixel.value

    def _is_ordinary(self, window: Cost) -> bool:
        shorter, longer = sorted((window.rows, window.columns))
        return window.area >= ORDINARY_SHARE * self._full_area and longer <= ORDINARY_RATIO * shorter
