"""A worker's two processes: the parent, which talks to the broker, and its one child, which has the models.

Both check what they need when they start, and end with one line if they lack it. The parent loads no engine, whose
threads would not survive the fork.
"""

import logging
import multiprocessing.process
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from celery import bootsteps, signals
from celery.apps import worker as celery_worker
from celery.concurrency.prefork import TaskPool
from celery.worker import consumer as celery_consumer

from jobs import broker, messages
from jobs.assembly import build_steps, open_ledger
from jobs.ledger import Ledger
from jobs.queues import queue_of, whole_queue
from jobs.steps import Steps
from jobs.worker_health import INTERVAL, give_sign
from superscaling import logs
from superscaling.assembly import Assembly, assemble
from superscaling.enlarging import START_TIMEOUT
from superscaling.errors import BrokerUnavailable, ServiceError, StartError
from superscaling.settings import ROOT, environment_variable, read_settings
from superscaling.tracing import start_tracing, stop_tracing
from superscaling.upscale_options import UpscaleOptions

log = logging.getLogger("worker")

# Seconds without a message after which a worker frees the picture that it decoded last.
IDLE_SECONDS = 30.0


class SignsOfLife(bootsteps.StartStopStep):
    """Gives signs of life as long as the worker is connected and its event loop runs."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, parent: Any) -> None:
        """Begin, of a connection that takes messages. When that is lost, Celery ends all that is repeated."""
        give_sign()
        parent.timer.call_repeatedly(INTERVAL, give_sign)


class Consumer(celery_consumer.Consumer):
    """Takes messages. There are no delayed ones, for which Celery would declare 28 queues."""

    class Blueprint(celery_consumer.Consumer.Blueprint):
        """What Celery does at the start of a connection."""

        default_steps = (
            *(
                name
                for name in celery_consumer.Consumer.Blueprint.default_steps
                if not name.endswith(":DelayedDelivery")
            ),
            "jobs.worker:SignsOfLife",
        )

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], None]:
        """What is called with each message. Of one that is not the tasks', Celery ends, or calls what it says."""
        handle = super().create_task_handler(*args, **kwargs)

        def check_and_handle(message: Any) -> None:
            try:
                messages.check(self.app.tasks, message)
            except messages.Malformed as exc:
                log.warning("a message is dropped: %s", exc)
                message.reject_log_error(log, self.connection_errors)
            else:
                handle(message)

        return check_and_handle


class Worker(celery_worker.Worker):
    """A worker as `celery worker` starts it, without what workers tell each other, and without a banner."""

    def __init__(self, **options: Any) -> None:
        silent = {"quiet": True, "without_gossip": True, "without_mingle": True, "without_heartbeat": True}
        super().__init__(**{**options, **silent})

    def terminate(self, in_sighandler: bool = False) -> None:
        """End at once, not with status 0: also if the child could not start."""
        self.exitcode = 1
        super().terminate(in_sighandler)


class Idle:
    """The time between two messages. Once it lasts `IDLE_SECONDS`, `then` is called, in a thread of its own."""

    def __init__(self, then: Callable[[], None]) -> None:
        self._then = then
        self._timer: threading.Timer | None = None

    def begin(self) -> None:
        """A message is done."""
        self._timer = threading.Timer(IDLE_SECONDS, self._then)
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        """The next one is there."""
        if self._timer is not None:
            self._timer.cancel()


@dataclass(frozen=True)
class Child:
    """What the child works with."""

    parts: Assembly
    ledger: Ledger
    steps: Steps
    workers: int
    idle: Idle


_python_process = multiprocessing.current_process()
# Of this process, once it has warmed up.
_child: Child | None = None


def child() -> Child | None:
    """What this process works with; None: it could not start, and will be ended."""
    return _child


def configuration() -> dict[str, Any]:
    """Celery's settings, from the environment. Ends the process if that is not what it must be."""
    try:
        settings = read_settings()
    except StartError as exc:
        _end(str(exc))
    if not settings.broker or not settings.jobs_store:
        missing = environment_variable("jobs_store" if settings.broker else "broker")
        _end(f"{missing} is not set")
    return broker.configuration(settings)


@signals.setup_logging.connect  # otherwise Celery configures logging
def _configure_logs(**_: object) -> None:
    """The service's lines, as the parent has configured them."""


