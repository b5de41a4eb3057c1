"""The steps of a job: plan, blocks, join. Each may be run again, at any time and anywhere, and does no harm.

Whoever runs them decides where and when: `EmbeddedEngine` one after the other, Celery's workers in any order.
"""

import contextlib
import hashlib
import time
from collections.abc import Iterator

from jobs.gigantic import GiganticSteps
from jobs.ledger import MAX_TRIES, Ledger
from jobs.records import Block, Job, Plan, Result
from jobs.store import NotStored
from superscaling.enlarging import DecodedFile, FileUpscaler, PartSize, join_blocks, make_block, part_sizes
from superscaling.errors import BlockFailed, ClientGone, ServiceError, Unavailable
from superscaling.scheduling import NO_LISTENER, Deadline, ProgressListener, Timings

# The most bytes of pixels in a block, which are in memory at once.
MAX_BLOCK_BYTES = 1 << 27


class Steps:
    """Runs the steps of jobs, one at a time. Not thread-safe: it keeps the picture that was decoded last.

    Raises of all steps:
        StoreUnavailable: the store is; the step has to be run again.
        EngineFailed, DecoderUnavailable, ServiceStopping: nothing is wrong with the picture; the same.
        ClientGone: from the deadline: the job was cancelled meanwhile.
    What is wrong with a picture ends its job as failed; then, and for a job that has ended, steps return None.

    Args:
        ledger: knows the jobs.
        files: enlarges files.
        block_seconds: how long a block shall take.
        gigantic: the steps of gigantic pictures.
    """

    def __init__(self, ledger: Ledger, files: FileUpscaler, block_seconds: float, gigantic: GiganticSteps) -> None:
        self._ledger = ledger
        self._files = files
        self._block_seconds = block_seconds
        self._gigantic = gigantic
        self._decoded: tuple[str, DecodedFile] | None = None

    def plan(self, job_id: str, window: int, deadline: Deadline) -> Plan | None:
        """Decide how a job is done, unless that is decided.

        Args:
            job_id: of the job.
            window: how many blocks may be in the queue at a time.
            deadline: ends this early.
        """
        with self._step(job_id, "plan") as job:
            if job is None:
                return None
            if plan := self._ledger.plan(job_id):
                return plan
            if job.is_gigantic:
                return self._ledger.write_plan(job_id, self._gigantic.plan(job, window, deadline))
            file = self._decode(job, deadline)
            return self._ledger.write_plan(job_id, self._plan(file, window))
        return None

    def block(
        self, job_id: str, number: int, deadline: Deadline, listener: ProgressListener = NO_LISTENER
    ) -> Plan | None:
        """Make a block, unless it is finished. Returns the plan.

        Args:
            job_id: of a job that is planned.
            number: of the block.
            deadline: checked before each tile.
            listener: told of each tile.
        """
        plan = self._ledger.plan(job_id)
        if plan is None:
            return None
        if self._ledger.has_block(job_id, number) and not self._ledger.has_ended(job_id):
            return plan
        with self._step(job_id, f"block-{number}") as job:
            if job is None:
                return None
            if job.is_gigantic:
                data = self._gigantic.block(job, plan, number, deadline, listener)
                self._ledger.write_block(job_id, number, data)
                return plan
            block = plan.blocks[number]
            file = self._decode(job, deadline)
            timings = Timings(tiles=block.tiles)
            data = make_block(file, block.first, block.stop, deadline, timings, listener)
            self._ledger.write_block(job_id, number, data)
            return plan
        return None

    def join(self, job_id: str, deadline: Deadline) -> None:
        """Put the result together, and end the job. All blocks are finished."""
        with self._step(job_id, "join") as job:
            plan = self._ledger.plan(job_id)
            if job is None or plan is None:
                return
            if job.is_gigantic:
                self._gigantic.join(job, plan, deadline)
                return
            file = self._decode(job, deadline)
            picture = join_blocks(file, self._ledger.blocks(job_id, plan))
            self._decoded = None  # encoding takes the most memory
            inspected = file.file
            del file
            encoded = self._files.encode(inspected, picture, Timings())
            sha256 = hashlib.sha256(encoded.data).hexdigest()
            result = Result(
                encoded.format, encoded.width, encoded.height, len(encoded.data), sha256, job.notes + encoded.notes
            )
            self._ledger.finish_job(job_id, encoded.data, result)

    @contextlib.contextmanager
    def _step(self, job_id: str, step: str) -> Iterator[Job | None]:
        """Run a step; the job is None if it has ended. What is wrong with the picture ends the job."""
        if self._ledger.has_ended(job_id):
            yield None
            return
        job = self._ledger.job(job_id)
        if self._ledger.begin(job_id, step) > MAX_TRIES:
            self._ledger.fail(
                job_id,
                BlockFailed(
                    f"a part of the image ended its worker {MAX_TRIES} times ({step}): send another image, or tell"
                    " whoever operates the service"
                ),
            )
            yield None
            return
        try:
            yield job
        except NotStored:
            if not self._ledger.has_ended(job_id):  # otherwise what was needed is deleted
                raise
        except (Unavailable, ClientGone):
            self._ledger.finish(job_id, step)
            raise
        except ServiceError as exc:
            self._ledger.fail(job_id, exc)
        else:
            self._ledger.finish(job_id, step)

    def _decode(self, job: Job, deadline: Deadline) -> DecodedFile:
        if self._decoded is None or self._decoded[0] != job.id:
            self._decoded = None
            timings = Timings()
            file = self._files.inspect(self._ledger.source(job.id), job.options, deadline, timings)
            self._decoded = job.id, self._files.decode(file, timings)
        return self._decoded[1]

    def _plan(self, file: DecodedFile, window: int) -> Plan:
        sizes = part_sizes(file)
        seconds = [file.file.model.seconds_for(size.cost.area) for size in sizes]
        return Plan(time.time(), tuple(_blocks(sizes, seconds, self._block_seconds)), window, sum(seconds))


def _blocks(sizes: list[PartSize], seconds: list[float], most_seconds: float) -> Iterator[Block]:
    """Cut parts into blocks, each as long as possible but not longer than so many seconds; or of one part."""
    first = 0
    time_taken = taken = tiles = 0.0
    for number, (size, duration) in enumerate(zip(sizes, seconds, strict=True)):
        if number > first and (time_taken + duration > most_seconds or taken + size.bytes > MAX_BLOCK_BYTES):
            yield Block(first, number, int(tiles))
            first, time_taken, taken, tiles = number, 0.0, 0.0, 0.0
        time_taken += duration
        taken += size.bytes
        tiles += size.cost.tiles
    yield Block(first, len(sizes), int(tiles))
