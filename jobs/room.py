"""How many jobs may wait."""

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from jobs.indices import OpenJob
from jobs.records import Plan
from superscaling.errors import JobsQueueFull

# For so many seconds the jobs are not listed again; what this process knows of jobs that begin and end counts at once.
FRESH_SECONDS = 1.0
# The oldest jobs, by whose plans the time is estimated.
OLDEST = 8
# Ends that are remembered until the list shows them.
MAX_ENDS = 10_000
# Without a plan.
RETRY_SECONDS = 60
MAX_RETRY_SECONDS = 3_600


class Room:
    """Counts the pixels of jobs that have not ended. Thread-safe.

    All methods that raise `JobsQueueFull` raise `StoreUnavailable` as well.

    Args:
        most: px that may wait together.
        open_jobs: lists them.
        plan: of a job, if there is one.
    """

    def __init__(
        self,
        most: int,
        open_jobs: Callable[[], Iterable[OpenJob]],
        plan: Callable[[str], Plan | None],
    ) -> None:
        self._most = most
        self._open_jobs = open_jobs
        self._plan = plan
        self._counting = threading.Lock()  # held while the jobs are listed, which may take long
        self._lock = threading.Lock()
        self._listed = dict[str, int]()  # px by job, with what has changed since
        self._reserved = dict[str, int]()
        self._added = dict[str, int]()  # since the list was begun
        self._ended = dict[str, None]()  # in order
        self._counted = -math.inf
        self._pace: float | None = None

    def check(self, pixels: int) -> None:
        """Make sure that one more job of so many px may be taken; alone it always may.

        Raises:
            JobsQueueFull: the others have too many.
        """
        waiting = self._counted_pixels()
        if waiting and waiting + pixels > self._most:
            raise self._full(waiting, pixels)

    def check_not_full(self) -> None:
        """Make sure that a job of any size may be taken.

        Raises:
            JobsQueueFull: the jobs that have not ended have as many px as may wait.
        """
        waiting = self._counted_pixels()
        if waiting >= self._most:
            raise self._full(waiting)

    @contextlib.contextmanager
    def reserved(self, job_id: str, pixels: int) -> Iterator[None]:
        """Keep room for a job until it is added, which is done meanwhile, or fails. One that counts already may stay.

        Raises:
            JobsQueueFull: there is none.
        """
        self._count()
        with self._lock:
            waiting = self._waiting()
            is_counted = job_id in self._listed or job_id in self._reserved
            is_full = not is_counted and waiting > 0 and waiting + pixels > self._most
            if not is_full:
                self._reserved[job_id] = pixels
        if is_full:
            raise self._full(waiting, pixels)
        try:
            yield
        finally:
            with self._lock:
                self._reserved.pop(job_id, None)

    def add(self, job_id: str, pixels: int) -> None:
        """A job is in the list from now on."""
        with self._lock:
            self._reserved.pop(job_id, None)
            self._ended.pop(job_id, None)
            self._listed[job_id] = self._added[job_id] = pixels

    def remove(self, job_id: str) -> None:
        """A job has ended, whether the list shows that or not: whoever has seen it end may send the next."""
        with self._lock:
            self._listed.pop(job_id, None)
            self._ended[job_id] = None
            while len(self._ended) > MAX_ENDS:
                del self._ended[next(iter(self._ended))]

    def _counted_pixels(self) -> int:
        self._count()
        with self._lock:
            return self._waiting()

    def _waiting(self) -> int:
        return sum((self._listed | self._reserved).values())

    def _count(self) -> None:
        """List the jobs, unless that was done a moment ago."""
        with self._counting:
            with self._lock:
                if time.monotonic() - self._counted < FRESH_SECONDS:
                    return
                self._added = {}
            listed = {each.job_id: each.pixels for each in self._open_jobs()}
            with self._lock:
                self._listed = listed | self._added
                for job_id in self._ended:
                    self._listed.pop(job_id, None)
                self._counted = time.monotonic()
                self._pace = None

    def _full(self, waiting: int, pixels: int = 0) -> JobsQueueFull:
        """The error for a job of so many px; 0: its size is not known. (To be raised.)"""
        over = min(waiting + pixels - self._most, waiting)
        if self._pace is None:
            self._pace = self._seconds_for_a_pixel()
        seconds = math.ceil(self._pace * over) if self._pace else RETRY_SECONDS
        this = f", and this one as {pixels}" if pixels else ""
        return JobsQueueFull(
            f"the jobs that have not ended count as {waiting} px{this}; together at most {self._most} are taken: send"
            " it again later",
            limit=self._most,
            actual=waiting + pixels,
            setting="jobs_queue_pixels",
            retry_after=min(max(1, seconds), MAX_RETRY_SECONDS),
        )

    def _seconds_for_a_pixel(self) -> float:
        """Estimate how fast the jobs are done: at the pace of the plans, by so many workers as in them; 0: unknown."""
        with self._lock:
            oldest = list(islice(sorted(self._listed.items()), OLDEST))
        seconds = planned = 0.0
        for job_id, pixels in oldest:
            if plan := self._plan(job_id):
                seconds += plan.seconds / max(1, plan.window - 1)
                planned += pixels
        return seconds / planned if planned else 0.0
