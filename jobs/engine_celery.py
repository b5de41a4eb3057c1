"""Does jobs on any number of machines, by Celery on RabbitMQ: `celery -A jobs.engine_celery worker` is a worker.

A job is one message at a time for each of its plan, its blocks and its join. Whoever has made block n publishes block
n + W before the message of n is acknowledged (W: the window), so that a job never has more than W blocks in the queue,
and no message is ever missing: a message is acknowledged once all that follows from it is in the queue. Messages may
come twice, or out of order; every step does no harm then.

All messages that follow from one message of a plan are a chain, which has that message's id. What a chain has published
is noted in the store, so that a message that comes twice does not have all that follows published twice.
"""

import logging
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

from celery import Celery
from celery.exceptions import Reject

from jobs import broker, worker
from jobs.ledger import Ledger
from jobs.queues import queue_of
from jobs.records import Job, Plan
from superscaling.errors import BrokerUnavailable, ClientGone, EngineFailed, JobUnknown, StoreUnavailable, Unavailable
from superscaling.scheduling import Deadline, NoListener, Timings
from superscaling.settings import Settings

log = logging.getLogger("jobs")

# Seconds that a worker keeps a message and tries again if the store, the broker or the engine fails, before it gives
# the message back. Shorter than the grace that a worker should have at its end.
HOLD = 60.0
FIRST_PAUSE, MAX_PAUSE = 0.5, 3.0
# Seconds that a worker waits before it gives back a message whose job is in another store than its own.
OTHER_STORE_PAUSE = 10.0
# Seconds between two questions to the store whether a job was cancelled.
CANCEL_INTERVAL = 2.0

# Of the workers: settings are read when they are needed, so importing does nothing.
app = Celery("jobs")
app.add_defaults(worker.configuration)
app.Worker = app.subclass_with_self(worker.Worker)


class CeleryEngine:
    """Hands jobs over to workers. Thread-safe.

    Args:
        settings: with the broker.
        ledger: of the store that the workers have as well.
    """

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self._ledger = ledger
        self._app = Celery("jobs", set_as_current=False, changes=broker.configuration(settings))
        self._app.conf.broker_heartbeat = 0  # nobody would send heartbeats; connections are opened again when needed

    def start(self) -> None:
        """Nothing is to be done: what was accepted is in the queues."""

    def submit(self, job: Job) -> None:
        """Publish the message of a job's plan. Of a job that is planned, it publishes what is missing.

        Raises:
            BrokerUnavailable: that can't be done within some seconds, or the broker refuses.
            StoreUnavailable: the store is not there.
        """
        try:
            broker.send(self._app, broker.PLAN, job.queue, job.id, self._ledger.identity.store_id())
        except broker.BrokerRefused as exc:
            log.error("the broker refuses: %s", exc, extra={"job": job.id})
            raise BrokerUnavailable("jobs can't be handed over: tell whoever operates the service") from exc

    def cancelled(self, job_id: str) -> None:
        """Nothing is to be done: workers ask the store."""

    def tiles_in_progress(self, job_id: str, finished: Collection[int]) -> int:
        """Not known here: progress goes from block to block."""
        return 0

    def stop(self) -> None:
        """Close the connections."""
        self._app.close()


@app.task(name=broker.PLAN, bind=True)
def plan(task: Any, job_id: str, store: str = "") -> None:
    """Plan a job, and publish its first blocks."""

    def run(child: worker.Child, job: Job) -> None:
        window = max(broker.count_workers(app, job.queue), child.workers) + 1
        planned = child.steps.plan(job_id, window, _deadline(child.ledger, job_id))
        if planned is None:
            return
        missing = child.ledger.work.missing(job_id, planned)
        _publish_missing(child.ledger, job, task.request.id, planned, missing)
        if not missing:
            _publish(child.ledger, job, task.request.id, None)

    _persist(job_id, store, "plan", run)


@app.task(name=broker.BLOCK)
def block(job_id: str, chain: str, number: int, store: str = "") -> None:
    """Make a block, and publish what follows."""
    tiles = _Tiles()

    def run(child: worker.Child, job: Job) -> None:
        known = child.ledger.plan(job_id)
        if known is not None and number not in range(len(known.blocks)):
            log.warning("a message is dropped: the job has no block %d", number, extra={"job": job_id})
            return
        planned = child.steps.block(job_id, number, _deadline(child.ledger, job_id), tiles)
        if planned is not None:
            _follow(child.ledger, job, chain, number, planned)

    _persist(job_id, store, f"block-{number}", run, lambda: {"tiles": tiles.done})


