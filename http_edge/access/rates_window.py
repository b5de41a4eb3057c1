"""What a client has used of a quota, by a sliding window of two counters."""

import math
from typing import NamedTuple


class Window(NamedTuple):
    """What is counted at a moment, as `limits` counts it for its sliding window counter.

    A window begins with the first use after the last one. What the `previous` one has counts less and less until
    `previous_seconds` are over; what the `current` one has counts in full until it becomes the previous one, and is
    forgotten after `current_seconds`.
    """

    previous: int
    previous_seconds: float
    current: int
    current_seconds: float

    def used(self, seconds: int) -> int:
        """What counts now, in a window of so many seconds."""
        return math.floor(self.previous * self.previous_seconds / seconds) + self.current

    def seconds_until(self, amount: int, quota: int, seconds: int) -> int:
        """After how many whole seconds `amount`, at most `quota`, fits: no less, and no more unless others take it."""
        if (spare := quota - amount - self.current) >= 0:
            wait = _seconds_to(spare, self.previous, self.previous_seconds, seconds)
        else:
            # Only after this window: then its count sinks.
            wait = _seconds_to(quota - amount, self.current, self.current_seconds, seconds)
        return max(1, math.floor(wait) + 1)

    def seconds_until_unused(self) -> int:
        """After how many whole seconds nothing counts any more."""
        return math.ceil(self.current_seconds if self.current else self.previous_seconds if self.previous else 0.0)


def _seconds_to(spare: int, count: int, left: float, seconds: int) -> float:
    """When a count that sinks to 0 is no more than `spare`, rounded down; `left`: seconds until it is 0."""
    return left - (spare + 1) * seconds / count if count else 0.0
