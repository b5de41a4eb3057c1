"""Jobs on Celery, as far as no broker is needed; `make test-jobs` has the rest."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery.exceptions import Reject
from conftest import ROOT, free_port
from fakes import models_with, upscaler_with
from job_fakes import IMAGE, Fleet, count_requests
from kombu import Message

from jobs import broker, engine_celery, messages, worker
from jobs.acceptance import add
from jobs.directory_store import DirectoryStore
from jobs.engine_celery import CeleryEngine
from jobs.ids import new_id
from jobs.ledger import Ledger
from jobs.queues import queue_named, queue_of, whole_queue
from jobs.records import Block, Job, Plan
from superscaling.assembly import ModelIdentity, assemble, identify_models
from superscaling.errors import BrokerUnavailable, ClientGone, StoreUnavailable
from superscaling.format_name import FormatName
from superscaling.scheduling import Timings
from superscaling.settings import read_settings
from superscaling.upscale_options import UpscaleOptions

MODELS = models_with(upscaler_with())
OPTIONS = UpscaleOptions()
SMALL = {"UPSCALER_MODEL": "noise-cancel-lite", "UPSCALER_MODELS": "noise-cancel-plain"}


def test_queues_are_named_alike_where_models_are_loaded_and_where_not() -> None:
    settings = read_settings(SMALL)
    parts = assemble(settings)
    parts.decoders.close()
    named = [queue_of(parts.models, UpscaleOptions(model=model.name)) for model in parts.models]
    environ = {**SMALL, "HOME": os.environ.get("HOME", "/tmp")}
    printed = subprocess.run(
        [sys.executable, "-m", "jobs.queues"], env=environ, cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert printed.stdout.split() == [name for queue in named for name in (queue, whole_queue(queue))]
    assert len(set(named)) == 2


@pytest.mark.parametrize(
    ("change", "is_other"),
    [
        ({"precision": "fp32"}, True),
        ({"tile": 64}, True),
        ({"self_ensemble": 2}, True),
        ({"threads": 3}, False),
        ({"models": ("noise-cancel-fast",)}, False),
        ({"timeout": 5.0}, False),
    ],
)
def test_a_queue_is_named_after_what_decides_about_pixels(change: dict[str, Any], is_other: bool) -> None:
    settings = read_settings({"UPSCALER_MODEL": "noise-cancel-lite"})
    before, after = (queue_named(identify_models(each)[0]) for each in (settings, replace(settings, **change)))
    assert (before != after) == is_other


def test_names_of_queues_are_plain() -> None:
    model = ModelIdentity("4x é/" * 100, "fp32", "1", "")
    names = {queue_named(each) for each in (model, replace(model, name="4x è/" * 100), replace(model, fingerprint="2"))}
    assert len(names) == 3
    for name in names:
        assert name.isascii()
        assert name.replace(".", "").replace("-", "").isalnum()
        assert len(whole_queue(name)) < 200


def test_queues_are_replicated_and_keep_messages() -> None:
    queues = broker.queues_of("model.fp32.1")
    assert [queue.name for queue in queues] == ["model.fp32.1", "model.fp32.1.whole"]
    for queue in queues:
        assert queue.durable
        assert queue.queue_arguments == {"x-queue-type": "quorum", "x-delivery-limit": 1_000_000_000}


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


@pytest.mark.parametrize("is_silent", [False, True], ids=["nobody listens", "nobody answers"])
def test_without_a_broker_a_job_is_refused_soon(silent_port: int, is_silent: bool, tmp_path: Path) -> None:
    port = silent_port if is_silent else free_port()
    settings = read_settings({"UPSCALER_BROKER": f"amqp://someone:secret@127.0.0.1:{port}//"})
    engine = CeleryEngine(settings, Ledger(DirectoryStore(tmp_path), 1))
    started = time.monotonic()
    with pytest.raises(BrokerUnavailable) as raised:
        engine.submit(job_of(new_id()))
    engine.stop()
    assert time.monotonic() - started < 15  # 2 s, or 4 s, on a machine that is not busy
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("environ", "options", "message"),
    [
        ({"UPSCALER_BROKER": ""}, [], "UPSCALER_BROKER is not set"),
        ({"UPSCALER_JOBS_STORE": ""}, [], "UPSCALER_JOBS_STORE is not set"),
        ({"UPSCALER_BROKER": "redis://host"}, [], "UPSCALER_BROKER='redis://host': must be an address such as amqp://"),
        ({"UPSCALER_MODEL": "nothing"}, [], "UPSCALER_MODEL='nothing': unknown"),
        ({}, ["--concurrency", "2"], "a worker has one child"),
        ({}, ["--pool", "threads"], "a worker's pool is prefork"),
    ],
)
def test_a_worker_that_can_not_work_says_why_in_one_line(
    environ: dict[str, str], options: list[str], message: str, tmp_path: Path
) -> None:
    celery = str(Path(sys.executable).with_name("celery"))
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/tmp"),
        "UPSCALER_MODEL": "noise-cancel-lite",
        "UPSCALER_BROKER": f"amqp://127.0.0.1:{free_port()}//",
        "UPSCALER_JOBS_STORE": str(tmp_path),
        "PYTHONWARNINGS": "ignore",  # Celery's about root
        **environ,
    }
    command = [celery, "-A", "jobs.engine_celery", "worker", *options]
    process = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert process.returncode == 1
    assert process.stderr.count("\n") == 1, process.stderr
    assert process.stderr.startswith(f"image-super-scaling's worker can't start: {message}")


def job_of(job_id: str) -> Job:
    return Job(job_id, "", time.time(), OPTIONS, queue_of(MODELS, OPTIONS), FormatName("png"), pixels=1)


class Recorded:
    """The tasks in a process without a broker: what they publish is recorded, and `failures` are raised first."""

    def __init__(self, ledger: Ledger, plan: Plan) -> None:
        self.ledger, self.planned = ledger, plan
        self.sent = list[tuple[object, ...]]()
        self.failures = list[Exception]()
        self.joined = 0

    def send(self, _app: object, task: str, queue: str, *arguments: object) -> None:
        *rest, store = arguments
        assert store == self.ledger.identity.store_id()
        self.sent.append((task, *rest))

    def plan(self, *_: object) -> Plan:
        self._fail()
        return self.planned

    def block(self, job_id: str, number: int, *_: object) -> Plan | None:
        self._fail()
        return self.planned if self.ledger.work.write_block(job_id, number, b"") else None

    def join(self, *_: object) -> None:
        self.joined += 1

    def _fail(self) -> None:
        if self.failures:
            raise self.failures.pop(0)


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorded:
    monkeypatch.setenv("UPSCALER_BROKER", "amqp://127.0.0.1:1//")  # which the tasks' app reads once, and nobody asks
    monkeypatch.setenv("UPSCALER_JOBS_STORE", str(tmp_path))
    ledger = Ledger(DirectoryStore(tmp_path), 10**9)
    plan = Plan(0.0, tuple(Block(number, number + 1, 1) for number in range(7)), window=3, seconds=1.0)
    recorded = Recorded(ledger, plan)
    child = SimpleNamespace(ledger=ledger, steps=recorded, workers=0, parts=SimpleNamespace(models=MODELS))
    monkeypatch.setattr(worker, "child", lambda: child)
    monkeypatch.setattr(broker, "send", recorded.send)
    monkeypatch.setattr(broker, "count_workers", lambda *_: 2)
    monkeypatch.setattr("jobs.engine_celery.time.sleep", lambda _: None)
    return recorded


@pytest.fixture
def job_id(recorded: Recorded) -> str:
    job = job_of(new_id())
    add(recorded.ledger, job, b"picture")
    return job.id


def run_plan(job_id: str, chain: str) -> None:
    engine_celery.plan.apply([job_id], task_id=chain, throw=True)


@pytest.mark.parametrize(
    ("finished", "published"),
    [((), [0, 1, 2]), ((0, 3), [1, 2, 6]), ((0, 1, 2, 5), [3, 4]), ((0, 1, 2, 3, 4, 5), [6]), (range(7), [])],
)
def test_a_plan_publishes_what_all_missing_blocks_follow_from(
    recorded: Recorded, job_id: str, finished: tuple[int, ...], published: list[int]
) -> None:
    for number in finished:
        recorded.ledger.work.write_block(job_id, number, b"")
    run_plan(job_id, "a")
    expected: list[tuple[object, ...]]
    expected = [(broker.BLOCK, job_id, "a", number) for number in published] or [(broker.JOIN, job_id, "a")]
    assert recorded.sent == expected
    run_plan(job_id, "a")  # the same message again
    assert recorded.sent == expected
    run_plan(job_id, "b")  # another one: the broker may have lost the first, and all that followed
    assert len(recorded.sent) == 2 * len(expected)


def test_a_block_publishes_what_follows_from_it_and_the_last_one_the_join(recorded: Recorded, job_id: str) -> None:
    for number in (0, 1, 2, 4, 3, 5, 6):
        engine_celery.block.apply([job_id, "a", number], throw=True)
        engine_celery.block.apply([job_id, "a", number], throw=True)  # nothing follows twice
    blocks = [(broker.BLOCK, job_id, "a", number) for number in (3, 4, 5, 6)]
    assert recorded.sent == [*blocks, (broker.JOIN, job_id, "a")]


@pytest.mark.parametrize("number", [7, -1, 10**30])
def test_a_block_that_is_not_planned_is_dropped(
    recorded: Recorded, job_id: str, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    recorded.ledger.write_plan(job_id, recorded.planned)
    engine_celery.block.apply([job_id, "a", number], throw=True)
    assert f"a message is dropped: the job has no block {number}" in caplog.messages
    assert recorded.sent == []
    assert not recorded.ledger.work.finished(job_id)


def test_a_join_that_comes_too_early_publishes_what_is_missing(recorded: Recorded, job_id: str) -> None:
    recorded.ledger.write_plan(job_id, recorded.planned)
    recorded.ledger.work.write_block(job_id, 0, b"")
    for _ in range(2):
        engine_celery.join.apply([job_id, "a"], task_id="b", throw=True)
    assert recorded.sent == [(broker.BLOCK, job_id, "b", number) for number in (1, 2, 3)]
    assert recorded.joined == 0
    recorded.ledger.cancel(job_id)  # which deletes blocks
    engine_celery.join.apply([job_id, "a"], task_id="c", throw=True)
    assert len(recorded.sent) == 3


def message_of(body: object, **headers: object) -> Message:
    """A message for `block`, unless headers say another task."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Message(
        data,
        content_type="application/json",
        content_encoding="utf-8",
        headers={"task": broker.BLOCK, "id": "a-1", **headers},
        accept={"application/json"},
    )


