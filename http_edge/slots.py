"""How many upscale requests are held at a time."""

import math
import threading
from collections.abc import Callable

from superscaling.errors import TooManyRequests


class Slots:
    """A bounded number of places.

    Args:
        count: places.
        seconds_until_free: estimates when the first of them will be given back.
    """

    def __init__(self, count: int, seconds_until_free: Callable[[], float]) -> None:
        self._count = count
        self._seconds_until_free = seconds_until_free
        self._lock = threading.Lock()
        self._taken = 0

    def take(self) -> None:
        """Take a place.

        Raises:
            TooManyRequests: there is none.
        """
        with self._lock:
            if self._taken < self._count:
                self._taken += 1
                return
        raise TooManyRequests(
            f"all {self._count} places are taken: come back later, or raise UPSCALER_MAX_REQUESTS",
            limit=self._count,
            setting="UPSCALER_MAX_REQUESTS",
            retry_after=max(1, math.ceil(self._seconds_until_free())),
        )

    def give_back(self) -> None:
        """Give a place back."""
        with self._lock:
            self._taken -= 1
