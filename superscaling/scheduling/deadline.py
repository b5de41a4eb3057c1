"""How long one request or job may take, and what ends it early."""

import math
import time
from collections.abc import Callable

from superscaling.errors import ClientGone, DeadlinePassed, ServiceStopping
from superscaling.scheduling.timings import Timings


class Deadline:
    """The time limit of one request. Starts now.

    Args:
        seconds: the limit; infinite by default.
        setting: the field of `Settings` that raises the limit, if there is one.
        is_client_gone: whether the client has hung up. Called before each tile, so it must be cheap.
        seconds_until_stop: seconds until the service ends; infinite while it keeps running.
        stream_seconds: what the limit would be for a stream, if that is a way out; otherwise 0.
        may_be_job: whether a job, which may take any time, is a way out.
        is_background: whether nobody waits for it: requests that do come first.
    """

    def __init__(
        self,
        seconds: float = math.inf,
        setting: str | None = None,
        is_client_gone: Callable[[], bool] = lambda: False,
        seconds_until_stop: Callable[[], float] = lambda: math.inf,
        stream_seconds: float = 0.0,
        may_be_job: bool = False,
        *,
        is_background: bool = False,
    ) -> None:
        self.seconds = seconds
        self.setting = setting
        self.stream_seconds = stream_seconds
        self.may_be_job = may_be_job
        self.is_background = is_background
        self._end = time.monotonic() + seconds
        self._is_client_gone = is_client_gone
        self._seconds_until_stop = seconds_until_stop

    @property
    def seconds_left(self) -> float:
        """Seconds until the request must be done; negative once the deadline has passed."""
        return min(self._end - time.monotonic(), self._seconds_until_stop())

    def check(self, timings: Timings) -> None:
        """Return if the request may continue.

        Args:
            timings: of the request.

        Raises:
            ClientGone: the client has hung up.
            DeadlinePassed: the time is up.
            ServiceStopping: the service would end before the next tile is done, if it takes as long as the latest.
        """
        if self._is_client_gone():
            raise ClientGone("the client hung up")
        if time.monotonic() > self._end:
            raise DeadlinePassed(
                f"the image was not finished within {self.seconds:g} s ({timings.tiles_done} of {timings.tiles}"
                " tiles were done): send a smaller image, or send it again when the service is less busy",
                limit=self.seconds,
                setting=self.setting,
            )
        # After the last tile no more inference is needed: finished work is always delivered.
        needed = timings.tile_seconds if timings.tiles_done < timings.tiles else 0.0
        if self._seconds_until_stop() < needed:
            raise ServiceStopping(
                f"the service stops before the image is finished ({timings.tiles_done} of {timings.tiles} tiles were"
                " done): send it again when the service is back"
            )
