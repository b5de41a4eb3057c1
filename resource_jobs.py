"""`POST /jobs` and what follows, but for results."""

import contextlib
import hashlib
import math
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from jobs.assembly import Jobs
from jobs.deletion import expire
from jobs.ids import is_id, unknown
from jobs.indices import group_jobs
from jobs.keeping import give_room_back, kept_bytes
from jobs.ledger import Ledger, Status
from jobs.orders import order_of
from jobs.records import Job
from jobs.taking import JobTaking
from jobs.webhooks import check_webhook
from message_protocol import JobInput, JobOutput, JobsInput, JobsOutput, JobState, OnError, Problem, UpscaleInput
from outbound.hosts import HostList
from superscaling import tracing
from superscaling.enlarging import FileUpscaler, LoadedModels
from superscaling.errors import ImageTooLarge, JobsOff, JobUnknown, MalformedMessage, ServiceError, StoreUnavailable
from superscaling.scheduling import NO_BUDGET, Budget, Deadline, Timings

# Seconds between two questions about a job: a quarter of what it still takes, within these.
# The first also while nobody knows yet: a small job in an empty queue is done by then.
MIN_POLL, MAX_POLL = 1, 30
# Threads that read lists of jobs, of all requests together.
READERS = 16

Found = TypeVar("Found")


@dataclass(frozen=True)
class Asker:
    """Who asks for a job. `owner`: of the job, empty if the service knows none; `key`: the Idempotency-Key, if any."""

    owner: str
    request_id: str
    key: str | None = None


