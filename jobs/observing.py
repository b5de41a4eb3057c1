"""What is learnt of each step of a job: its span in the trace of its request, and what became of it."""

import contextlib
import time
from collections.abc import Iterator

from jobs.observer import BlockOutcome, JobObserver
from jobs.records import Job
from jobs.store import NotStored
from superscaling import tracing
from superscaling.errors import ClientGone, ServiceStopping, StoreUnavailable
from superscaling.scheduling import Timings


@contextlib.contextmanager
def observed(observer: JobObserver, job: Job, step: str, tries: int, timings: Timings) -> Iterator[None]:
    """Observe a step while it runs. A cancelled job, and the end of the process, are no outcome.

    Args:
        observer: is told.
        job: whose step it is.
        step: `plan`, `join`, or `block-<n>`.
        tries: how often it was begun and not finished, this time included.
        timings: of the step, in the end.
    """
    begun = time.monotonic()
    attributes: tracing.Attributes = {
        "upscaler.job": job.id,
        "upscaler.step": step,
        "upscaler.tries": tries,
        "upscaler.request_id": job.request_id,
    }
    try:
        with tracing.span(f"job {step.partition('-')[0]}", job.trace, attributes) as span:
            try:
                yield
            finally:
                span.add_steps(timings.seconds, timings.periods)
    except (ClientGone, ServiceStopping, NotStored):
        raise
    except Exception as exc:
        if isinstance(exc, StoreUnavailable):
            observer.store_failed()
        _tell(observer, step, BlockOutcome.FAILED, time.monotonic() - begun)
        raise
    else:
        outcome = BlockOutcome.MADE if tries == 1 else BlockOutcome.AGAIN
        _tell(observer, step, outcome, time.monotonic() - begun)


def observe_giving_up(observer: JobObserver, step: str) -> None:
    """A step was begun too often to be begun once more."""
    _tell(observer, step, BlockOutcome.GIVEN_UP, 0.0)


def _tell(observer: JobObserver, step: str, outcome: BlockOutcome, seconds: float) -> None:
    if step.startswith("block-"):
        observer.block(outcome, seconds)
