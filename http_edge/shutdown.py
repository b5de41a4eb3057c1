"""The time that running work has left once the service stops."""

import math
import time


class ShutdownDeadline:
    """One deadline for all running work, set when the service begins to stop.

    Args:
        seconds: from `begin` to the deadline.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = math.inf

    def begin(self) -> None:
        """Set the deadline. Further calls don't extend it."""
        self._end = min(self._end, time.monotonic() + self._seconds)

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline; infinite while the service is not stopping."""
        return self._end - time.monotonic()