@app.task(name=broker.JOIN, bind=True)
def join(task: Any, job_id: str, chain: str, store: str = "") -> None:
    """Put the result together. If blocks are missing, which no message of ours comes before, publish them."""

    def run(child: worker.Child, job: Job) -> None:
        known = child.ledger.plan(job_id)
        missing = child.ledger.work.missing(job_id, known) if known is not None else []
        if known is not None and missing and not child.ledger.has_ended(job_id):
            log.warning("a join is put off: %d blocks are missing", len(missing), extra={"job": job_id})
            _publish_missing(child.ledger, job, task.request.id, known, missing)
            return
        child.steps.join(job_id, _deadline(child.ledger, job_id))

    _persist(job_id, store, "join", run)


def _publish_missing(ledger: Ledger, job: Job, chain: str, planned: Plan, missing: Sequence[int]) -> None:
    """Publish the first that is missing of each n, n + W, n + 2 W, …: the others follow from it."""
    for number in sorted({number % planned.window: number for number in reversed(missing)}.values()):
        _publish(ledger, job, chain, number)


def _follow(ledger: Ledger, job: Job, chain: str, number: int, planned: Plan) -> None:
    following = number + planned.window
    if following < len(planned.blocks):
        _publish(ledger, job, chain, following)
    if not ledger.work.missing(job.id, planned):
        _publish(ledger, job, chain, None)


def _publish(ledger: Ledger, job: Job, chain: str, number: int | None) -> None:
    """Publish the message of a block, or of the join (None), unless it is known that this chain has published it."""
    name = f"{chain}.{'join' if number is None else number}"
    if ledger.work.is_published(job.id, name):
        return
    if number is None:
        broker.send(app, broker.JOIN, job.queue, job.id, chain, ledger.identity.store_id())
    else:
        broker.send(app, broker.BLOCK, job.queue, job.id, chain, number, ledger.identity.store_id())
    ledger.work.note_published(job.id, name)


class _Tiles(NoListener):
    """Counts the tiles of a block: none, if it was finished before."""

    done = 0

    def tile_done(self, timings: Timings) -> None:
        """One more."""
        self.done += 1


def _persist(
    job_id: str,
    store: str,
    step: str,
    run: Callable[[worker.Child, Job], None],
    describe: Callable[[], dict[str, object]] = dict,
) -> None:
    """Run a step until nothing outside the job keeps it from being done; give the message back if that takes long.

    Args:
        job_id: of the job.
        store: the id of its store, if the message has it.
        step: its name in the ledger.
        run: does it; may be called again.
        describe: more fields for the log.

    Raises:
        Reject: give it back.
    """
    child = worker.child()
    if child is None:
        time.sleep(MAX_PAUSE)  # until the parent ends this process
        raise Reject("this worker could not start", requeue=True)
    fields: dict[str, object] = {"job": job_id, **describe()}
    started = time.monotonic()
    waiting = worker.pauses(FIRST_PAUSE, MAX_PAUSE, HOLD)
    while True:
        try:
            if store and not child.ledger.identity.is_store(store):
                log.error(
                    "%s is given back: this worker's store is not the one that the job is in; is it mounted?",
                    step,
                    extra=fields,
                )
                time.sleep(OTHER_STORE_PAUSE)  # others may take the message
                raise Reject("another store", requeue=True)
            job = child.ledger.known_job(job_id)
            fields["request_id"] = job.request_id
            if queue_of(child.parts.models, job.options) != job.queue:
                raise EngineFailed("this worker would take another model for the job than was meant")
            log.debug("%s begins", step, extra=fields)
            run(child, job)
        except Reject:
            raise
        except (JobUnknown, ClientGone):  # forgotten, or cancelled
            log.info("%s is not needed any more", step, extra=fields)
        except (Unavailable, broker.BrokerRefused) as exc:
            pause = next(waiting, None)
            if pause is None:
                log.warning("%s is given back: %s", step, exc, extra=fields)
                raise Reject(str(exc), requeue=True) from exc
            log.warning("%s is tried again in %g s: %s", step, pause, exc, extra=fields)
            time.sleep(pause)
            continue
        except Exception as exc:
            # Not finished, so the ledger counts it: the job fails when that happens again and again.
            log.exception("%s failed", step, extra=fields)
            time.sleep(FIRST_PAUSE)
            raise Reject(f"{step} failed: {exc!r}", requeue=True) from exc
        else:
            log.info("%s done", step, extra={**fields, **describe(), "seconds": round(time.monotonic() - started, 3)})
        return


def _deadline(ledger: Ledger, job_id: str) -> Deadline:
    """Ends a step if its job has ended, which is asked about every `CANCEL_INTERVAL` only."""
    asked = time.monotonic()

    def is_cancelled() -> bool:
        nonlocal asked
        if time.monotonic() < asked + CANCEL_INTERVAL:
            return False
        asked = time.monotonic()
        try:
            return ledger.has_ended(job_id)
        except StoreUnavailable:  # the step will notice at its end
            return False

    return Deadline(is_client_gone=is_cancelled)