class ResourceJobs:
    """Takes jobs, tells where they are, and ends them.

    Args:
        jobs: where they are kept, and what does them; None: no jobs are taken.
        models: enlarge pictures.
        files: inspects image files.
        webhook_hosts: that jobs may report to.
        describe: makes the problem of a failed job for its client, with the id of the request that sent the job.
    """

    def __init__(
        self,
        jobs: Jobs | None,
        models: LoadedModels,
        files: FileUpscaler,
        webhook_hosts: HostList,
        describe: Callable[[ServiceError, str], Problem],
    ) -> None:
        self._jobs = jobs
        self._taking = JobTaking(jobs.ledger, jobs.engine) if jobs else None
        self._models = models
        self._files = files
        self._webhook_hosts = webhook_hosts
        self._describe = describe
        self._readers = ThreadPoolExecutor(READERS, "jobs")

    @property
    def is_on(self) -> bool:
        """Whether jobs are taken."""
        return self._jobs is not None

    @property
    def scratch(self) -> Path:
        """Where the image files of jobs may lie until they are taken.

        Raises:
            JobsOff: no jobs are taken.
        """
        return self.ledger.store.scratch

    def submit(
        self,
        message: UpscaleInput,
        asker: Asker,
        deadline: Deadline,
        timings: Timings,
        path: Path | None = None,
        is_whole: bool = True,
        sha256: str | None = None,
        budget: Budget = NO_BUDGET,
    ) -> JobOutput:
        """Take a job, or answer with that of the same request.

        Args:
            message: asks for it; its `format` is decided.
            asker: who asks.
            deadline, timings: of the request.
            path: of the image file, if that is in the scratch directory.
            is_whole: whether the message has the image file, and not only its first bytes.
            sha256: of the image file, or of its address, if it is known.
            budget: of the asker; charged with a job that is new.

        Raises:
            JobsOff: no jobs are taken.
            MalformedMessage: `tiles` or `onError` is set.
            ServiceError: as `FileUpscaler.inspect`, and `Budget.take`.
            WebhookNotAllowed: the operator does not allow its host.
            IdempotencyMismatch, JobsQueueFull, StoreUnavailable, BrokerUnavailable: as `JobTaking.take`.
        """
        if self._taking is None:
            raise _off()
        if message.tiles:
            raise MalformedMessage("'tiles' is for streams of /upscale; a job shows none")
        if message.on_error is OnError.ORIGINAL:
            raise MalformedMessage("'onError' is for answers of /upscale; a job that fails says why")
        group, webhook = (message.group, message.webhook) if isinstance(message, JobInput) else (None, None)
        if webhook is not None:
            check_webhook(webhook, self._webhook_hosts)
        order = replace(
            self._inspected(message, path, is_whole, deadline, timings),
            owner=asker.owner,
            group=group,
            webhook=webhook,
            request_id=asker.request_id,
            trace=tracing.current().traceparent,
        )
        sha256 = sha256 or message.sha256
        asked = hashlib.sha256("\n".join(map(repr, (sha256, message.asked, group, webhook))).encode()).hexdigest()
        repeats = self._repeats(asker)
        with (NO_BUDGET if repeats else budget).charged(order.pixels):
            job_id, is_new = self._taking.take(order, path or message.image, asker.key, asked)
        if is_new and repeats:  # the first job has just been forgotten
            with contextlib.suppress(ServiceError):
                budget.take(order.pixels)
        if is_new:  # nothing may fail any more, and no store need be asked
            return JobOutput(id=job_id, status=JobState.QUEUED, done=0, total=0, group=group)
        if not repeats:  # the same request at the same time has paid
            budget.give_back(order.pixels)
        return self.output(self.ledger.status(job_id))

    def check_not_full(self, asker: Asker) -> None:
        """Make sure, before an image is sent, that the jobs leave room for any; who repeats a request needs none.

        Raises:
            JobsOff: no jobs are taken.
            JobsQueueFull, StoreUnavailable: as `JobTaking.take`.
        """
        if not self._repeats(asker):
            self.ledger.room.check_not_full()

    def _repeats(self, asker: Asker) -> bool:
        """Whether there is a job with the key that a request has."""
        return asker.key is not None and self.ledger.claims.has_job(asker.owner, asker.key)

    def would_take(self, pixels: int) -> bool:
        """Whether there is room for a job of so many px now."""
        try:
            self.ledger.room.check(pixels)
        except ServiceError:
            return False
        return True

    def status(self, owner: str, job_id: str) -> JobOutput:
        """Answer where a job is.

        Raises:
            JobsOff, JobUnknown: there is no such job for this owner.
        """
        return self.output(owned(self.ledger, owner, job_id))

    def cancel(self, owner: str, job_id: str) -> None:
        """End a job that has not ended; delete the result of one that has. May be repeated.

        Raises:
            JobsOff, JobUnknown: there is no such job for this owner.
        """
        status = owned(self.ledger, owner, job_id)
        if not status.state.is_end and self._cancelled(status.job):
            self._running.engine.cancelled(job_id)
            return
        end = self.ledger.end(job_id)  # it may just have ended
        if end is not None and end.state is JobState.DONE and not status.is_expired:
            was_kept = kept_bytes(self.ledger, job_id) is not None
            expire(self.ledger, job_id)
            if was_kept:
                give_room_back(self.ledger, job_id)

    def group(self, owner: str, message: JobsInput) -> JobsOutput:
        """Answer with jobs of a group, the oldest first.

        Raises:
            JobsOff: no jobs are taken.
            MalformedMessage: the cursor is none.
        """
        if message.cursor and not is_id(message.cursor):
            raise MalformedMessage("cursor must be that of an answer")
        ids = group_jobs(self.ledger.store, owner, message.group, message.cursor, message.limit + 1)
        shown = ids[: message.limit]
        return JobsOutput(jobs=self.outputs(shown), cursor=shown[-1] if len(ids) > len(shown) else None)

    def outputs(self, ids: Sequence[str]) -> tuple[JobOutput, ...]:
        """Where several jobs are; those are left out that are being taken or deleted."""
        return tuple(found for found in self.each(self._listed, ids) if found is not None)

    def each(self, ask: Callable[[str], Found], ids: Sequence[str]) -> Iterator[Found]:
        """What is found of several jobs, in their order: the store may be far away, so it is asked in parallel."""
        return self._readers.map(ask, ids)

    def _listed(self, job_id: str) -> JobOutput | None:
        try:
            # What has ended was taken.
            if self.ledger.end(job_id) is None and not self.ledger.is_accepted(job_id):
                return None
            return self.output(self.ledger.status(job_id))
        except JobUnknown:  # it was deleted meanwhile
            return None

    def output(self, status: Status) -> JobOutput:
        """Where a job is, for its client."""
        job, state = status.job, status.state
        done = status.done
        if state is JobState.RUNNING:
            done = min(status.total, done + self._running.engine.tiles_in_progress(job.id, status.finished))
        failure = status.end.failure if status.end else None
        return JobOutput(
            id=job.id,
            status=state,
            done=done,
            total=status.total,
            seconds_left=seconds_left(status, done, time.time()),
            group=job.group,
            result=f"/jobs/{job.id}/result" if state is JobState.DONE and not status.is_expired else None,
            problem=self._describe(failure.error(), job.request_id) if failure else None,
        )

    @property
    def _running(self) -> Jobs:
        if self._jobs is None:
            raise _off()
        return self._jobs

    @property
    def ledger(self) -> Ledger:
        """What is known of all jobs, whoever owns them.

        Raises:
            JobsOff: no jobs are taken.
        """
        return self._running.ledger

    def _cancelled(self, job: Job) -> bool:
        """Cancel a job. Returns whether that ended it."""
        try:
            return self.ledger.cancel(job.id)
        except StoreUnavailable:
            with contextlib.suppress(ServiceError):
                self._running.engine.submit(job)
            raise

    def _inspected(
        self, message: UpscaleInput, path: Path | None, is_whole: bool, deadline: Deadline, timings: Timings
    ) -> Job:
        """The job for an image file, without what only its request tells."""
        if is_whole:
            try:
                file = self._files.inspect(message.image, message.asked, deadline, timings)
            except ImageTooLarge as exc:
                if exc.setting != "max_pixels":
                    raise
            else:
                return order_of(self._models, message.asked, file.format, file.demand.input_pixels)
        with self._file(message.image, path) as place:
            gigantic = self._running.gigantic.inspect(place, message.asked, deadline, timings)
        order = order_of(self._models, message.asked, gigantic.format, gigantic.pixels)
        return replace(order, is_gigantic=True, notes=gigantic.notes)

    @contextlib.contextmanager
    def _file(self, image: bytes, path: Path | None) -> Iterator[Path]:
        """An image as a file: that at `path`, or one that is deleted at the end."""
        if path is not None:
            yield path
            return
        place = self.scratch / f"inspected-{uuid.uuid4().hex}"
        try:
            place.write_bytes(image)
            yield place
        except OSError as exc:
            raise StoreUnavailable("the image file can't be kept at the moment: send it again later") from exc
        finally:
            with contextlib.suppress(OSError):  # the store is gone
                place.unlink()


