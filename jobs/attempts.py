"""Attempts at the steps of jobs: how often one is run again, and when its job has failed."""

import contextlib
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from jobs.ledger import Ledger
from jobs.observing import observe_giving_up, observed
from jobs.records import Job
from jobs.store import NotStored
from superscaling import tracing
from superscaling.errors import (
    BlockFailed,
    ClientGone,
    DecoderUnavailable,
    EngineFailed,
    ServiceError,
    StoreUnavailable,
    Unavailable,
)
from superscaling.scheduling import Deadline, Timings

log = logging.getLogger("jobs")

# How often a step may end its worker before the job has failed.
MAX_TRIES = 3
# So often, and for so many seconds, the engine or the decoder may fail in a step before its job has failed. They may be
# out of order for a while; but they may also fail on this picture each time, as when there is too little memory for it.
MAX_FAILURES, FAILURE_SECONDS = 10, 600.0


@dataclass(frozen=True)
class Step:
    """A step of a job that is being run, its name in the ledger, and where its time goes."""

    job: Job
    name: str
    timings: Timings = field(default_factory=Timings)

    @property
    def fields(self) -> dict[str, object]:
        """What every line of the log says about it."""
        fields: dict[str, object] = {"request_id": self.job.request_id, "job": self.job.id, "step": self.name}
        return fields | ({"trace_id": trace_id} if (trace_id := tracing.trace_id_of(self.job.trace)) else {})


class Attempts:
    """Runs steps, one at a time, and counts in the ledger how often each was begun and not finished. Not thread-safe.

    Args:
        ledger: knows the jobs.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._running: tuple[str, str, int] | None = None
        self._unfinished: tuple[str, str, int] | None = None

    @contextlib.contextmanager
    def step(self, job: Job, name: str, deadline: Deadline) -> Iterator[Step | None]:
        """Run a step of a job: count its tries, log it, and end the job for what will not get better.

        The step is None if that has happened. What is raised inside is raised again if the step has to be run again.
        """
        self._finish_last()
        step = Step(job, name)
        tries = self._ledger.work.begin(job.id, name)
        if tries > MAX_TRIES:
            self._give_up_job(step, f"ended its worker {MAX_TRIES} times")
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
            self._give_up_job(step, f"failed {failures} times in {seconds / 60:.0f} min: {exc.detail}")
        except ServiceError as exc:
            outcome = exc.code
            self._ledger.fail(job.id, exc)
        except Exception:
            outcome = ServiceError.code
            log.exception("a step of a job failed", extra=step.fields)
            if tries < MAX_TRIES:
                raise
            self._ledger.fail(job.id, ServiceError("the service failed on this image; its log has the details"))
        else:
            self._unfinished = self._running
            self._finish_last()
        finally:
            self._running = None
            log.info("step", extra=step.fields | {"outcome": outcome, "try": tries} | _milliseconds(step, start))

    def give_up(self) -> None:
        """The process ends in good order, in the middle of a step: that is no failure of the step. Of any thread."""
        if (running := self._running) is not None:
            with contextlib.suppress(StoreUnavailable):
                self._ledger.work.finish(*running)

    def _finish_last(self) -> None:
        """Note that the last step was finished, or given up in good order, unless the store took that note."""
        if self._unfinished is not None:
            self._ledger.work.finish(*self._unfinished)
            self._unfinished = None

    def _give_up_job(self, step: Step, reason: str) -> None:
        """A step was run often enough: end its job."""
        observe_giving_up(self._ledger.observer, step.name)
        self._ledger.fail(
            step.job.id,
            BlockFailed(
                f"a part of the image ({step.name}) {reason}: send another image, or tell whoever operates the service"
            ),
        )
        log.error("a job is given up, as a step of it %s", reason, extra=step.fields)


def _milliseconds(step: Step, start: float) -> dict[str, object]:
    """How long a step took, and where that time went."""
    seconds = {"milliseconds": time.perf_counter() - start}
    seconds |= {f"{span}_milliseconds": each for span, each in step.timings.seconds.items()}
    return {name: round(each * 1000, 1) for name, each in seconds.items()}
