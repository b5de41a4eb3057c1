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
    jobs/<id>/picture         what that was made of, of a result of a request: see `keeping.py`
    jobs/<id>/expired         all but the records is deleted
    jobs/<id>/webhook/<n>     when attempt n to report its end was begun, in seconds since 1970
    jobs/<id>/webhook/over    its end is reported, or that was given up
    open/<id>-<size>          jobs without an end; `Job.size`
    ended/<ms>-<id>           jobs with one, and when it was, in ms since 1970
    expired/<ms>-<id>         those of them that have expired; when they ended
    groups/<owner>/<group>/<id>
    keys/<digest>             Idempotency-Keys
    kept/<ms>-<id>-<bytes>    results of requests: see `keeping.py`
    webhooks/<ms>-<id>-<n>    when an end has to be reported, for the n-th time
    lease/<number>            which process does jobs, unless workers do: see `Lease`
    store-id                  tells this store from others; created once
    probe                     a worker has tried whether it may write

A process may be killed between any two writes. So a name in an index is written before what it leads to, and deleted
after it (of groups and keys, `job.json` is the trace): the indices may say too much, and `Housekeeping` mends that, but
nothing is lost or left for good. What is written of a job while another process forgets it has no `job.json` beside it,
and goes with the next `deletion.sweep`. What only one of several processes may decide is created exclusively:
`accepted` (taken, or withdrawn), `plan.json`, `end.json`.
"""

import contextlib
import functools
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from jobs.claims import Claims, is_accepted
from jobs.identity import StoreIdentity
from jobs.ids import is_id, unknown
from jobs.indices import DueWebhook, open_jobs, open_key, timed_key
from jobs.observer import NO_OBSERVER, JobObserver
from jobs.records import End, Failure, Job, Plan, Result, from_json, to_json
from jobs.room import Room
from jobs.store import NotStored, Store
from jobs.work import WORKING_PARTS, JobWork
from message_protocol import JobState
from superscaling.errors import JobUnknown, ServiceError, StoreUnavailable

log = logging.getLogger("jobs")

Kept = TypeVar("Kept", Job, Plan, End)
# Orders, plans and ends that are kept in memory.
MAX_RECORDS = 256


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
    """Reads and writes orders, plans and ends. Thread-safe. All methods raise `StoreUnavailable`.

    Jobs are written down by `acceptance.add`, listed by `indices.py`, and deleted by `deletion.py`.

    Args:
        store: where that is.
        queue_pixels: the most that all jobs that have not ended may have together, as `Job.size` counts them.

    `observer` is told of what happens, and may be replaced. `work` keeps what is needed until a job's end, `claims` the
    Idempotency-Keys; `room` says whether one more job may be taken, `identity` which store this is.
    """

    def __init__(self, store: Store, queue_pixels: int) -> None:
        self.store = store
        self.queue_pixels = queue_pixels
        self.observer: JobObserver = NO_OBSERVER
        self.identity = StoreIdentity(store)
        self.claims = Claims(store)
        self.room = Room(queue_pixels, functools.partial(open_jobs, store), self.plan)
        self.work = JobWork(store)
        self._kept_job = functools.lru_cache(MAX_RECORDS)(functools.partial(self._read, Job, "job.json"))
        self._kept_plan = functools.lru_cache(MAX_RECORDS)(functools.partial(self._read, Plan, "plan.json"))
        self._kept_end = functools.lru_cache(MAX_RECORDS)(functools.partial(self._read, End, "end.json"))

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
        self.room.remove(job_id)
        return end

    def has_ended(self, job_id: str) -> bool:
        """Whether it has."""
        return self.store.has(f"jobs/{job_id}/end.json")

    def is_accepted(self, job_id: str) -> bool:
        """Whether `accept` was called."""
        return is_accepted(self.store, job_id)

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
                finished = self.work.finished(job_id)
                done = sum(block.tiles for number, block in enumerate(plan.blocks) if number in finished)
        if end is not None and end.state is JobState.DONE:
            done = total
        state = end.state if end else JobState.QUEUED if plan is None else JobState.RUNNING
        is_expired = end is not None and self.store.has(f"jobs/{job_id}/expired")
        return Status(job, state, done, total, finished, plan, end, is_expired)

    # Planning

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

        In a store that is full, what was made of the job gives way to the note that it has ended.

        Raises:
            JobUnknown: there is no such job any more.
            StoreUnavailable: it may have lost its plan and blocks, so the engine has to be given it again.
        """
        end = End(JobState.CANCELLED, time.time())
        try:
            return self._end(job_id, end)
        except StoreUnavailable:
            if self.has_ended(job_id):
                raise
            self.unplan(job_id)  # it can be made again, if the store takes no note even so
            return self._end(job_id, end)

    def clear(self, job_id: str) -> None:
        """Bring the indices up to date for a job that has ended, and delete what is needed no more.

        May be called again. Does nothing for a job that has not ended.
        """
        end = self.end(job_id)
        if end is None:
            return
        job = self.job(job_id)
        for part in WORKING_PARTS:  # first, as a full store has no room for what follows
            self.store.delete(f"jobs/{job_id}/{part}")
        if job.webhook is not None and not self.store.has(f"jobs/{job_id}/webhook/1"):  # later attempts follow from it
            self.store.put(DueWebhook(job_id, end.ended, 1).key, b"")
        if not self.store.has(f"jobs/{job_id}/expired"):
            self.store.put(timed_key("ended", job_id, end.ended), b"")
        if end.state is not JobState.DONE:
            self.store.delete(f"jobs/{job_id}/result")  # of a job that was cancelled at the last moment
        self.store.delete(open_key(job))

    def _end(self, job_id: str, end: End) -> bool:
        self.job(job_id)
        is_ours = self.store.create(f"jobs/{job_id}/end.json", to_json(end))
        self.room.remove(job_id)
        if is_ours:
            self.observer.job_ended(job_id, end.state)
        self.clear(job_id)
        return is_ours

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
