"""Names in the indices: what is needed of many jobs at once is read from the names of keys, without their records.

All that lists jobs raises `StoreUnavailable`.
"""

import hashlib
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jobs.ids import DIGITS, LENGTH
from jobs.records import Job
from jobs.store import Store

log = logging.getLogger("jobs")

ID = f"([{''.join(sorted(DIGITS))}]{{{LENGTH}}})"
OPEN = re.compile(rf"open/{ID}-([0-9]{{1,18}})")
TIMED = re.compile(rf"(?:ended|expired)/([0-9]{{13}})-{ID}")
DUE = re.compile(rf"webhooks/([0-9]{{13}})-{ID}-([0-9]{{1,2}})")


@dataclass(frozen=True)
class OpenJob:
    """A job without an end. `pixels`: as `Job.size` counts them."""

    job_id: str
    pixels: int


@dataclass(frozen=True)
class EndedJob:
    """A job with one. `ended`: when, in seconds since 1970."""

    job_id: str
    ended: float


@dataclass(frozen=True)
class DueWebhook:
    """An end that has to be reported. `due`: when, in seconds since 1970; `attempt`: its number, from 1 on."""

    job_id: str
    due: float
    attempt: int

    @property
    def key(self) -> str:
        """Its name."""
        return f"webhooks/{_milliseconds(self.due)}-{self.job_id}-{self.attempt}"


def open_key(job: Job) -> str:
    """The name of a job without an end."""
    return f"open/{job.id}-{job.size}"


def open_jobs(store: Store, after: str = "") -> Iterator[OpenJob]:
    """The jobs without an end, accepted or not, the oldest first; only those after another id."""
    for match in _matching(store, "open/", OPEN, f"open/{after}." if after else ""):  # in ASCII, "." follows "-"
        yield OpenJob(match[1], int(match[2]))


def find_open(store: Store, job_id: str) -> str | None:
    """The name of a job without an end, whose pixels are not known; None: it is not there."""
    key = next(store.keys("open/", after=f"open/{job_id}-"), "")
    return key if key.startswith(f"open/{job_id}-") else None


def timed_key(index: str, job_id: str, ended: float) -> str:
    """The name in `ended` or `expired`."""
    return f"{index}/{_milliseconds(ended)}-{job_id}"


def ended_jobs(store: Store) -> Iterator[EndedJob]:
    """The jobs with an end that have not expired, the one that ended first at the front."""
    return _timed(store, "ended")


def expired_jobs(store: Store) -> Iterator[EndedJob]:
    """The jobs that have expired, the one that ended first at the front."""
    return _timed(store, "expired")


def due_webhooks(store: Store) -> Iterator[DueWebhook]:
    """Ends that have to be reported, now or later, the most urgent first."""
    for match in _matching(store, "webhooks/", DUE):
        yield DueWebhook(match[2], int(match[1]) / 1000, int(match[3]))


def group_key(owner: str, group: str, job_id: str = "") -> str:
    """The name of a job in a group; without an id, what those of the whole group begin with."""
    return f"groups/{hashlib.sha256(owner.encode()).hexdigest()[:32]}/{group}/{job_id}"


def group_jobs(store: Store, owner: str, group: str, after: str, count: int) -> Sequence[str]:
    """The ids of a group's jobs that come after another id, the oldest first."""
    prefix = group_key(owner, group)
    keys = store.keys(prefix, after=f"{prefix}{after}")
    return [key.removeprefix(prefix) for key, _ in zip(keys, range(count), strict=False)]


def _timed(store: Store, index: str) -> Iterator[EndedJob]:
    for match in _matching(store, f"{index}/", TIMED):
        yield EndedJob(match[2], int(match[1]) / 1000)


def _matching(store: Store, prefix: str, pattern: re.Pattern[str], after: str = "") -> Iterator[re.Match[str]]:
    for key in store.keys(prefix, after):
        if match := pattern.fullmatch(key):
            yield match
        else:  # of another version, or nothing of ours
            log.debug("a name in an index is not understood", extra={"key": key})


def _milliseconds(seconds: float) -> str:
    """In the order of time also as text, until the year 2286."""
    return f"{round(seconds * 1000):013}"
