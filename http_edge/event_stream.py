"""The body of a streamed answer: runs the work in a thread of its own and yields its events."""

import queue
import threading
from collections.abc import Callable, Iterator

from http_edge.answers import Chunks, not_taken
from http_edge.problems import problem_of, reported
from http_edge.stream_events import Item, StreamEvents
from message_protocol import Notes, UpscaleOutput, event_text
from superscaling.errors import ServiceError

# After so many seconds without an event a comment is sent, so that no proxy takes the connection for dead.
HEARTBEAT = 10.0


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
            yield b": still working\n\n" if item is None else item.to_text().encode()
            try:
                item = self._events.waiting.get(timeout=HEARTBEAT)
            except queue.Empty:
                item = None
        if isinstance(item, UpscaleOutput):
            if item.notes:
                yield Notes(notes=item.notes).to_text().encode()
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
    """A function that gives the error no name: whatever its traceback reaches must not refer back to it."""
    try:
        outcome = run()
    except Exception as exc:  # the reader of the events tells the client
        events.end(exc)
    else:
        events.end(outcome)
