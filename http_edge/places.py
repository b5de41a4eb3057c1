"""How many answers of a kind are sent at a time: each keeps a thread for as long as its client likes."""

import threading

from superscaling.errors import TooManyRequests

# Streams of jobs' events that are sent at a time.
MAX_WATCHERS = 64
# Results of jobs, and archives of them, that are sent at a time.
MAX_DOWNLOADS = 32


class Places:
    """A limited number of places.

    Args:
        count: of places.
        what: takes them, in words and in the plural.
        way_out: what a client can do that finds none, as an imperative.
    """

    def __init__(self, count: int, what: str, way_out: str) -> None:
        self._count = count
        self._what = what
        self._way_out = way_out
        self._free = threading.BoundedSemaphore(count)

    def take(self) -> None:
        """Take a place.

        Raises:
            TooManyRequests: all are taken.
        """
        if not self._free.acquire(blocking=False):
            raise TooManyRequests(
                f"{self._count} {self._what} are being sent at the moment: {self._way_out}",
                limit=self._count,
                retry_after=5,
            )

    def give_back(self) -> None:
        """Give a place back."""
        self._free.release()
