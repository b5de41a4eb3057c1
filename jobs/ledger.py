"""The truth about jobs: what is in the store, and what that means.

    jobs/<id>/job.json        the order
    jobs/<id>/source          the image file, until the end
    jobs/<id>/accepted        the engine has it: from now on it is never lost
    jobs/<id>/plan.json       how it is done; created once
    jobs/<id>/in/<n>          band n of a gigantic picture, until the end
    jobs/<id>/out/<n>         a finished block, until the end
    jobs/<id>/tries/<step>.<k>   a step that was begun and not finished
    jobs/<id>/end.json        how it ended; created once, ever
    jobs/<id>/result          the file
    jobs/<id>/expired         all but the records is deleted
    open/<id>-<pixels>        jobs without an end
    ended/<id>                jobs with one
    groups/<owner>/<group>/<id>
    keys/<digest>             Idempotency-Keys
    webhooks/<id>             ends that have to be reported

The indices may be behind for a moment, after a crash for longer; `Housekeeping` mends them.
"""

import base64
import hashlib
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from jobs.records import Claim, End, Failure, Job, Plan, Result, from_json, to_json
from jobs.store import NotStored, Store
from message_protocol import JobState
from superscaling.errors import IdempotencyMismatch, JobsQueueFull, JobUnknown, ServiceError

Kept = TypeVar("Kept", Plan, End)
# How often a step may end its worker before the job has failed.
MAX_TRIES = 3


@dataclass(frozen=True)
class Status:
    """Where a job is. `done` of `total` tiles; `finished`: numbers of the finished blocks; `is_expired`: see there."""

    job: Job
    state: JobState
    done: int
    total: int
    finished: frozenset[int]
    plan: Plan | None
    end: End | None
    is_expired: bool