EMBEDDED = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
ID = new_id()


def test_of_the_headers_of_a_message_only_task_and_id_are_obeyed() -> None:
    message = message_of([[ID, "a-1", 0], {}, EMBEDDED], timelimit=[0.1, 0.1], eta="never", expires="never")
    messages.check(engine_celery.app.tasks, message)
    assert message.headers == {"task": broker.BLOCK, "id": "a-1"}


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ([], {}),
        ({}, {}),
        (7, {}),
        (b"", {}),
        (b"{", {}),
        (b"\xff", {}),
        (b"[" * 100_000, {}),
        ([None, {}, EMBEDDED], {}),
        ([{}, {}, EMBEDDED], {}),
        ([[None, None, None], {}, EMBEDDED], {}),
        ([[ID], {}, EMBEDDED], {}),
        ([[ID, "a", 0, "", 0], {}, EMBEDDED], {}),
        ([[ID, "a", True], {}, EMBEDDED], {}),
        ([[ID, "a", 0.0], {}, EMBEDDED], {}),
        ([[ID, "../a", 0], {}, EMBEDDED], {}),
        ([["../../" + ID[6:], "a", 0], {}, EMBEDDED], {}),
        ([[], {"job_id": ID, "chain": "a", "number": 0}, EMBEDDED], {}),
        ([[ID, "a", 0], {}, {**EMBEDDED, "callbacks": [{"task": broker.JOIN}]}], {}),
        ([[ID, "a", 0], {}, []], {}),
        ([[ID, "a", 0], {}, EMBEDDED], {"task": "jobs.nothing"}),
        ([[ID, "a", 0], {}, EMBEDDED], {"task": "celery.chunks"}),
        ([[ID, "a", 0], {}, EMBEDDED], {"task": ["jobs.block"]}),
        ([[ID, "a", 0], {}, EMBEDDED], {"id": None}),
        ([[ID, "a", 0], {}, EMBEDDED], {"id": "../a"}),
    ],
)
def test_what_is_no_message_of_a_task_is_dropped(body: object, headers: dict[str, object]) -> None:
    with pytest.raises(messages.Malformed):
        messages.check(engine_celery.app.tasks, message_of(body, **headers))


