"""A progress listener that counts tiles for the metrics."""

from http_edge.metrics import Metrics
from superscaling.geometry import Box
from superscaling.pictures import Samples
from superscaling.scheduling import NO_LISTENER, Plan, ProgressListener, Timings


class TileMetrics:
    """Counts each finished tile in `metrics`, and tells everything to another listener as well."""

    def __init__(self, metrics: Metrics, listener: ProgressListener = NO_LISTENER) -> None:
        self._metrics = metrics
        self._listener = listener

    def accepted(self, plan: Plan) -> None:
        """Pass it on."""
        self._listener.accepted(plan)

    def begin_pass(self, frame: int | None) -> None:
        """Pass it on."""
        self._listener.begin_pass(frame)

    def tile_done(self, box: Box, pixels: Samples, timings: Timings) -> None:
        """Count the tile and its inference time, then pass it on."""
        self._metrics.tile_done(timings.tile_seconds)
        self._listener.tile_done(box, pixels, timings)
