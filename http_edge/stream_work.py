"""The work on a request that is answered as a stream: everything that happens becomes an event."""

import queue
import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from http_edge.metrics import Metrics
from http_edge.request_work import RequestWork
from http_edge.shutdown import ShutdownDeadline
from message_protocol import Accepted, Event, Preview, Progress, Tile, UpscaleOutput
from resource_upscale import Plan
from superscaling.enlarging import to_luma
from superscaling.geometry import Box
from superscaling.pictures import FORMATS, enlarge_bicubically, preview, preview_tile

# What happened: an event, and in the end the result or a failure.
Item = Event | UpscaleOutput | Exception

# The preview's longer side is at most this long, in px.
PREVIEW_EDGE = 512
# While so many events wait for a client that reads slowly, tiles and progress are left out: the next ones tell as much,
# and the result has it all.
MAX_WAITING = 64


class StreamWork(RequestWork):
    """Work that is told in events.

    `events`: what happened and was not sent yet; `stop`: set once nobody listens any more.

    Args:
        timeout, timeout_setting, is_client_gone, metrics, shutdown: see `RequestWork`.
        request_id: of the request.
        with_tiles: whether the finished tiles are told, too.
    """

    def __init__(
        self,
        timeout: float,
        timeout_setting: str,
        is_client_gone: Callable[[], bool],
        metrics: Metrics,
        shutdown: ShutdownDeadline,
        request_id: str,
        with_tiles: bool,
    ) -> None:
        self.stop = threading.Event()
        super().__init__(timeout, timeout_setting, lambda: self.stop.is_set() or is_client_gone(), metrics, shutdown)
        self.request_id = request_id
        self.events: queue.SimpleQueue[Item] = queue.SimpleQueue()
        self._with_tiles = with_tiles
        self._plan: Plan | None = None
        self._frame: int | None = None
        self._alpha: NDArray[np.uint8] | None = None

    def accepted(self, plan: Plan) -> None:
        """See `UpscaleWork.accepted`."""
        self._plan = plan
        self.events.put(
            Accepted(
                request_id=self.request_id,
                format=plan.format,
                media_type=FORMATS[plan.format].media_type,
                width=plan.width,
                height=plan.height,
                frames=len(plan.picture.frames),
                tiles=plan.tiles,
                seconds=round(plan.seconds_left(), 2),
                ahead=plan.ahead,
            )
        )
        seen = preview(plan.picture.frames[0], PREVIEW_EDGE)
        self.events.put(Preview(width=seen.width, height=seen.height, media_type=seen.media_type, image=seen.data))

    def begin_pass(self, frame: int | None) -> None:
        """See `Work.begin_pass`."""
        self._frame, self._alpha = frame, None
        if frame is None or self._plan is None or not self._with_tiles:
            return
        shown = self._plan.picture.frames[frame]
        if shown.alpha is not None:
            # The network's own is not there yet.
            self._alpha = enlarge_bicubically(shown.alpha, self._plan.width // self._plan.picture.width)

    def tile_done(self, box: Box, pixels: NDArray[np.uint8 | np.uint16]) -> None:
        """See `Work.tile_done`."""
        super().tile_done(box, pixels)
        if self._plan is None or self.events.qsize() >= MAX_WAITING:
            return
        if self._with_tiles and self._frame is not None:
            is_grey = self._plan.picture.frames[self._frame].colour.shape[2] == 1
            alpha = None if self._alpha is None else self._alpha[box.slices]
            seen = preview_tile(to_luma(pixels) if is_grey else pixels, alpha)
            self.events.put(
                Tile(
                    frame=self._frame,
                    left=box.left,
                    top=box.top,
                    width=seen.width,
                    height=seen.height,
                    media_type=seen.media_type,
                    image=seen.data,
                )
            )
        self.events.put(
            Progress(done=self.tiles_done, total=self.tiles, seconds_left=round(self._plan.seconds_left(), 2))
        )

    def end(self, outcome: UpscaleOutput | Exception) -> None:
        """Learn how it ended. The picture is let go: sending the result may take long."""
        self._plan = None
        self.events.put(outcome)
