"""How many files and streams of a kind are sent at a time: each keeps a thread for as long as its client likes."""

import contextlib
import threading
from collections.abc import Iterator

from superscaling.errors import TooManyRequests

# Streams of jobs' events that are sent at a time.
MAX_WATCHERS = 64
# Results of jobs, and archives of them, that are sent at a time.
MAX_DOWNLOADS = 32
# Requests for jobs whose bodies arrive at a time.
MAX_UPLOADS = 8


class Places:
    """A limited number of places, of which so many are `taken`.

    Args:
        count: of places.
        what: takes them, in words and in the plural.
        way_out: what a client can do that finds none, as an imperative.
    """

    def __init__(self, count: int, what: str, way_out: str) -> None:
        self._count = count
        self._what = what
        self._way_out = way_out
        self._lock = threading.Lock()
        self.taken = 0

    def take(self) -> None:
        """Take a place.

        Raises:
            TooManyRequests: all are taken.
        """
        with self._lock:
            if self.taken == self._count:
                raise TooManyRequests(
                    f"{self._count} {self._what} are being sent at the moment: {self._way_out}",
                    limit=self._count,
                    retry_after=5,
                )
            self.taken += 1

    def give_back(self) -> None:
        """Give a place back."""
        with self._lock:
            self.taken -= 1

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold a place.

        Raises:
            TooManyRequests: as `take`.
        """
        self.take()
        try:
            yield
        finally:
            self.give_back()
