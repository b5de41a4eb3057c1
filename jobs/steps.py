"""The steps of a job: plan, blocks, join. Each may be run again, at any time and anywhere, and does no harm.

Whoever runs them decides where and when: `EmbeddedEngine` one after the other, Celery's workers in any order.
"""

import contextlib
import hashlib
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from jobs.blocks import cut_into_blocks
from jobs.gigantic import GiganticSteps
from jobs.ledger import MAX_TRIES, Ledger
from jobs.observing import observe_giving_up, observed
from jobs.queues import queue_of
from jobs.records import Job, Plan, Result
from jobs.store import NotStored
from superscaling import tracing
from superscaling.enlarging import FileUpscaler, PictureInParts
from superscaling.errors import (
    BlockFailed,
    ClientGone,
    DecoderUnavailable,
    EngineFailed,
    QueueFull,
    ServiceError,
    StoreUnavailable,
    Unavailable,
    UnknownModel,
)
from superscaling.geometry import Cost
from superscaling.scheduling import NO_LISTENER, Admission, Deadline, Demand, ProgressListener, Timings

log = logging.getLogger("jobs")

# So often, and for so many seconds, the engine or the decoder may fail in a step before its job has failed. They may be
# out of order for a while; but they may also fail on this picture each time, as when there is too little memory for it.
MAX_FAILURES, FAILURE_SECONDS = 10, 600.0
# Seconds between two tries to get the memory that a join takes.
ADMISSION_PAUSE = 0.5


@dataclass(frozen=True)
class Step:
    """A step that is being run, and where its time goes."""

    job: Job
    timings: Timings = field(default_factory=Timings)