def owned(ledger: Ledger, owner: str, job_id: str) -> Status:
    """Where an owner's job is.

    Raises:
        JobUnknown: there is none, or it is somebody else's, which nobody can tell apart.
    """
    status = ledger.status(job_id)
    if status.job.owner != owner:
        raise unknown(job_id)
    return status


def seconds_left(status: Status, done: int, now: float) -> float | None:
    """The estimated seconds until a job ends; None: nobody knows yet, or it has ended.

    Once a block is done, by the time that its tiles took; before, by the estimate of the plan.

    Args:
        status: of the job.
        done: tiles that are done.
        now: seconds since 1970.
    """
    plan = status.plan
    if plan is None or status.state.is_end:
        return None
    left = status.total - done
    if status.finished and done:
        seconds = (now - plan.created) / done * left
    else:
        seconds = plan.seconds / max(1, plan.window - 1) * left / max(1, status.total)
    return round(max(0.0, seconds), 1)


def poll_seconds(output: JobOutput) -> int | None:
    """After how many seconds it is sensible to ask for a job again; None: never, it has ended."""
    if output.status.is_end:
        return None
    if output.seconds_left is None:
        return MIN_POLL
    return min(MAX_POLL, max(MIN_POLL, math.ceil(output.seconds_left / 4)))


def _off() -> JobsOff:
    return JobsOff("the service takes no jobs", setting="jobs_store")
