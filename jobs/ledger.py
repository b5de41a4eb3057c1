"""The truth about jobs: what is in the store, and what that means.

    jobs/<id>/job.json        the order
    jobs/<id>/source          the image file, until the end
    jobs/<id>/accepted        the engine has it: from now on it is never lost
    jobs/<id>/plan.json       how it is done; created once
    jobs/<id>/in/<a>-<b>      rows a to b of a gigantic picture, until the end
    jobs/<id>/out/<n>         a finished block, until the end
    jobs/<id>/tries/<step>.<k>   a step that was begun and not finished
    jobs/<id>/tries/<step>.failed/<ms>   when it failed for a reason outside the picture, in ms since 1970
    jobs/<id>/published/<name>   a message that the broker has, until the end
    jobs/<id>/end.json        how it ended; created once, ever
    jobs/<id>/result          the file
    jobs/<id>/expired         all but the records is deleted
    jobs/<id>/webhook/<n>     when attempt n to report its end was begun, in seconds since 1970
    jobs/<id>/webhook/over    its end is reported, or that was given up
    open/<id>-<size>          jobs without an end; `Job.size`
    ended/<ms>-<id>           jobs with one, and when it was, in ms since 1970
    expired/<ms>-<id>         those of them that have expired; when they ended
    groups/<owner>/<group>/<id>
    keys/<digest>             Idempotency-Keys
    webhooks/<ms>-<id>-<n>    when an end has to be reported, for the n-th time
    lease/<number>            which process does jobs, unless workers do: see `Lease`
    store-id                  tells this store from others; created once
    probe                     a worker has tried whether it may write

A process may be killed between any two writes. So a name in an index is written before what it leads to, and deleted
after it (of groups and keys, `job.json` is the trace): the indices may say too much, and `Housekeeping` mends that, but
nothing is lost or left for good. What is written of a job while another process forgets it has no `job.json` beside it,
and goes with the next `sweep`. What only one of several processes may decide is created exclusively: `accepted` (taken,
or withdrawn), `plan.json`, `end.json`.
"""

import contextlib
import functools
import hashlib
import logging
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TypeVar

from jobs.claims import ABANDONED_SECONDS, ACCEPTED, WITHDRAWN, Claims, is_accepted
from jobs.ids import is_id, new_id, time_of, unknown
from jobs.indices import (
    DueWebhook,
    EndedJob,
    OpenJob,
    find_open,
    open_jobs,
    open_key,
    timed_jobs,
    timed_key,
)
from jobs.observer import NO_OBSERVER, JobObserver
from jobs.records import End, Failure, Job, Plan, Result, from_json, to_json
from jobs.room import Room
from jobs.store import NotStored, Store
from message_protocol import JobState
from superscaling.errors import JobUnknown, ServiceError, StoreUnavailable

log = logging.getLogger("jobs")

Kept = TypeVar("Kept", Job, Plan, End)
# How often a step may end its worker before the job has failed.
MAX_TRIES = 3
# Orders, plans and ends that are kept in memory.
MAX_RECORDS = 256
STORE_ID = "store-id"
# What is needed until the end only; of a gigantic picture it is much.
WORKING_PARTS = ("in/", "out/", "tries/", "published/", "source")


@dataclass(frozen=True)
class Status:
    """Where a job is. `done` of `total` tiles; `finished`: numbers of the finished blocks; `is_expired`: no result."""

    job: Job
    state: JobState
    done: int
    total: int
    finished: frozenset[int]
    plan: Plan | None
    end: End | None
    is_expired: bool


