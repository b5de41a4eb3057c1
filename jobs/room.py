"""How many jobs may wait."""

import math
import threading
import time
from collections.abc import Callable, Iterable
from itertools import islice

from jobs.indices import OpenJob
from jobs.records import Plan
from superscaling.errors import JobsQueueFull

# For so many seconds the jobs are not counted again; what this process adds meanwhile is.
FRESH_SECONDS = 1.0
# The oldest jobs, whose ends are looked at before a job is refused, and by whose plans the time is estimated.
OLDEST = 8
# Without a plan.
RETRY_SECONDS = 60
MAX_RETRY_SECONDS = 3_600


class Room:
    """Counts the pixels of jobs that have not ended. Thread-safe.

    Args:
        most: px that may wait together.
        open_jobs: lists them.
        has_ended: whether one has ended, and the list does not know yet.
        plan: of a job, if there is one.
    """

    def __init__(
        self,
        most: int,
        open_jobs: Callable[[], Iterable[OpenJob]],
        has_ended: Callable[[str], bool],
        plan: Callable[[str], Plan | None],
    ) -> None:
        self._most = most
        self._open_jobs = open_jobs
        self._has_ended = has_ended
        self._plan = plan
        self._lock = threading.Lock()
        self._waiting = 0
        self._counted = -math.inf

    def check(self, pixels: int) -> None:
        """Make sure that one more job of so many px may be taken; alone it always may.

        Raises:
            JobsQueueFull: the others have too many.
        """
        waiting = self._count()
        if not self._is_over(waiting, pixels):
            return
        # Whoever has just seen a job end may send the next one: count again, without those.
        waiting = sum(
            each.pixels
            for number, each in enumerate(self._open_jobs())
            if number >= OLDEST or not self._has_ended(each.job_id)
        )
        over = waiting + pixels - self._most
        if self._is_over(waiting, pixels):
            raise JobsQueueFull(
                f"this image has {pixels} px, and the jobs that have not ended have {waiting}; together at most"
                f" {self._most} are taken: send it again later",
                limit=self._most,
                actual=waiting + pixels,
                setting="jobs_queue_pixels",
                retry_after=self._seconds_until_done(min(over, waiting)),
            )

    def add(self, pixels: int) -> None:
        """A job was taken."""
        with self._lock:
            self._waiting += pixels

    def _is_over(self, waiting: int, pixels: int) -> bool:
        return waiting > 0 and waiting + pixels > self._most

    def _count(self) -> int:
        with self._lock:
            if time.monotonic() - self._counted < FRESH_SECONDS:
                return self._waiting
        waiting = sum(each.pixels for each in self._open_jobs())  # may take long if the store is slow
        with self._lock:
            self._waiting, self._counted = waiting, time.monotonic()
        return waiting

    def _seconds_until_done(self, pixels: int) -> int:
        """Estimate when so many of the waiting px are done: at the pace of the plans, by so many workers as in them."""
        seconds = planned = 0.0
        for each in islice(self._open_jobs(), OLDEST):
            if plan := self._plan(each.job_id):
                seconds += plan.seconds / max(1, plan.window - 1)
                planned += each.pixels
        if not planned:
            return RETRY_SECONDS
        return min(max(1, math.ceil(seconds / planned * pixels)), MAX_RETRY_SECONDS)