@signals.celeryd_init.connect
def _start_parent(conf: Any, **_: object) -> None:
    """Find out which queues are to be consumed. (What is raised in a signal is logged only, but for `SystemExit`.)"""
    logs.configure(read_settings())
    logging.getLogger("celery.app.trace").setLevel(logging.ERROR)  # a message that is given back has its line already
    # The `celery` command finds this module in the working directory; decoders have to find it as well.
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    try:
        queues = _queues()
    except StartError as exc:
        _end(str(exc))
    conf.task_queues = [each for queue in queues for each in broker.queues_of(queue)]
    # Celery ends a child that is not ready by then.
    conf.worker_proc_alive_timeout = START_TIMEOUT * len(queues)


@signals.worker_init.connect
def _check_parent(sender: Any, **_: object) -> None:
    if sender.concurrency != 1 or sender.options.get("autoscale"):
        _end("a worker has one child, which uses all processors: start it without --concurrency and --autoscale")
    if not (sender.pool_cls == "prefork" or sender.pool_cls is TaskPool):
        _end("a worker's pool is prefork: start it without --pool")
    blocks = [queue.name for queue in sender.app.conf.task_queues if not queue.name.endswith(whole_queue(""))]
    try:
        broker.declare(sender.app, blocks)
    except broker.BrokerRefused as exc:
        _end(f"the broker refuses: {exc}")
    except BrokerUnavailable:
        log.warning("the broker can't be reached yet; trying again until it can", extra={"broker": _address(sender)})


@signals.worker_ready.connect
def _ready(sender: Any, **_: object) -> None:
    # Celery announces a change of a default that is set here.
    warnings.filterwarnings("ignore", category=PendingDeprecationWarning)
    log.info("connected", extra={"queues": [queue.name for queue in sender.app.conf.task_queues]})


@signals.worker_process_init.connect
def _start_child(**_: object) -> None:
    """Load and warm up the models, after the fork; end the worker if that fails."""
    global _child
    from jobs.engine_celery import app  # late: it imports this module

    # billiard, Celery's multiprocessing, puts itself in the place of Python's, which the decoders' processes need.
    multiprocessing.process._current_process = _python_process  # type: ignore[attr-defined]
    app.conf.broker_heartbeat = 0  # nobody would send the heartbeats of a connection that only publishes
    try:
        settings = read_settings()
        start_tracing(settings, "image-super-scaling-worker")
        ledger = open_ledger(settings)
        _check_writable(ledger)
        parts = assemble(settings)
        for model in parts.models:
            model.warm_up()
        known = {queue.name for queue in app.conf.task_queues}
        for model in parts.models:
            if (queue := queue_of(parts.models, UpscaleOptions(model=model.name))) not in known:
                raise StartError(f"{model.name} was replaced while this worker started: it would need {queue}")
    except (StartError, ServiceError) as exc:
        log.error("can't work: %s", exc)
    except Exception:
        log.exception("can't work")
    else:
        steps = build_steps(settings, parts, ledger)
        _child = Child(parts, ledger, steps, settings.jobs_workers, Idle(steps.release))
        log.info("ready", extra={"models": [str(model.facts) for model in parts.models]})
        return
    os.kill(os.getppid(), signal.SIGQUIT)  # otherwise Celery would start another child, which would fail as well


@signals.task_prerun.connect
def _begin_message(**_: object) -> None:
    if _child is not None:
        _child.idle.end()


@signals.task_postrun.connect
def _end_message(**_: object) -> None:
    if _child is not None:
        _child.idle.begin()


@signals.worker_process_shutdown.connect
def _stop_child(**_: object) -> None:
    if _child is not None:
        _child.parts.decoders.close()
    stop_tracing()  # Celery ends this process without what Python does at the end of one


def _queues() -> list[str]:
    """The queues of the settings' models, from a process that may load OpenVINO.

    Raises:
        StartError: a model is not prepared, or a setting can't be met.
    """
    command = [sys.executable, "-m", "jobs.queues"]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if process.returncode:
        reason = process.stderr.strip().rpartition("\n")[2]
        raise StartError(f"{reason} (python -m superscaling.commands.prepare prepares models)")
    names = process.stdout.split()
    return [name for name in names if not name.endswith(whole_queue(""))]


def _check_writable(ledger: Ledger) -> None:
    """Raises `StoreUnavailable`."""
    ledger.store.put("probe", b"")
    ledger.store.delete("probe")


def _address(sender: Any) -> str:
    return str(sender.app.connection_for_read().as_uri())  # without the password


def _end(reason: str) -> NoReturn:
    print(f"image-super-scaling's worker can't start: {reason}", file=sys.stderr)
    raise SystemExit(1)


def pauses(first: float, most: float, total: float) -> Iterator[float]:
    """Seconds to wait between attempts, each twice as long as the last, until a total time has passed."""
    end = time.monotonic() + total
    pause = first
    while time.monotonic() + pause < end:
        yield pause
        pause = min(2 * pause, most)
