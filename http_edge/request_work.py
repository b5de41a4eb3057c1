"""The work on an HTTP request for a picture."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from http_edge.metrics import Metrics
from http_edge.shutdown import ShutdownDeadline
from resource_upscale import UpscaleWork
from superscaling.errors import ServiceStopping
from superscaling.geometry import Box


class RequestWork(UpscaleWork):
    """Work whose tiles are counted, and which ends before the service does.

    Args:
        timeout, timeout_setting, is_client_gone: see `Work`.
        metrics: where they are counted.
        shutdown: of the service.
    """

    def __init__(
        self,
        timeout: float,
        timeout_setting: str,
        is_client_gone: Callable[[], bool],
        metrics: Metrics,
        shutdown: ShutdownDeadline,
    ) -> None:
        super().__init__(timeout, timeout_setting, is_client_gone)
        self._metrics = metrics
        self._shutdown = shutdown
        self._seconds_before = 0.0
        self._tile_seconds = 0.0

    @property
    def seconds_until_deadline(self) -> float:
        """See `Work.seconds_until_deadline`."""
        return min(super().seconds_until_deadline, self._shutdown.seconds_left)

    def checkpoint(self) -> None:
        """See `Work.checkpoint`.

        Raises:
            ServiceStopping: the service would end before the next tile does, if that takes as long as the last one.
        """
        super().checkpoint()
        # Once the last tile is done, only the end itself counts: nobody is refused what is finished.
        needed = self._tile_seconds if self.tiles_done < self.tiles else 0.0
        if self._shutdown.seconds_left < needed:
            raise ServiceStopping(
                f"the service stops before the picture is finished ({self.tiles_done} of {self.tiles} tiles were done):"
                " send it again, when the service is back"
            )

    def tile_done(self, box: Box, pixels: NDArray[np.uint8 | np.uint16]) -> None:
        """See `Work.tile_done`."""
        super().tile_done(box, pixels)
        self._tile_seconds = self.seconds["infer"] - self._seconds_before
        self._metrics.tile_done(self._tile_seconds)
        self._seconds_before = self.seconds["infer"]
