"""Counts in the memory of this process."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from limits.storage import SlidingWindowCounterSupport

from http_edge.access.rates_window import Window

# Clients, times their quotas, that are counted at a time: 30 MB. The one that was seen longest ago is forgotten first.
MAX_COUNTED = 100_000


class RatesMemory(SlidingWindowCounterSupport):
    """A storage of `limits` for its sliding window counter, whose memory is bounded.

    That of `limits` itself keeps as many keys as there are clients, and goes through all of them in a thread that each
    use starts. Thread-safe.

    Args:
        max_counted: keys that are kept.
        clock: tells seconds.
    """

    def __init__(self, max_counted: int = MAX_COUNTED, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_counted = max_counted
        self._clock = clock
        self._lock = threading.Lock()
        # By key: when the current window began, its count, that of the one before.
        self._counts = OrderedDict[str, tuple[float, int, int]]()

    def __len__(self) -> int:
        return len(self._counts)

    def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count `amount`, unless that makes more than `limit` in `expiry` seconds."""
        with self._lock:
            now = self._clock()
            start, current, previous = self._current(key, expiry, now)
            if key in self._counts:
                self._counts.move_to_end(key)  # also who is refused has been seen
            if _window(start, current, previous, expiry, now).used(expiry) + amount > limit:
                return False
            self._counts[key] = start, current + amount, previous
            if len(self._counts) > self._max_counted:
                self._counts.popitem(last=False)
            return True

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """What is counted, as `limits` has it: the previous count, its seconds, the current one, its seconds."""
        with self._lock:
            now = self._clock()
            start, current, previous = self._current(key, expiry, now)
            return _window(start, current, previous, expiry, now)

    def give_back(self, key: str, expiry: int, amount: int) -> Window:
        """Count less: at most what the current window has, as it never has less than nothing."""
        with self._lock:
            now = self._clock()
            start, current, previous = self._current(key, expiry, now)
            if current:
                current -= min(amount, current)
                self._counts[key] = start, current, previous
            return _window(start, current, previous, expiry, now)

    def clear_sliding_window(self, key: str, expiry: int) -> None:
        """Forget what is counted."""
        with self._lock:
            self._counts.pop(key, None)

    def _current(self, key: str, expiry: int, now: float) -> tuple[float, int, int]:
        """What is counted in the windows of now."""
        start, current, previous = self._counts.get(key, (now, 0, 0))
        if now < start + expiry:
            return start, current, previous
        return (start + expiry, 0, current) if now < start + 2 * expiry else (now, 0, 0)


def _window(start: float, current: int, previous: int, expiry: int, now: float) -> Window:
    return Window(previous, start + expiry - now, current, start + 2 * expiry - now)