class Steps:
    """Runs the steps of jobs, one at a time. Not thread-safe: it keeps the picture that was decoded last.

    That picture takes one to four bytes per px (two to eight with 16 bits), beside which a block takes its own pixels,
    at most `blocks.MAX_BLOCK_BYTES`. A join takes as much memory as a request for the same picture, and so waits until
    it is admitted beside the requests of this process.

    Raises of all steps:
        StoreUnavailable: the store is; the step has to be run again, however often.
        ServiceStopping: from the deadline; the same.
        EngineFailed, DecoderUnavailable: the same, but after `MAX_FAILURES` in `FAILURE_SECONDS` the job has failed. A
            block or join of a plan for another model raises the first at once, and is not counted: only `plan` helps.
        ClientGone: from the deadline: the job was cancelled meanwhile.
        JobUnknown: there is no such job.
        Exception: a defect, which ends the job as failed when it has come up `MAX_TRIES` times.
    What is wrong with a picture ends its job as failed; then, and for a job that has ended, steps return None.

    Args:
        ledger: knows the jobs.
        files: enlarges files, with the models of this process.
        block_seconds: how long a block shall take, by the measured speed of the network.
        admission: of this process.
        gigantic: the steps of gigantic pictures; None: these are refused as by a request.
    """

    def __init__(
        self,
        ledger: Ledger,
        files: FileUpscaler,
        block_seconds: float,
        admission: Admission,
        gigantic: GiganticSteps | None = None,
    ) -> None:
        self._ledger = ledger
        self._files = files
        self._block_seconds = block_seconds
        self._admission = admission
        self._gigantic = gigantic
        self._decoded: tuple[str, PictureInParts] | None = None
        self._running: tuple[str, str, int] | None = None
        self._unfinished: tuple[str, str, int] | None = None

    def plan(self, job_id: str, window: int, deadline: Deadline) -> Plan | None:
        """Decide how a job is done, unless that is decided.

        A plan for another model, precision or weights is replaced, and the blocks that were made by it are deleted: a
        picture is made by one model.

        Args:
            job_id: of the job.
            window: how many blocks may be in the queue at a time.
            deadline: ends this early.
        """
        if self._ledger.has_ended(job_id):
            return None
        job, former = self._ledger.known_job(job_id), self._ledger.plan(job_id)
        if former is not None and self._is_ours(job, former):
            return former
        with self._step(job, "plan", deadline) as step:
            if step is None:
                return None
            queue = queue_of(self._files.models, job.options)
            if former is not None:
                log.warning(
                    "a job is planned anew, as its model is another one than before",
                    extra=_fields(step, "plan") | {"before": former.queue, "now": queue},
                )
                self._ledger.unplan(job_id)
            if gigantic := self._gigantic_of(step):
                plan = gigantic.plan(job, window, deadline)
            else:
                plan = self._plan(self._decode(step, deadline), window)
            return self._ledger.write_plan(job_id, replace(plan, queue=queue))
        return None

    def block(
        self, job_id: str, number: int, deadline: Deadline, listener: ProgressListener = NO_LISTENER
    ) -> Plan | None:
        """Make a block, unless it is finished. Returns the plan.

        Args:
            job_id: of a job that is planned.
            number: of the block.
            deadline: checked before each tile, and before the block is written.
            listener: told of each tile.
        """
        found = self._find(job_id)
        if found is None:
            return None
        job, plan = found
        if self._ledger.work.has_block(job_id, number):
            return plan
        with self._step(job, f"block-{number}", deadline) as step:
            if step is None:
                return None
            if gigantic := self._gigantic_of(step):
                data = gigantic.block(job, plan, number, deadline, listener)
            else:
                block = plan.blocks[number]
                parts = self._decode(step, deadline, plan)
                step.timings.tiles = block.tiles
                data = parts.make(block.first, block.stop, deadline, step.timings, listener)
                tracing.current().set({"upscaler.tiles": block.tiles})
            deadline.check(step.timings)  # whoever has lost the lease may be late, and the job planned anew
            return plan if self._ledger.work.write_block(job_id, number, data) else None
        return None

    def join(self, job_id: str, deadline: Deadline) -> None:
        """Put the result together, and end the job. All blocks are finished."""
        found = self._find(job_id)
        if found is None:
            return
        job, plan = found
        with self._step(job, "join", deadline) as step:
            if step is None:
                return
            if gigantic := self._gigantic_of(step):
                gigantic.join(job, plan, deadline)
                return
            parts = self._decode(step, deadline, plan)
            with self._admitted(parts.file.demand, deadline, step.timings):
                picture = parts.join(self._ledger.work.blocks(job_id, plan))
                file = parts.file.file
                del parts
                self.release()  # encoding takes the most memory
                deadline.check(step.timings)
                encoded = self._files.encode(file, picture, step.timings)
                del picture
                sha256 = hashlib.sha256(encoded.data).hexdigest()
                notes = job.notes + encoded.notes
                result = Result(encoded.format, encoded.width, encoded.height, len(encoded.data), sha256, notes)
                self._ledger.finish_job(job_id, encoded.data, result)

    def release(self) -> None:
        """Free the memory of the picture that was decoded last. Of any thread."""
        self._decoded = None

    def give_up(self) -> None:
        """The process ends in good order, in the middle of a step: that is no failure of the step. Of any thread."""
        if (running := self._running) is not None:
            with contextlib.suppress(StoreUnavailable):
                self._ledger.work.finish(*running)

    def _find(self, job_id: str) -> tuple[Job, Plan] | None:
        """A job and its plan; None: it has ended, or is not planned.

        Raises:
            EngineFailed: it is planned for another model.
        """
        if self._ledger.has_ended(job_id):
            return None
        plan = self._ledger.plan(job_id)
        if plan is None:
            return None
        job = self._ledger.known_job(job_id)
        if not self._is_ours(job, plan):
            raise EngineFailed("the job is planned for another model than this process has")
        return job, plan

    def _is_ours(self, job: Job, plan: Plan) -> bool:
        """Whether a plan is for the model that this process takes for the job."""
        try:
            return plan.queue == queue_of(self._files.models, job.options)
        except UnknownModel:
            return False

    def _gigantic_of(self, step: Step) -> GiganticSteps | None:
        """What does a step of a gigantic picture; None: it is an ordinary one."""
        return self._gigantic if step.job.is_gigantic else None

    @contextlib.contextmanager
    def _step(self, job: Job, name: str, deadline: Deadline) -> Iterator[Step | None]:
        """Run a step of a job: count its tries, log it, and end the job for what will not get better.

        The step is None if that has happened. What is raised inside is raised again if the step has to be run again.
        """
        self._finish_last()
        step = Step(job)
        tries = self._ledger.work.begin(job.id, name)
        if tries > MAX_TRIES:
            self._give_up_job(step, name, f"ended its worker {MAX_TRIES} times")
            yield None
            return
        self._running = job.id, name, tries
        start = time.perf_counter()
        outcome = "done"
        try:
            with observed(self._ledger.observer, job, name, tries, step.timings):
                deadline.check(step.timings)
                yield step
        except NotStored:
            outcome = "cancelled"
            if not self._ledger.has_ended(job.id):  # otherwise what was needed is deleted
                raise
        except (Unavailable, ClientGone) as exc:
            outcome = exc.code
            self._unfinished = self._running
            self._finish_last()
            if not isinstance(exc, EngineFailed | DecoderUnavailable):
                raise
            failures, seconds = self._ledger.work.note_failure(job.id, name)
            if failures < MAX_FAILURES or seconds < FAILURE_SECONDS:
                raise
            self._give_up_job(step, name, f"failed {failures} times in {seconds / 60:.0f} min: {exc.detail}")
        except ServiceError as exc:
            outcome = exc.code
            self._ledger.fail(job.id, exc)
        except Exception:
            outcome = ServiceError.code
            log.exception("a step of a job failed", extra=_fields(step, name))
            if tries < MAX_TRIES:
                raise
            self._ledger.fail(job.id, ServiceError("the service failed on this image; its log has the details"))
        else:
            self._unfinished = self._running
            self._finish_last()
        finally:
            self._running = None
            log.info(
                "step", extra=_fields(step, name) | {"outcome": outcome, "try": tries} | _milliseconds(step, start)
            )

    def _finish_last(self) -> None:
        """Note that the last step was finished, or given up in good order, unless the store took that note."""
        if self._unfinished is not None:
            self._ledger.work.finish(*self._unfinished)
            self._unfinished = None

    def _give_up_job(self, step: Step, name: str, reason: str) -> None:
        """A step was run often enough: end its job."""
        observe_giving_up(self._ledger.observer, name)
        self._ledger.fail(
            step.job.id,
            BlockFailed(
                f"a part of the image ({name}) {reason}: send another image, or tell whoever operates the service"
            ),
        )
        log.error("a job is given up, as a step of it %s", reason, extra=_fields(step, name))

    def _decode(self, step: Step, deadline: Deadline, plan: Plan | None = None) -> PictureInParts:
        """The parts of a job's picture, which are those that were planned.

        Raises:
            BlockFailed: they are not, as the service was changed meanwhile.
        """
        job = step.job
        decoded = self._decoded
        if decoded is None or decoded[0] != job.id:
            decoded = None
            self.release()
            file = self._files.inspect(self._ledger.work.source(job.id), job.options, deadline, step.timings)
            self._decoded = decoded = job.id, PictureInParts(self._files.decode(file, step.timings))
        _, parts = decoded
        if plan is not None and plan.picture != parts.fingerprint:
            raise BlockFailed(
                "the image is read differently than when the work on it began, as the service was changed: send it"
                " again"
            )
        return parts

    @contextlib.contextmanager
    def _admitted(self, demand: Demand, deadline: Deadline, timings: Timings) -> Iterator[None]:
        """Wait until there is memory for a picture with its result, beside the requests in progress."""
        memory = replace(demand, cost=Cost())
        with contextlib.ExitStack() as stack:
            with timings.span("queue"):
                while True:
                    try:
                        stack.enter_context(self._admission.admitted(memory, deadline, timings))
                        break
                    except QueueFull:
                        deadline.check(timings)
                        time.sleep(ADMISSION_PAUSE)
            yield

    def _plan(self, parts: PictureInParts, window: int) -> Plan:
        seconds = [parts.file.file.model.seconds_for(size.cost.area) for size in parts.sizes]
        blocks = tuple(cut_into_blocks(parts.sizes, seconds, self._block_seconds))
        return Plan(time.time(), blocks, window, sum(seconds), parts.fingerprint)


def _fields(step: Step, name: str) -> dict[str, object]:
    """What every line of the log says about a step."""
    fields: dict[str, object] = {"request_id": step.job.request_id, "job": step.job.id, "step": name}
    return fields | ({"trace_id": trace_id} if (trace_id := tracing.trace_id_of(step.job.trace)) else {})


def _milliseconds(step: Step, start: float) -> dict[str, object]:
    """How long a step took, and where that time went."""
    seconds = {"milliseconds": time.perf_counter() - start}
    seconds |= {f"{span}_milliseconds": each for span, each in step.timings.seconds.items()}
    return {name: round(each * 1000, 1) for name, each in seconds.items()}
