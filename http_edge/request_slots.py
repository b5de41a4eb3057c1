"""How many upscale requests are held at a time."""

import math
import threading
from collections.abc import Callable

from superscaling.errors import TooManyRequests


class RequestSlots:
    """A limited number of request slots.

    Args:
        count: of slots.
        seconds_until_free: estimates the seconds until one is given back.
    """

    def __init__(self, count: int, seconds_until_free: Callable[[], float]) -> None:
        self._count = count
        self._seconds_until_free = seconds_until_free
        self._freed = threading.Condition()
        self._taken = 0

    def take(self, seconds: float = 0.0) -> None:
        """Take a slot.

        Args:
            seconds: to wait for one.

        Raises:
            TooManyRequests: all are taken.
        """
        with self._freed:
            if self._freed.wait_for(lambda: self._taken < self._count, seconds):
                self._taken += 1
                return
        raise TooManyRequests(
            f"all request slots are taken ({self._count}): try again later",
            limit=self._count,
            setting="max_requests",
            retry_after=max(1, math.ceil(self._seconds_until_free())),
        )

    def give_back(self) -> None:
        """Give a slot back."""
        with self._freed:
            self._taken -= 1
            self._freed.notify()