class Ledger:
    """Reads and writes what is known of jobs. All methods raise `StoreUnavailable`.

    Args:
        store: where that is.
        queue_pixels: the most pixels of all jobs that have not ended.
    """

    def __init__(self, store: Store, queue_pixels: int) -> None:
        self.store = store
        self._queue_pixels = queue_pixels

    # Taking jobs

    def claim(self, owner: str, key: str | None, asked: str) -> tuple[str, str | None]:
        """Find, or make, the id for a request.

        Args:
            owner: of the request.
            key: its Idempotency-Key, if it has one.
            asked: SHA-256 of all that it asks for.

        Returns:
            The id, and the name of the claim, None without a key.

        Raises:
            IdempotencyMismatch: the key was used for something else.
        """
        if key is None:
            return new_id(), None
        name = hashlib.sha256(f"{owner}\n{key}".encode()).hexdigest()
        fresh = Claim(new_id(), asked)
        if self.store.create(f"keys/{name}", to_json(fresh)):
            return fresh.id, name
        claim = from_json(Claim, self.store.get(f"keys/{name}"))
        if claim.asked != asked:
            raise IdempotencyMismatch(
                "this Idempotency-Key was used for another image, or with other options: use a new one"
            )
        return claim.id, name

    def check_room(self, pixels: int) -> None:
        """Make sure that one more job of so many px may be taken.

        Raises:
            JobsQueueFull: the jobs that have not ended have too many.
        """
        waiting = sum(each.pixels for each in self.open_jobs())
        if waiting and waiting + pixels > self._queue_pixels:
            raise JobsQueueFull(
                f"this image has {pixels} px, and the jobs that have not ended have {waiting}; together at most"
                f" {self._queue_pixels} are taken: send it again later",
                limit=self._queue_pixels,
                actual=waiting + pixels,
                setting="jobs_queue_pixels",
                retry_after=60,
            )

    def add(self, job: Job, source: bytes | Path) -> None:
        """Write a job down. It is lost until it is accepted. May be called again after a failure."""
        self.store.put(f"jobs/{job.id}/source", source)
        self.store.create(f"jobs/{job.id}/job.json", to_json(job))
        if job.group is not None:
            self.store.put(f"groups/{_folder(job.owner)}/{job.group}/{job.id}", b"")
        if job.webhook is not None:
            self.store.put(f"webhooks/{job.id}", b"")
        self.store.put(f"open/{job.id}-{job.pixels}", b"")

    def accept(self, job_id: str) -> None:
        """The engine has the job."""
        self.store.put(f"jobs/{job_id}/accepted", b"")

    def is_accepted(self, job_id: str) -> bool:
        """Whether `accept` was called."""
        return self.store.has(f"jobs/{job_id}/accepted")

    # Reading

    def job(self, job_id: str) -> Job:
        """What is to be done.

        Raises:
            JobUnknown: there is no such job.
        """
        if not is_id(job_id):
            raise unknown(job_id)
        try:
            return from_json(Job, self.store.get(f"jobs/{job_id}/job.json"))
        except NotStored:
            raise unknown(job_id) from None

    def plan(self, job_id: str) -> Plan | None:
        """How it is done; None: that is not planned yet."""
        return self._record(Plan, f"jobs/{job_id}/plan.json")

    def end(self, job_id: str) -> End | None:
        """How it ended; None: it has not."""
        return self._record(End, f"jobs/{job_id}/end.json")

    def has_ended(self, job_id: str) -> bool:
        """Whether it has."""
        return self.store.has(f"jobs/{job_id}/end.json")

    def status(self, job_id: str) -> Status:
        """Where a job is.

        Raises:
            JobUnknown: there is no such job.
        """
        job, plan, end = self.job(job_id), self.plan(job_id), self.end(job_id)
        finished = frozenset[int]()
        total = done = 0
        if plan is not None:
            total = plan.tiles
            if end is None:
                finished = self.finished(job_id)
                done = sum(plan.blocks[number].tiles for number in finished)
        if end is not None and end.state is JobState.DONE:
            done = total
        state = end.state if end else JobState.QUEUED if plan is None else JobState.RUNNING
        is_expired = end is not None and self.store.has(f"jobs/{job_id}/expired")
        return Status(job, state, done, total, finished, plan, end, is_expired)

    def open_jobs(self) -> "Iterator[OpenJob]":
        """The jobs without an end, accepted or not, the oldest first."""
        for key in self.store.keys("open/"):
            job_id, _, pixels = key.removeprefix("open/").partition("-")
            yield OpenJob(job_id, int(pixels))

    def group(self, owner: str, group: str, after: str, count: int) -> Sequence[str]:
        """The ids of a group's jobs that come after another id, the oldest first."""
        prefix = f"groups/{_folder(owner)}/{group}/"
        keys = self.store.keys(prefix, after=f"{prefix}{after}")
        return [key.removeprefix(prefix) for key, _ in zip(keys, range(count), strict=False)]

    # Doing

    def begin(self, job_id: str, step: str) -> int:
        """Begin a step. Returns how often it was begun and not finished, this time included."""
        tries = 1
        while not self.store.create(f"jobs/{job_id}/tries/{step}.{tries}", b""):
            tries += 1
        return tries

    def finish(self, job_id: str, step: str) -> None:
        """A step is finished, or was given up in good order: earlier tries no longer count."""
        for key in self.store.keys(f"jobs/{job_id}/tries/"):
            if key.startswith(f"jobs/{job_id}/tries/{step}."):
                self.store.delete(key)

    def write_plan(self, job_id: str, plan: Plan) -> Plan:
        """Write a plan down, unless there is one. Returns the one that holds."""
        self.store.create(f"jobs/{job_id}/plan.json", to_json(plan))
        return from_json(Plan, self.store.get(f"jobs/{job_id}/plan.json"))

    def source(self, job_id: str) -> bytes:
        """The image file.

        Raises:
            NotStored: the job has ended.
        """
        return self.store.get(f"jobs/{job_id}/source")

    def has_block(self, job_id: str, number: int) -> bool:
        """Whether a block is finished."""
        return self.store.has(f"jobs/{job_id}/out/{number}")

    def write_block(self, job_id: str, number: int, data: bytes) -> None:
        """A block is finished."""
        self.store.put(f"jobs/{job_id}/out/{number}", data)

    def finished(self, job_id: str) -> frozenset[int]:
        """The numbers of the finished blocks."""
        prefix = f"jobs/{job_id}/out/"
        return frozenset(int(key.removeprefix(prefix)) for key in self.store.keys(prefix))

    def missing(self, job_id: str, plan: Plan) -> list[int]:
        """The numbers of the blocks that are not finished."""
        finished = self.finished(job_id)
        return [number for number in range(len(plan.blocks)) if number not in finished]

    def blocks(self, job_id: str, plan: Plan) -> Iterator[bytes]:
        """All blocks, in order.

        Raises:
            NotStored: one is missing: the job has ended.
        """
        for number in range(len(plan.blocks)):
            yield self.store.get(f"jobs/{job_id}/out/{number}")

    # Ending

    def finish_job(self, job_id: str, data: bytes | Path, result: Result) -> bool:
        """The result is there. Returns whether that ended the job."""
        self.store.put(f"jobs/{job_id}/result", data)
        return self._end(job_id, End(JobState.DONE, time.time(), result))

    def fail(self, job_id: str, error: ServiceError) -> bool:
        """The job can't be done. Returns whether that ended it."""
        return self._end(job_id, End(JobState.FAILED, time.time(), failure=Failure.of(error)))

    def cancel(self, job_id: str) -> bool:
        """Nobody wants the job. Returns whether that ended it."""
        return self._end(job_id, End(JobState.CANCELLED, time.time()))

    def expire(self, job_id: str) -> None:
        """Delete all of a job that has ended, but for its records."""
        self.store.put(f"jobs/{job_id}/expired", b"")
        self.clear(job_id)
        self.store.delete(f"jobs/{job_id}/result")

    def forget(self, job_id: str) -> None:
        """Delete all of a job, as if it had never been."""
        try:
            job = self.job(job_id)
        except JobUnknown:
            self.store.delete(f"jobs/{job_id}/")
            return
        self.store.delete(f"open/{job_id}-{job.pixels}")
        self.store.delete(f"ended/{job_id}")
        self.store.delete(f"webhooks/{job_id}")
        if job.group is not None:
            self.store.delete(f"groups/{_folder(job.owner)}/{job.group}/{job_id}")
        if job.key is not None:
            self.store.delete(f"keys/{job.key}")
        self.store.delete(f"jobs/{job_id}/")

    def clear(self, job_id: str) -> None:
        """Bring the indices up to date for a job that has ended, and delete what is needed no more."""
        self.store.put(f"ended/{job_id}", b"")
        self.store.delete(f"open/{job_id}-{self.job(job_id).pixels}")
        for part in ("in/", "out/", "tries/", "source"):
            self.store.delete(f"jobs/{job_id}/{part}")

    def _end(self, job_id: str, end: End) -> bool:
        is_ours = self.store.create(f"jobs/{job_id}/end.json", to_json(end))
        self.clear(job_id)
        return is_ours

    def _record(self, kind: type[Kept], key: str) -> Kept | None:
        try:
            return from_json(kind, self.store.get(key))
        except NotStored:
            return None


@dataclass(frozen=True)
class OpenJob:
    """A job without an end, as the index has it."""

    job_id: str
    pixels: int


def new_id() -> str:
    """An id of 26 characters: in the order of time, to the millisecond, and not to be guessed (80 random bits)."""
    data = int(time.time() * 1000).to_bytes(6) + secrets.token_bytes(10)
    return base64.b32hexencode(data).decode().rstrip("=").lower()


def is_id(text: str) -> bool:
    """Whether `new_id` may have made it. Nothing else becomes a part of a key."""
    return len(text) == 26 and text.isascii() and text.isalnum() and text.islower()


def unknown(job_id: str) -> JobUnknown:
    """The error for a job that is not there, or not for whoever asks. (To be raised.)"""
    return JobUnknown(f"there is no job {job_id[:26]!r}")


def _folder(owner: str) -> str:
    """An owner's name as a part of a key."""
    return hashlib.sha256(owner.encode()).hexdigest()[:32]
