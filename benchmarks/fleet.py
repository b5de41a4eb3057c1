"""Workers of jobs as they are deployed, on a private RabbitMQ, and the spans that they send of each step."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.measuring import say
from benchmarks.rabbitmq import RabbitMQ
from benchmarks.trace_collector import Collector, SentSpan
from evaluation.errors import MeasurementError
from jobs.acceptance import accept, add
from jobs.assembly import open_ledger
from jobs.deletion import forget
from jobs.engine_celery import CeleryEngine
from jobs.ids import new_id
from jobs.records import Block, Job, Plan
from message_protocol import JobState
from superscaling.format_name import FormatName
from superscaling.settings import ROOT, read_settings
from superscaling.upscale_options import UpscaleOptions

START_SECONDS, JOB_SECONDS, SPAN_SECONDS = 180.0, 600.0, 60.0
READY = "INFO worker ready"
PAUSE = 0.01  # s between two looks for the end of a job


@dataclass(frozen=True)
class Run:
    """A job that was done, in seconds. `total`: from its submission to its end; `workers`: that made its blocks.

    `wait_plan`: until the plan began; `plan`; `spread`: until the first block began; `blocks`: of each block, in order
    of their begin; `inferred`: of each, the time of the network alone; `phase`: from the first block's begin to the
    last one's end; `gather`: until the join began; `join`.
    """

    total: float
    workers: int
    wait_plan: float
    plan: float
    spread: float
    blocks: Sequence[float]
    inferred: Sequence[float]
    phase: float
    gather: float
    join: float


class Fleet:
    """Workers on one broker and one store.

    Args:
        folder: for the store and for logs.
        broker: that runs.
        settings: of the workers.
    """

    def __init__(self, folder: Path, broker: RabbitMQ, **settings: str) -> None:
        self._folder = folder
        self._collector = Collector()
        environ = {
            **os.environ,
            "UPSCALER_BROKER": broker.url,
            "UPSCALER_JOBS_STORE": str(folder / "store"),
            "UPSCALER_TRACES_URL": self._collector.url,
            "UPSCALER_THREADS": "1",
            **settings,
        }
        self._environ = environ
        self._workers = list[subprocess.Popen[bytes]]()
        self._plan: Plan | None = None
        read = read_settings(environ)
        self._ledger = open_ledger(read)
        self._engine = CeleryEngine(read, self._ledger)
        queues = subprocess.run(
            [sys.executable, "-m", "jobs.queues"], env=environ, cwd=ROOT, check=True, capture_output=True, text=True
        )
        self._queue = queues.stdout.split()[0]

    @property
    def count(self) -> int:
        """Workers that run."""
        return len(self._workers)

    def add_worker(self, cpu: int) -> None:
        """Start a worker on one processor, and wait until it takes jobs.

        Raises:
            MeasurementError: it doesn't.
        """
        number = self.count
        log = self._folder / f"worker-{number}.log"
        environ = {**self._environ, "OTEL_RESOURCE_ATTRIBUTES": f"service.instance.id={number}"}
        command = [sys.executable, "-m", "celery", "-A", "jobs.engine_celery", "worker", "-n", f"w{number}@localhost"]
        own = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {cpu})  # the worker inherits that
        try:
            with log.open("wb") as file:
                worker = subprocess.Popen(command, env=environ, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT)
        finally:
            os.sched_setaffinity(0, own)
        self._workers.append(worker)
        end = time.monotonic() + START_SECONDS
        while READY not in log.read_text():
            if worker.poll() is not None or time.monotonic() > end:
                raise MeasurementError(f"a worker did not start: {log.read_text()[-2000:]}")
            time.sleep(0.1)

    def processes_of(self, number: int) -> list[int]:
        """A worker, and all that it started."""
        return list(_descendants(self._workers[number].pid))

    def run(self, image: bytes, pixels: int, in_one: int = 1) -> Run:
        """Do a job.

        Args:
            image: a JPEG.
            pixels: that it has.
            in_one: how many blocks of the latest plan that a worker made, for the same image, are made as one; 1: a
                worker makes a plan.

        Raises:
            MeasurementError: it failed, or takes too long.
        """
        trace = f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-01"
        job = Job(new_id(), "", time.time(), UpscaleOptions(), self._queue, FormatName.JPEG, pixels, trace=trace)
        add(self._ledger, job, image)
        if in_one > 1 and self._plan is not None:
            self._ledger.write_plan(job.id, coarser(self._plan, in_one))
        begin = time.time()
        self._engine.submit(job)
        accept(self._ledger, job.id)
        end = begin + JOB_SECONDS
        while not self._ledger.has_ended(job.id):
            if time.time() > end:
                raise MeasurementError(f"a job did not end in {JOB_SECONDS} s")
            time.sleep(PAUSE)
        total = time.time() - begin
        outcome, planned = self._ledger.end(job.id), self._ledger.plan(job.id)
        if outcome is None or planned is None or outcome.state is not JobState.DONE:
            raise MeasurementError(f"a job ended otherwise: {outcome}")
        if in_one == 1:
            self._plan = planned
        run = self._read(trace.split("-")[1], begin, total, len(planned.blocks))
        forget(self._ledger, job.id)
        return run

    def _read(self, trace_id: str, begin: float, total: float, blocks: int) -> Run:
        """Wait for all spans of a job, which come some seconds later."""
        end = time.monotonic() + SPAN_SECONDS
        while True:
            spans = [each for each in list(self._collector.spans) if each.trace_id == trace_id]
            joins = [each for each in spans if each.name == "job join"]
            made = sorted((each for each in spans if each.name == "job block"), key=lambda each: each.begin)
            if joins and len(made) >= blocks:
                break
            if time.monotonic() > end:
                raise MeasurementError(f"spans are missing: {len(made)} of {blocks} blocks, {len(joins)} joins")
            time.sleep(0.1)
        if len(made) > blocks or len(joins) > 1:
            raise MeasurementError("a step was run more than once")
        plan = next((each for each in spans if each.name == "job plan"), None)  # none if the plan was there before
        begun, planned = (plan.begin, plan.end) if plan else (made[0].begin, made[0].begin)
        last = max(each.end for each in made)
        return Run(
            total=total,
            workers=len({each.resource["service.instance.id"] for each in made}),
            wait_plan=begun - begin,
            plan=planned - begun,
            spread=made[0].begin - planned,
            blocks=[each.seconds for each in made],
            inferred=[_inferred(each, spans) for each in made],
            phase=last - made[0].begin,
            gather=joins[0].begin - last,
            join=joins[0].seconds,
        )

    def close(self) -> None:
        """End the workers."""
        for worker in self._workers:
            worker.terminate()
        for worker in self._workers:
            with contextlib.suppress(subprocess.TimeoutExpired):
                worker.wait(30)
            worker.kill()
            worker.wait()
        self._engine.stop()
        self._collector.close()


@contextlib.contextmanager
def running_fleet(folder: Path, **settings: str) -> Iterator[Fleet]:
    """A broker of its own, and a fleet without workers yet; both end with the block."""
    say("starting RabbitMQ")
    broker = RabbitMQ()
    try:
        broker.start()
        fleet = Fleet(folder, broker, **settings)
        try:
            yield fleet
        finally:
            fleet.close()
    finally:
        broker.kill()
        broker.remove()


def coarser(plan: Plan, in_one: int) -> Plan:
    """The same plan with so many blocks in one; the last may have fewer."""
    groups = [plan.blocks[first : first + in_one] for first in range(0, len(plan.blocks), in_one)]
    blocks = tuple(Block(each[0].first, each[-1].stop, sum(block.tiles for block in each)) for each in groups)
    return replace(plan, blocks=blocks)


def _inferred(block: SentSpan, spans: Sequence[SentSpan]) -> float:
    steps = [each for each in spans if each.parent_id == block.id and each.name == "infer"]
    return sum(float(each.attributes["upscaler.seconds"]) for each in steps)


def _descendants(process: int) -> Iterator[int]:
    yield process
    for child in Path(f"/proc/{process}/task/{process}/children").read_text().split():
        yield from _descendants(int(child))
