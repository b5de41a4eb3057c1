"""A progress listener that turns what happens to a picture into the events of a stream."""

import queue
import threading

import numpy as np
from numpy.typing import NDArray

from message_protocol import Accepted, Event, Preview, Progress, Tile, UpscaleOutput
from superscaling.enlarging import to_luma
from superscaling.geometry import Box
from superscaling.pictures import FORMATS, Samples, enlarge_bicubically, preview, preview_tile
from superscaling.scheduling import Plan, Timings

# An event, or at the end the result or a failure.
Item = Event | UpscaleOutput | Exception

# Longer side of the preview, at most, in px.
PREVIEW_EDGE = 512
# While so many events wait for a slow client, tiles and progress are skipped: later events say as much, and the result
# has every pixel.
MAX_WAITING = 64


class StreamEvents:
    """A queue of events: filled by the thread that enlarges, emptied by the one that sends.

    `waiting`: what was not sent yet; `stop`: set when nobody reads any more.

    Args:
        request_id: of the request.
        with_tiles: whether the finished tiles are sent, too.
    """

    def __init__(self, request_id: str, with_tiles: bool) -> None:
        self.request_id = request_id
        self.waiting: queue.SimpleQueue[Item] = queue.SimpleQueue()
        self.stop = threading.Event()
        self._with_tiles = with_tiles
        self._plan: Plan | None = None
        self._frame: int | None = None
        self._alpha: NDArray[np.uint8] | None = None

    def accepted(self, plan: Plan) -> None:
        """Announce the result, and show a preview of the first frame."""
        self._plan = plan
        self.waiting.put(
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
        self.waiting.put(Preview(width=seen.width, height=seen.height, media_type=seen.media_type, image=seen.data))

    def begin_pass(self, frame: int | None) -> None:
        """Remember which frame the next tiles show, and how transparent it is."""
        self._frame, self._alpha = frame, None
        if frame is None or self._plan is None or not self._with_tiles:
            return
        shown = self._plan.picture.frames[frame]
        if shown.alpha is not None:
            # The network enlarges alpha later, in a pass of its own.
            self._alpha = enlarge_bicubically(shown.alpha, self._plan.scale)

    def tile_done(self, box: Box, pixels: Samples, timings: Timings) -> None:
        """Show the tile if it looks like the picture, and say how far the work is."""
        if self._plan is None or self.waiting.qsize() >= MAX_WAITING:
            return
        if self._with_tiles and self._frame is not None:
            is_grey = self._plan.picture.frames[self._frame].colour.shape[2] == 1
            alpha = None if self._alpha is None else self._alpha[box.slices]
            seen = preview_tile(to_luma(pixels) if is_grey else pixels, alpha)
            self.waiting.put(
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
        seconds_left = round(self._plan.seconds_left(), 2)
        self.waiting.put(Progress(done=timings.tiles_done, total=timings.tiles, seconds_left=seconds_left))

    def end(self, outcome: UpscaleOutput | Exception) -> None:
        """Add the result or the failure, and let go of the picture: sending the result may take long."""
        self._plan = None
        self.waiting.put(outcome)
