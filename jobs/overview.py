"""How many jobs are open, read from the store now and then."""

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from jobs.ids import time_of
from jobs.indices import open_jobs
from jobs.ledger import Ledger
from superscaling.errors import JobUnknown, StoreUnavailable

# Seconds for which what was read is good enough: whoever asks more often doesn't ask the store.
MAX_AGE = 5.0
# Jobs of which it is found out at a time whether they are planned; behind so many others a job is queued.
MAX_LOOKED_AT = 100
# Jobs taken here of which the end is waited for; if nobody asks, the oldest are forgotten.
MAX_AWAITED = 10_000


@dataclass(frozen=True)
class OpenJobs:
    """The jobs without an end: `queued`: not planned yet; `created`: when the oldest was, in seconds since 1970."""

    queued: int = 0
    running: int = 0
    pixels: int = 0
    created: float | None = None


class Overview:
    """Knows how many jobs are open, in all processes, and which of those taken here have ended elsewhere. Thread-safe.

    Args:
        ledger: knows them.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        self._open = OpenJobs()
        self._read = -MAX_AGE
        self._planned = frozenset[str]()
        self._awaited: dict[str, None] = {}  # in order

    def open_jobs(self) -> OpenJobs:
        """What was true some seconds ago. While the store is away, or somebody else reads it, what was true before."""
        if self._lock.acquire(blocking=False):
            try:
                if time.monotonic() - self._read >= MAX_AGE:
                    self._read = time.monotonic()
                    self._refresh()
            except StoreUnavailable:
                self._ledger.observer.store_failed()
            finally:
                self._lock.release()
        return self._open

    def await_end(self, job_id: str) -> None:
        """The job was taken here."""
        self._awaited[job_id] = None
        while len(self._awaited) > MAX_AWAITED:
            self._awaited.pop(next(iter(self._awaited)), None)

    def forget(self, job_id: str) -> None:
        """Its end is known."""
        self._awaited.pop(job_id, None)

    def _refresh(self) -> None:
        awaited = list(self._awaited)  # before the open jobs are read: what was taken since is not among these
        jobs = list(open_jobs(self._ledger.store))
        ids = {job.job_id for job in jobs}
        self._planned = frozenset(self._find_planned([job.job_id for job in jobs]))
        pixels = sum(job.pixels for job in jobs)
        created = time_of(jobs[0].job_id) if jobs else None
        self._open = OpenJobs(len(jobs) - len(self._planned), len(self._planned), pixels, created)
        for job_id in awaited:
            if job_id not in ids and job_id in self._awaited:
                with contextlib.suppress(JobUnknown):
                    end = self._ledger.end(job_id)
                    if end is not None:
                        self._ledger.observer.job_ended(job_id, end.state)
                self.forget(job_id)

    def _find_planned(self, ids: list[str]) -> Iterator[str]:
        looked_at = 0
        for job_id in ids:
            if job_id in self._planned:
                yield job_id
            elif looked_at < MAX_LOOKED_AT:
                looked_at += 1
                if self._ledger.is_planned(job_id):
                    yield job_id
