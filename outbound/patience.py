"""How long a request to somebody else may take."""

import time
from collections.abc import Callable

from outbound.refused import Refused
from superscaling.errors import ClientGone

# Whether the client, for whom all this is done, has hung up is asked so often, in seconds.
INTERVAL = 0.25


class Patience:
    """A limit of time. Starts now.

    Args:
        seconds: the limit.
        is_gone: whether nobody waits any more.
    """

    def __init__(self, seconds: float, is_gone: Callable[[], bool] = lambda: False) -> None:
        self._begun = time.monotonic()
        self._seconds = seconds
        self._is_gone = is_gone

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._begun

    def extend(self, seconds: float) -> None:
        """Allow so many seconds since the start, if that is more."""
        self._seconds = max(self._seconds, seconds)

    def turn(self) -> float:
        """Seconds that may be waited for something before this is asked again.

        Raises:
            Refused: the time is over.
            ClientGone: nobody waits any more.
        """
        return min(INTERVAL, self.left())

    def left(self) -> float:
        """Seconds that are left, more than 0.

        Raises:
            Refused, ClientGone: as `turn`.
        """
        self._check_client()
        left = self._seconds - self.elapsed
        if left <= 0:
            raise Refused(f"it took longer than {self._seconds:g} s")
        return left

    def sleep_until(self, seconds: float) -> None:
        """Wait until so many seconds have passed since the start.

        Raises:
            ClientGone: as `turn`.
        """
        while (left := seconds - self.elapsed) > 0:
            self._check_client()
            time.sleep(min(INTERVAL, left))

    def _check_client(self) -> None:
        if self._is_gone():
            raise ClientGone("the client hung up while the image was fetched")
