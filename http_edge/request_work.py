"""The work on an HTTP request for a picture."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from http_edge.metrics import Metrics
from resource_upscale import UpscaleWork
from super_resolution.tiling import Box


class RequestWork(UpscaleWork):
    """Work whose tiles are counted.

    Args:
        timeout, timeout_setting, is_client_gone: see `Work`.
        metrics: where they are counted.
    """

    def __init__(
        self, timeout: float, timeout_setting: str, is_client_gone: Callable[[], bool], metrics: Metrics
    ) -> None:
        super().__init__(timeout, timeout_setting, is_client_gone)
        self._metrics = metrics
        self._seconds_before = 0.0

    def tile_done(self, box: Box, pixels: NDArray[np.uint8 | np.uint16]) -> None:
        """See `Work.tile_done`."""
        super().tile_done(box, pixels)
        self._metrics.tile_done(self.seconds["infer"] - self._seconds_before)
        self._seconds_before = self.seconds["infer"]
