"""The end of the service, as the work that is under way sees it."""

import math
import time


class ShutdownDeadline:
    """Once it has begun, whatever is worked on has the same time left, however much more it may take otherwise.

    Args:
        seconds: that are left then.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = math.inf

    def begin(self) -> None:
        """The service stops. The first time counts: whoever ends it may say so more than once."""
        self._end = min(self._end, time.monotonic() + self._seconds)

    @property
    def seconds_left(self) -> float:
        """Until all work must be done; infinite while the service goes on."""
        return self._end - time.monotonic()