def test_a_job_that_has_ended_leads_to_nothing(recorded: Recorded, job_id: str) -> None:
    recorded.ledger.cancel(job_id)
    engine_celery.block.apply([job_id, "a", 0], throw=True)
    engine_celery.block.apply([new_id(), "a", 0], throw=True)  # forgotten
    recorded.failures = [ClientGone("cancelled meanwhile")]
    engine_celery.block.apply([job_id, "a", 1], throw=True)
    assert recorded.sent == []


def test_a_running_step_notices_that_its_job_was_cancelled(
    recorded: Recorded, job_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_celery, "CANCEL_INTERVAL", 0.0)
    deadline = engine_celery._deadline(recorded.ledger, job_id)
    deadline.check(Timings())
    recorded.ledger.cancel(job_id)
    with pytest.raises(ClientGone):
        deadline.check(Timings())


def test_a_step_is_tried_again_where_it_is(recorded: Recorded, job_id: str) -> None:
    recorded.failures = [StoreUnavailable("full"), BrokerUnavailable("gone")]
    engine_celery.block.apply([job_id, "a", 0], throw=True)
    assert recorded.sent == [(broker.BLOCK, job_id, "a", 3)]


@pytest.mark.parametrize("failure", [StoreUnavailable("full"), MemoryError(), RuntimeError("a defect")])
def test_a_message_is_given_back_and_never_acknowledged(
    recorded: Recorded, job_id: str, failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Celery acknowledges what fails in another way than by `Reject`."""
    monkeypatch.setattr(engine_celery, "HOLD", 0.0)
    recorded.failures = [failure]
    with pytest.raises(Reject) as raised:
        engine_celery.block.run(job_id, "a", 0)
    assert raised.value.requeue
    assert recorded.sent == []


def test_a_worker_takes_no_job_that_means_another_model(
    recorded: Recorded, job_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its default model may be another one than where the job was taken."""
    monkeypatch.setattr(engine_celery, "HOLD", 0.0)
    monkeypatch.setattr(engine_celery, "queue_of", lambda *_: "another.fp32.1")
    with pytest.raises(Reject):
        engine_celery.block.run(job_id, "a", 0)
    assert recorded.sent == []
    assert not recorded.ledger.work.has_block(job_id, 0)


@pytest.mark.parametrize("is_other", [True, False], ids=["another store", "not mounted"])
def test_a_worker_with_another_store_gives_messages_back(
    recorded: Recorded,
    job_id: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    is_other: bool,
) -> None:
    store_id, pauses = recorded.ledger.identity.store_id(), list[float]()
    elsewhere = Ledger(DirectoryStore(tmp_path / "elsewhere"), 1)
    if is_other:
        elsewhere.identity.store_id()
    monkeypatch.setattr("jobs.engine_celery.time.sleep", pauses.append)
    monkeypatch.setattr(worker.child(), "ledger", elsewhere)
    messages: list[Callable[[], object]] = [
        lambda: engine_celery.plan.run(job_id, store_id),
        lambda: engine_celery.block.run(job_id, "a", 0, store_id),
        lambda: engine_celery.join.run(job_id, "a", store_id),
    ]
    for message in messages:
        with pytest.raises(Reject) as raised:
            message()
        assert raised.value.requeue
    assert pauses == [engine_celery.OTHER_STORE_PAUSE] * 3
    assert "is it mounted?" in caplog.text
    shutil.rmtree(tmp_path / "elsewhere", ignore_errors=True)
    (tmp_path / "elsewhere").symlink_to(tmp_path)  # it is mounted
    engine_celery.block.apply([job_id, "a", 0, store_id], throw=True)
    assert recorded.sent == [(broker.BLOCK, job_id, "a", 3)]


def test_pauses_grow_until_the_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("jobs.worker.time.monotonic", lambda: now)
    pauses = []
    for pause in worker.pauses(0.5, 4, 20):
        pauses.append(pause)
        now += pause
    assert pauses == [0.5, 1, 2, 4, 4, 4, 4]


def test_the_steps_of_a_job_take_few_requests_to_the_store(
    recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As messages bring them: plan, blocks, join. A request takes 50 ms in a bucket, a block 15 s."""
    fleet = Fleet(tmp_path / "jobs")
    recorded.ledger = fleet.ledger
    steps = fleet.worker(block_seconds=1.0)
    parts = SimpleNamespace(models=fleet.models)
    child = SimpleNamespace(ledger=fleet.ledger, steps=steps, workers=0, parts=parts)
    monkeypatch.setattr(worker, "child", lambda: child)
    job = replace(fleet.ledger.job(fleet.submit()), id=new_id(), queue=queue_of(fleet.models, OPTIONS))
    add(fleet.ledger, job, IMAGE)
    requests = count_requests(fleet.ledger.store)
    run_plan(job.id, "a")
    while recorded.sent:
        task, *arguments = recorded.sent.pop(0)
        {broker.BLOCK: engine_celery.block, broker.JOIN: engine_celery.join}[str(task)].apply(arguments, throw=True)
    assert fleet.result(job.id) == fleet.expected()
    plan = fleet.ledger.plan(job.id)
    assert plan is not None
    assert len(plan.blocks) >= 9
    assert len(requests) <= 50 + 11 * len(plan.blocks), "ten while it is made, and one while it is joined"


def test_an_idle_worker_frees_its_picture(recorded: Recorded, job_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    freed = threading.Event()
    idle = worker.Idle(freed.set)
    monkeypatch.setattr(worker, "_child", SimpleNamespace(idle=idle))
    engine_celery.block.apply([job_id, "a", 0], throw=True)
    monkeypatch.setattr(worker, "IDLE_SECONDS", 0.05)
    engine_celery.block.apply([job_id, "a", 1], throw=True)
    assert freed.wait(60)
    freed.clear()
    monkeypatch.setattr(worker, "IDLE_SECONDS", 600.0)
    engine_celery.block.apply([job_id, "a", 2], throw=True)
    assert not freed.wait(0.1)
    idle.end()
