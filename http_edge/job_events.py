"""The events of a job. Each watcher keeps a thread; all watchers of a job share one look at the store a second."""

import threading
import time
from collections.abc import Callable, Iterator

from http_edge.answers import not_taken
from http_edge.places import MAX_WATCHERS, places_to_send
from http_edge.problems import problem_of, reported
from http_edge.streaming import HEARTBEAT, STILL_WORKING
from message_protocol import JobOutput, JobState, Progress, event_text
from superscaling.errors import ServiceError, Unavailable

# Seconds between two looks at a job; what was seen a little less long ago is shared by all its watchers.
PAUSE = 1.0
FRESH = 0.9 * PAUSE

Look = Callable[[str, str], JobOutput]


class JobWatch:
    """Looks at jobs for all who watch them.

    Args:
        status: where the job of an owner is, by its id.
    """

    def __init__(self, status: Look) -> None:
        self._status = status
        self._lock = threading.Lock()
        self._seen = dict[tuple[str, str], tuple[float, JobOutput]]()
        self.places = places_to_send(MAX_WATCHERS, "streams of jobs' events", "ask for JSON, or try again later")

    def look(self, owner: str, job_id: str) -> JobOutput:
        """Where a job is, or was less than a second ago.

        Raises:
            ServiceError: as `status`.
        """
        key = owner, job_id
        with self._lock:
            when, output = self._seen.get(key, (0.0, None))
            if output is not None and time.monotonic() - when < FRESH:
                return output
        output = self._status(owner, job_id)
        with self._lock:
            now = time.monotonic()
            self._seen = {each: seen for each, seen in self._seen.items() if now - seen[0] < PAUSE}
            self._seen[key] = now, output
        return output


class JobEvents:
    """An iterable of bytes: `status` at once and at each change, `progress`, and at the end the last `status`.

    `error`: why the client did not get the end; None once it was sent.

    Args:
        watch: looks at the job.
        owner, job_id: of the job.
        request_id: of the request.
        is_gone: whether the client has left.
        is_stopping: whether the service is: then the stream ends early, and the client comes again.

    Raises:
        ServiceError: there is no such job, or no place; the request can still be answered with that.
    """

    def __init__(
        self,
        watch: JobWatch,
        owner: str,
        job_id: str,
        request_id: str,
        is_gone: Callable[[], bool],
        is_stopping: Callable[[], bool],
    ) -> None:
        self.error: ServiceError | None = not_taken()
        self._watch = watch
        self._asked = owner, job_id
        self._request_id = request_id
        self._is_gone = is_gone
        self._is_stopping = is_stopping
        self._first = watch.look(owner, job_id)
        watch.places.take()

    def __iter__(self) -> Iterator[bytes]:
        output = self._first
        yield _status(output)
        spoke = time.monotonic()
        while not output.status.is_end and not self._is_stopping():
            if self._is_gone():
                return
            time.sleep(PAUSE)
            before = output
            try:
                output = self._watch.look(*self._asked)
            except Unavailable:
                pass  # the job goes on once its store is back
            except ServiceError as exc:  # it is deleted
                self.error = reported(exc, self._request_id)
                yield event_text("problem", problem_of(self.error, self._request_id).to_json()).encode()
                return
            said = list(_news(before, output))
            if not said and time.monotonic() - spoke >= HEARTBEAT:
                said = [STILL_WORKING]
            for each in said:
                yield each
                spoke = time.monotonic()
        self.error = None

    def close(self) -> None:
        """Leave the place. The server calls this, also after a hang-up."""
        self._watch.places.give_back()


def _news(before: JobOutput, now: JobOutput) -> Iterator[bytes]:
    """What has changed."""
    if (now.done, now.total) != (before.done, before.total) and now.status is JobState.RUNNING:
        yield Progress(done=now.done, total=now.total, seconds_left=now.seconds_left or 0.0).to_text().encode()
    if now.status is not before.status:
        yield _status(now)


def _status(output: JobOutput) -> bytes:
    return event_text("status", output.to_json()).encode()
