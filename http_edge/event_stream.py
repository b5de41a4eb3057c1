"""The answer of a streamed request: runs the work on a thread of its own, and is the events it gives."""

import queue
import threading
from collections.abc import Callable, Iterator

from http_edge.answers import Chunks, not_taken
from http_edge.problems import problem_of, reported
from http_edge.stream_work import Item, StreamWork
from message_protocol import Notes, UpscaleOutput, event_text
from superscaling.errors import ServiceError

# After so many seconds without an event a comment is sent, so that nobody on the way takes the connection for dead.
HEARTBEAT = 10.0


class EventStream:
    """An iterable of the bytes to send. `error`: see `Chunks`, and why it failed, if it did after its first event.

    Args:
        work: gets the events.
        run: makes the result.

    Raises:
        Exception: whatever `run` raises before its first event: the request can still be answered as a failed one.
    """

    def __init__(self, work: StreamWork, run: Callable[[StreamWork], UpscaleOutput]) -> None:
        self.error: ServiceError | None = not_taken()
        self._work = work
        self._thread = threading.Thread(target=_work_on, args=(work, run), name=f"stream {work.request_id}")
        self._thread.start()
        first = work.events.get()
        if isinstance(first, Exception):
            try:
                raise first
            finally:
                del first  # else the error and this frame keep each other alive, and with them the picture
        self._first: Item = first

    def __iter__(self) -> Iterator[bytes]:
        item: Item | None = self._first
        while not isinstance(item, UpscaleOutput | Exception):
            yield b": still working\n\n" if item is None else item.to_text().encode()
            try:
                item = self._work.events.get(timeout=HEARTBEAT)
            except queue.Empty:
                item = None
        if isinstance(item, UpscaleOutput):
            if item.notes:
                yield Notes(notes=item.notes).to_text().encode()
            yield from Chunks(event_text("result", item.to_json()).encode())
            self.error = None
        else:
            self.error = reported(item, self._work.request_id)
            yield event_text("problem", problem_of(self.error, self._work.request_id).to_json()).encode()

    def close(self) -> None:
        """Stop the work at its next tile, if it is not done. Called by the server, also after a hang-up."""
        self._work.stop.set()
        self._thread.join()
        while not self._work.events.empty():
            item = self._work.events.get()
            if isinstance(item, Exception):  # mostly ClientGone, as nobody has read it
                self.error = reported(item, self._work.request_id)


def _work_on(work: StreamWork, run: Callable[[StreamWork], UpscaleOutput]) -> None:
    """No method, and without a name for the error: what an error's traceback can reach must not hold the error."""
    try:
        outcome = run(work)
    except Exception as exc:  # told to the client, by whoever reads the events
        work.end(exc)
    else:
        work.end(outcome)
