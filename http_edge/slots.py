"""How many upscale requests are held at a time."""

import math
import threading
import time

from errors import TooManyRequests

# The share of the last request in the moving average of their times.
WEIGHT = 0.2


class Slots:
    """A bounded number of places, and the time they are usually held.

    Args:
        count: places.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._lock = threading.Lock()
        self._taken = 0
        self._mean_seconds = 0.0

    def take(self) -> "Slot":
        """Take a place.

        Raises:
            TooManyRequests: there is none.
        """
        with self._lock:
            if self._taken >= self._count:
                # Requests take turns, so all of them end late: the mean time of one is a fair guess.
                raise TooManyRequests(
                    f"all {self._count} places are taken: come back later, or raise UPSCALER_MAX_REQUESTS",
                    limit=self._count,
                    setting="UPSCALER_MAX_REQUESTS",
                    retry_after=max(1, math.ceil(self._mean_seconds)),
                )
            self._taken += 1
        return Slot(self)

    def give_back(self, seconds: float | None) -> None:
        """Take back a place that was held for `seconds` of work; None: for a request that was none."""
        with self._lock:
            self._taken -= 1
            if seconds is not None:
                self._mean_seconds += WEIGHT * (seconds - self._mean_seconds)


class Slot:
    """One taken place."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._since = time.monotonic()

    def release(self, worked: bool) -> None:
        """Give the place back; `worked`: a picture was enlarged, so its time is worth remembering."""
        self._slots.give_back(time.monotonic() - self._since if worked else None)
