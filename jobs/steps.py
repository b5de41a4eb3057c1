"""The steps of a job: plan, blocks, join. Each may be run again, at any time and anywhere, and does no harm.

Whoever runs them decides where and when: `EmbeddedEngine` one after the other, Celery's workers in any order.
"""

import contextlib
import hashlib
import logging
import time
from collections.abc import Iterator
from dataclasses import replace

from jobs.attempts import Attempts, Step
from jobs.blocks import cut_into_blocks
from jobs.gigantic import GiganticSteps
from jobs.ledger import Ledger
from jobs.queues import queue_of
from jobs.records import Job, Plan, Result
from superscaling import tracing
from superscaling.enlarging import FileUpscaler, PictureInParts
from superscaling.errors import (
    BlockFailed,
    EngineFailed,
    QueueFull,
    UnknownModel,
)
from superscaling.geometry import Cost
from superscaling.isolation import Handover
from superscaling.scheduling import NO_LISTENER, Admission, Deadline, Demand, ProgressListener, Timings

log = logging.getLogger("jobs")

# Seconds between two tries to get the memory that a join takes.
ADMISSION_PAUSE = 0.5


class Steps:
    """Runs the steps of jobs, one at a time. Not thread-safe: it keeps the picture that was decoded last.

    That picture takes one to four bytes per px (two to eight with 16 bits), beside which a block takes its own pixels,
    at most `blocks.MAX_BLOCK_BYTES`. A join takes as much memory as a request for the same picture, and so waits until
    it is admitted beside the requests of this process.

    Raises of all steps:
        StoreUnavailable: the store is; the step has to be run again, however often.
        ServiceStopping: from the deadline; the same.
        EngineFailed, DecoderUnavailable: the same, but after `MAX_FAILURES` in `FAILURE_SECONDS` the job has failed:
            see `Attempts`. A block or join of a plan for another model raises the first at once, and is not counted:
            only `plan` helps.
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
        self.attempts = Attempts(ledger)

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
        with self.attempts.step(job, "plan", deadline) as step:
            if step is None:
                return None
            queue = queue_of(self._files.models, job.options)
            if former is not None:
                log.warning(
                    "a job is planned anew, as its model is another one than before",
                    extra=step.fields | {"before": former.queue, "now": queue},
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
        with self.attempts.step(job, f"block-{number}", deadline) as step:
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
        with self.attempts.step(job, "join", deadline) as step:
            if step is None:
                return
            if gigantic := self._gigantic_of(step):
                gigantic.join(job, plan, deadline)
                return
            parts = self._decode(step, deadline, plan)
            with self._admitted(parts.file.demand, deadline, step.timings):
                picture = Handover(parts.join(self._ledger.work.blocks(job_id, plan)))
                file = parts.file.file
                del parts
                self.release()  # encoding takes the most memory
                deadline.check(step.timings)
                encoded = self._files.encode(file, picture, deadline, step.timings)
                sha256 = hashlib.sha256(encoded.data).hexdigest()
                notes = job.notes + encoded.notes
                result = Result(encoded.format, encoded.width, encoded.height, len(encoded.data), sha256, notes)
                self._ledger.finish_job(job_id, encoded.data, result)

    def release(self) -> None:
        """Free the memory of the picture that was decoded last. Of any thread."""
        self._decoded = None

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
        seconds = [parts.file.file.model.seconds_for(size.cost) for size in parts.sizes]
        blocks = tuple(cut_into_blocks(parts.sizes, seconds, self._block_seconds))
        return Plan(time.time(), blocks, window, sum(seconds), parts.fingerprint)