class Ledger:
    """Reads and writes what is known of jobs. Thread-safe. All methods raise `StoreUnavailable`.

    Args:
        store: where that is.
        queue_pixels: the most that all jobs that have not ended may have together, as `Job.size` counts them.

    `observer` is told of what happens, and may be replaced.
    """

    def __init__(self, store: Store, queue_pixels: int) -> None:
        self.store = store
        self.queue_pixels = queue_pixels
        self.observer: JobObserver = NO_OBSERVER
        self.claims = Claims(store)
        self._room = Room(queue_pixels, self.open_jobs, self.plan)
        self._store_id = ""
        self._kept_job = functools.lru_cache(MAX_RECORDS)(functools.partial(self._read, Job, "job.json"))
        self._kept_plan = functools.lru_cache(MAX_RECORDS)(functools.partial(self._read, Plan, "plan.json"))
        self._kept_end = functools.lru_cache(MAX_RECORDS)(functools.partial(self._read, End, "end.json"))

    # The store

    def store_id(self) -> str:
        """What tells this store from others, for messages about its jobs. The first who asks decides it."""
        if not self._store_id:
            self.store.create(STORE_ID, uuid.uuid4().hex.encode())
            self._read_store_id()
        return self._store_id

    def is_store(self, store_id: str) -> bool:
        """Whether `store_id` was called for this store. (It decides nothing: the directory may not be mounted yet.)"""
        if self._store_id != store_id:
            with contextlib.suppress(NotStored):
                self._read_store_id()
        return self._store_id == store_id

    def _read_store_id(self) -> None:
        self._store_id = self.store.get(STORE_ID).decode(errors="replace")

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
        return (new_id(), None) if key is None else self.claims.claim(owner, key, asked)

    def check_room(self, pixels: int) -> None:
        """Make sure that one more job of so many px may be taken.

        Raises:
            JobsQueueFull: the jobs that have not ended have too many.
        """
        self._room.check(pixels)

    def check_not_full(self) -> None:
        """Make sure that a job may be taken, whose size is not known yet.

        Raises:
            JobsQueueFull: the jobs that have not ended have as many px as may wait.
        """
        self._room.check_not_full()

    def reserved(self, job: Job) -> AbstractContextManager[None]:
        """Keep room for a job that is about to be added.

        Raises:
            JobsQueueFull: there is none.
        """
        return self._room.reserved(job.id, job.size)

    def add(self, job: Job, source: bytes | Path) -> None:
        """Write a job down. It is lost until it is accepted. May be called again, after a failure or beside another.

        Args:
            job: with an id of `claim`.
            source: the image file, a `Path` in the store's `scratch`, where it is not afterwards.
        """
        self.store.put(open_key(job), b"")
        self.store.put(f"jobs/{job.id}/source", source)
        self.store.create(f"jobs/{job.id}/job.json", to_json(job))
        if job.group is not None:
            self.store.put(f"groups/{_folder(job.owner)}/{job.group}/{job.id}", b"")
        self._room.add(job.id, job.size)
        self.observer.job_added(job.id)

    def accept(self, job_id: str) -> None:
        """The engine has the job: from now on it is never lost.

        Raises:
            StoreUnavailable: also if it was withdrawn meanwhile, by another request with the same Idempotency-Key.
        """
        key = f"jobs/{job_id}/accepted"
        is_first = self.store.create(key, ACCEPTED)
        if not is_first and not is_accepted(self.store, job_id):
            raise _given_up()
        # Whoever withdraws a job deletes its source before this key: if it was created after that, that is missing.
        if not self._is_whole(job_id):
            if is_first:
                self.store.delete(key)
            raise _given_up()

    def is_accepted(self, job_id: str) -> bool:
        """Whether `accept` was called."""
        return is_accepted(self.store, job_id)

    def withdraw(self, job_id: str) -> bool:
        """Forget a job that could not be taken. Returns whether it is: not if another request had it accepted."""
        key = f"jobs/{job_id}/accepted"
        if not self.store.create(key, WITHDRAWN):
            try:
                if self.store.get(key) != WITHDRAWN:
                    return False
            except NotStored:
                return True  # others have done it
        self.forget(job_id)
        return True

    # Reading

    def job(self, job_id: str) -> Job:
        """What is to be done.

        Raises:
            JobUnknown: there is no such job, or what is stored of it can't be read.
        """
        if not is_id(job_id):
            raise unknown(job_id)
        try:
            return self._read(Job, "job.json", job_id)
        except NotStored:
            raise unknown(job_id) from None

    def known_job(self, job_id: str) -> Job:
        """The same, of a job that may have been forgotten since this process read of it."""
        with contextlib.suppress(NotStored):
            return self._kept_job(job_id)
        raise unknown(job_id)

    def plan(self, job_id: str) -> Plan | None:
        """How it is done, as far as this process knows (see `unplan`); None: that is not planned yet.

        Raises:
            JobUnknown: what is stored can't be read.
        """
        try:
            return self._kept_plan(job_id)
        except NotStored:
            return None

    def is_planned(self, job_id: str) -> bool:
        """Whether it is."""
        return self.store.has(f"jobs/{job_id}/plan.json")

    def end(self, job_id: str) -> End | None:
        """How it ended; None: it has not.

        Raises:
            JobUnknown: what is stored can't be read.
        """
        try:
            end = self._kept_end(job_id)
        except NotStored:
            return None
        self._room.remove(job_id)
        return end

    def has_ended(self, job_id: str) -> bool:
        """Whether it has."""
        return self.store.has(f"jobs/{job_id}/end.json")

    def status(self, job_id: str) -> Status:
        """Where a job is.

        Raises:
            JobUnknown: there is no such job, or what is stored of it can't be read.
        """
        job, plan, end = self.job(job_id), self.plan(job_id), self.end(job_id)
        finished = frozenset[int]()
        total = done = 0
        if plan is not None:
            total = plan.tiles
            if end is None:
                finished = self.finished(job_id)
                done = sum(block.tiles for number, block in enumerate(plan.blocks) if number in finished)
        if end is not None and end.state is JobState.DONE:
            done = total
        state = end.state if end else JobState.QUEUED if plan is None else JobState.RUNNING
        is_expired = end is not None and self.store.has(f"jobs/{job_id}/expired")
        return Status(job, state, done, total, finished, plan, end, is_expired)

    def open_jobs(self, after: str = "") -> Iterator[OpenJob]:
        """The jobs without an end, accepted or not, the oldest first; only those after another id."""
        return open_jobs(self.store, after)

    def ended_jobs(self) -> Iterator[EndedJob]:
        """The jobs with an end that have not expired, the one that ended first at the front."""
        return timed_jobs(self.store, "ended")

    def expired_jobs(self) -> Iterator[EndedJob]:
        """The jobs that have expired, the one that ended first at the front."""
        return timed_jobs(self.store, "expired")

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

    def finish(self, job_id: str, step: str, tries: int = 1) -> None:
        """A step is finished, or was given up in good order: it, and so many tries in all, no longer count."""
        for number in range(tries, 0, -1):
            self.store.delete(f"jobs/{job_id}/tries/{step}.{number}")

    def is_published(self, job_id: str, name: str) -> bool:
        """Whether a message of this name was noted."""
        return self.store.has(f"jobs/{job_id}/published/{name}")

    def note_published(self, job_id: str, name: str) -> None:
        """The broker has a message."""
        self.store.put(f"jobs/{job_id}/published/{name}", b"")

    def write_plan(self, job_id: str, plan: Plan) -> Plan:
        """Write a plan down, unless there is one. Returns the one that holds.

        Raises:
            JobUnknown: there is no such job any more.
        """
        key = f"jobs/{job_id}/plan.json"
        self.store.create(key, to_json(plan))
        if not self.store.has(f"jobs/{job_id}/job.json"):
            self.store.delete(key)
            raise unknown(job_id)
        try:
            return self._kept_plan(job_id)
        except NotStored:  # the job was forgotten meanwhile
            raise unknown(job_id) from None

    def source(self, job_id: str) -> bytes:
        """The image file.

        Raises:
            NotStored: the job has ended.
        """
        return self.store.get(f"jobs/{job_id}/source")

    def has_block(self, job_id: str, number: int) -> bool:
        """Whether a block is finished."""
        return self.store.has(f"jobs/{job_id}/out/{number}")

    def write_block(self, job_id: str, number: int, data: bytes) -> bool:
        """A block is finished. Returns whether it is kept: it is deleted at once if the job has ended."""
        return self._put_part(job_id, f"out/{number}", data)

    def finished(self, job_id: str) -> frozenset[int]:
        """The numbers of the finished blocks."""
        prefix = f"jobs/{job_id}/out/"
        names = (key.removeprefix(prefix) for key in self.store.keys(prefix))
        return frozenset(int(name) for name in names if name.isdecimal())

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

    def note_failure(self, job_id: str, step: str) -> tuple[int, float]:
        """A step failed for a reason outside the picture. Returns how often it has, and for how many seconds."""
        folder, now = f"jobs/{job_id}/tries/{step}.failed/", round(time.time() * 1000)
        self.store.put(f"{folder}{now:013}", b"")
        times = [int(key.removeprefix(folder)) for key in self.store.keys(folder)]
        return len(times), (now - min(times)) / 1000

    def unplan(self, job_id: str) -> None:
        """Delete a job's plan and what was made by it, so that the job can be planned anew. May be called again.

        Other processes may know the former plan for as long as they run, or until `forget_plans`.
        """
        for part in ("out/", "in/", "tries/", "published/", "plan.json"):  # the plan last: it says that this is due
            self.store.delete(f"jobs/{job_id}/{part}")
        self.forget_plans()

    def forget_plans(self) -> None:
        """Read plans from the store again, as other processes may have replaced them."""
        self._kept_plan.cache_clear()

    # Gigantic pictures

    def fetch_source(self, job_id: str, path: Path) -> Path:
        """The image file as a file of this machine: at `path`, or elsewhere. Not to be changed.

        Raises:
            NotStored: the job has ended.
        """
        return self.store.fetch(f"jobs/{job_id}/source", path)

    def fetch_block(self, job_id: str, number: int, path: Path) -> Path:
        """A finished block, likewise."""
        return self.store.fetch(f"jobs/{job_id}/out/{number}", path)

    def write_band(self, job_id: str, name: str, band: Path) -> None:
        """Keep a band of a gigantic picture, whose name says which rows it has. The file lies in the scratch.

        It is deleted at once if the job has ended.
        """
        self._put_part(job_id, f"in/{name}", band)

    def band(self, job_id: str, name: str) -> bytes:
        """The samples of a band.

        Raises:
            NotStored: the job has ended.
        """
        return self.store.get(f"jobs/{job_id}/in/{name}")

    # Ending

    def finish_job(self, job_id: str, data: bytes | Path, result: Result) -> bool:
        """The result is there. Returns whether that ended the job.

        Raises:
            JobUnknown: there is no such job any more.
        """
        if not self.has_ended(job_id):  # otherwise somebody may be reading the result
            self.store.put(f"jobs/{job_id}/result", data)
        if not self.store.has(f"jobs/{job_id}/job.json"):
            self.store.delete(f"jobs/{job_id}/result")
        return self._end(job_id, End(JobState.DONE, time.time(), result))

    def fail(self, job_id: str, error: ServiceError) -> bool:
        """The job can't be done. Returns whether that ended it.

        Raises:
            JobUnknown: there is no such job any more.
        """
        return self._end(job_id, End(JobState.FAILED, time.time(), failure=Failure.of(error)))

    def cancel(self, job_id: str) -> bool:
        """Nobody wants the job. Returns whether that ended it.

        Raises:
            JobUnknown: there is no such job any more.
        """
        return self._end(job_id, End(JobState.CANCELLED, time.time()))

    def clear(self, job_id: str) -> None:
        """Bring the indices up to date for a job that has ended, and delete what is needed no more.

        May be called again. Does nothing for a job that has not ended.
        """
        end = self.end(job_id)
        if end is None:
            return
        job = self.job(job_id)
        if job.webhook is not None and not self.store.has(f"jobs/{job_id}/webhook/1"):  # later attempts follow from it
            self.store.put(DueWebhook(job_id, end.ended, 1).key, b"")
        if not self.store.has(f"jobs/{job_id}/expired"):
            self.store.put(timed_key("ended", job_id, end.ended), b"")
        for part in WORKING_PARTS:
            self.store.delete(f"jobs/{job_id}/{part}")
        if end.state is not JobState.DONE:
            self.store.delete(f"jobs/{job_id}/result")  # of a job that was cancelled at the last moment
        self.store.delete(open_key(job))

    def expire(self, job_id: str) -> None:
        """Delete all of a job that has ended, but for its records. May be called again.

        Raises:
            JobUnknown: it has no end, or not all of it is stored any more.
        """
        end = self.end(job_id)
        if end is None:
            raise unknown(job_id)
        self.store.put(f"jobs/{job_id}/expired", b"")
        self.clear(job_id)
        self.store.delete(f"jobs/{job_id}/result")
        self.store.put(timed_key("expired", job_id, end.ended), b"")
        self.store.delete(timed_key("ended", job_id, end.ended))

    def forget(self, job_id: str, ended: float | None = None) -> None:
        """Delete all of a job, as if it had never been. May be called again, also after it broke off.

        Args:
            job_id: of the job.
            ended: when it has, as an index says; its records may be gone.
        """
        job = None
        with contextlib.suppress(JobUnknown):
            job = self.job(job_id)
            ended = end.ended if (end := self.end(job_id)) else ended
        if job is not None and job.key is not None:
            self.claims.release(job.key, job_id)
        keys = []
        if job is not None and job.group is not None:
            keys.append(f"groups/{_folder(job.owner)}/{job.group}/{job_id}")
        parts = ("job.json", *WORKING_PARTS, "plan.json", "result", "webhook/", "expired", "end.json")
        keys += [f"jobs/{job_id}/{part}" for part in (*parts, "")]
        if name := open_key(job) if job is not None else find_open(self.store, job_id):
            keys.append(name)
        if ended is not None:
            keys += [timed_key(index, job_id, ended) for index in ("ended", "expired")]
        for key in keys:
            self.store.delete(key)
        self._room.remove(job_id)

    def sweep(self) -> None:
        """Delete what was written of jobs that were forgotten meanwhile. Lists all keys of jobs."""
        limit = time.time() - 2 * ABANDONED_SECONDS  # others may be being taken
        for job_id, keys in groupby(self.store.keys("jobs/"), lambda key: key.split("/")[1]):
            if is_id(job_id) and time_of(job_id) < limit and f"jobs/{job_id}/job.json" not in keys:
                log.warning("what was left of a job is deleted", extra={"job": job_id})
                self.forget(job_id)

    def _put_part(self, job_id: str, name: str, data: bytes | Path) -> bool:
        """Keep what is needed until a job's end, unless that has come meanwhile. Returns whether it is kept."""
        key = f"jobs/{job_id}/{name}"
        self.store.put(key, data)
        if self.has_ended(job_id) or not self.store.has(f"jobs/{job_id}/job.json"):
            self.store.delete(key)
            return False
        return True

    def _end(self, job_id: str, end: End) -> bool:
        self.job(job_id)
        is_ours = self.store.create(f"jobs/{job_id}/end.json", to_json(end))
        self._room.remove(job_id)
        if is_ours:
            self.observer.job_ended(job_id, end.state)
        self.clear(job_id)
        return is_ours

    def _is_whole(self, job_id: str) -> bool:
        """Whether all that a job needs is there, or it has ended already."""
        try:
            needed = (f"jobs/{job_id}/source", open_key(self.job(job_id)))
        except JobUnknown:
            return False
        return all(map(self.store.has, needed)) or self.has_ended(job_id)

    def _read(self, kind: type[Kept], name: str, job_id: str) -> Kept:
        """Read a record.

        Raises:
            NotStored: there is none.
            JobUnknown: it is none of this kind.
        """
        data = self.store.get(f"jobs/{job_id}/{name}")
        try:
            return from_json(kind, data)
        except ValueError as exc:  # of another version, or damaged
            log.error("what is stored of a job can't be read", extra={"job": job_id, "record": name})
            raise JobUnknown(f"what is stored of the job {job_id!r} can't be read: send the image again") from exc


def _given_up() -> StoreUnavailable:
    return StoreUnavailable("the job was given up meanwhile, as it could not be handed over: send it again")


def _folder(owner: str) -> str:
    """An owner's name as a part of a key."""
    return hashlib.sha256(owner.encode()).hexdigest()[:32]
