"""Streamed answers: the work runs in a thread of its own, and its progress becomes server-sent events."""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from flask import Response
from numpy.typing import NDArray

from http_edge.answers import Chunks, not_taken
from http_edge.problems import problem_of, reported
from message_protocol import EVENTS, Accepted, Event, Notes, Preview, Progress, Tile, UpscaleOutput, event_text
from superscaling.enlarging import to_luma
from superscaling.errors import ServiceError
from superscaling.geometry import Box
from superscaling.pictures import FORMATS, Samples, enlarge_bicubically, preview, preview_tile
from superscaling.scheduling import Plan, Timings

# An event, or at the end the result or a failure.
Item = Event | UpscaleOutput | Exception

# Longer side of the preview, at most, in px.
PREVIEW_EDGE = 512
# While so many events wait for a slow client, tiles and progress are skipped: later events say as much, and the result
# has every pixel.
MAX_WAITING_EVENTS = 64
# After so many seconds without an event a comment is sent, so that no proxy takes the connection for dead.
HEARTBEAT = 10.0
STILL_WORKING = b": still working\n\n"


class StreamEvents:
    """A progress listener that queues events: filled by the thread that enlarges, emptied by the one that sends.

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
        seen = preview(plan.picture.frames[0], plan.sizes[0], PREVIEW_EDGE)
        self.waiting.put(Preview(width=seen.width, height=seen.height, media_type=seen.media_type, image=seen.data))

    def begin_pass(self, frame: int | None) -> None:
        """Remember which frame the next tiles show, and how transparent it is."""
        self._frame, self._alpha = frame, None
        if frame is None or self._plan is None or not self._with_tiles:
            return
        shown = self._plan.picture.frames[frame]
        if shown.alpha is not None:
            # The network enlarges alpha later, in a pass of its own.
            self._alpha = enlarge_bicubically(shown.alpha, self._plan.sizes[frame])

    def part_done(self, box: Box, pixels: Samples) -> None:
        """Show a part of the result if it looks like the picture."""
        if self._plan is None or self._frame is None or not self._with_tiles or self._is_slow:
            return
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

    def tile_done(self, timings: Timings) -> None:
        """Say how far the work is."""
        if self._plan is None or self._is_slow:
            return
        seconds_left = round(self._plan.seconds_left(), 2)
        self.waiting.put(Progress(done=timings.tiles_done, total=timings.tiles, seconds_left=seconds_left))

    def end(self, outcome: UpscaleOutput | Exception) -> None:
        """Add the result or the failure, and let go of the picture: sending the result may take long."""
        self._plan = None
        self.waiting.put(outcome)

    @property
    def _is_slow(self) -> bool:
        """Whether the client reads so slowly that events are skipped."""
        return self.waiting.qsize() >= MAX_WAITING_EVENTS


def stream_answer(call: Callable[[], UpscaleOutput], events: StreamEvents) -> Response:
    """Run `call` and answer with its events.

    Raises:
        Exception: raised by `call` before its first event, so that it can still be answered with its own status.
    """
    return events_response(EventStream(events, call))


def events_response(stream: Iterable[bytes]) -> Response:
    """Answer with a stream of events."""
    response = Response(stream, content_type=f"{EVENTS}; charset=utf-8")
    response.headers["X-Accel-Buffering"] = "no"  # otherwise nginx buffers the stream
    return response


class EventStream:
    """An iterable of bytes. `error`: why the client did not get the result; None once it was sent.

    Args:
        events: the listener of the work.
        run: does the work and returns the result.

    Raises:
        Exception: from `run`, if it fails before its first event: the request can still be answered with an error.
    """

    def __init__(self, events: StreamEvents, run: Callable[[], UpscaleOutput]) -> None:
        self.error: ServiceError | None = not_taken()
        self._events = events
        self._thread = threading.Thread(target=_run, args=(events, run), name=f"stream {events.request_id}")
        self._thread.start()
        first = events.waiting.get()
        if isinstance(first, Exception):
            try:
                raise first
            finally:
                del first  # a reference cycle of the error and this frame would keep the picture in memory
        self._first: Item = first

    def __iter__(self) -> Iterator[bytes]:
        item: Item | None = self._first
        while not isinstance(item, UpscaleOutput | Exception):
            yield STILL_WORKING if item is None else item.to_text().encode()
            try:
                item = self._events.waiting.get(timeout=HEARTBEAT)
            except queue.Empty:
                item = None
        if isinstance(item, UpscaleOutput):
            if item.notes:
                yield Notes(notes=item.notes).to_text().encode()
            if item.kept:
                yield item.kept.to_text().encode()
            yield from Chunks(event_text("result", item.to_json()).encode())
            self.error = None
        else:
            self.error = reported(item, self._events.request_id)
            yield event_text("problem", problem_of(self.error, self._events.request_id).to_json()).encode()

    def close(self) -> None:
        """Stop the work before its next tile, unless it is done. The server calls this, also after a hang-up."""
        self._events.stop.set()
        self._thread.join()
        while not self._events.waiting.empty():
            item = self._events.waiting.get()
            if isinstance(item, Exception):  # usually ClientGone
                self.error = reported(item, self._events.request_id)


def _run(events: StreamEvents, run: Callable[[], UpscaleOutput]) -> None:
    """A plain function, so that an error's traceback does not reach the object that holds the error."""
    try:
        outcome = run()
    except Exception as exc:  # the reader of the events tells the client
        events.end(exc)
    else:
        events.end(outcome)
