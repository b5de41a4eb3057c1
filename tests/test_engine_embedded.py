"""The engine in the process that serves: in turn, behind requests, and past all failures."""

import itertools
import logging
import queue
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import encoded, wait_for
from fakes import noise, patience
from job_fakes import Fleet, count_requests

from jobs import engine_embedded
from jobs.acceptance import accept
from jobs.attempts import MAX_TRIES, Step
from jobs.deletion import forget
from jobs.engine_embedded import EmbeddedEngine
from jobs.indices import open_jobs
from jobs.ledger import Ledger
from jobs.records import Plan, Result
from jobs.steps import Steps
from jobs.work import JobWork
from message_protocol import JobState
from superscaling.enlarging import PictureInParts
from superscaling.errors import StoreUnavailable
from superscaling.scheduling import Deadline

# Far more than anything here takes, for machines that are busy.
LONG = 60.0


class Tiles:
    """Holds up each tile of the network until it is let go."""

    def __init__(self, fleet: Fleet) -> None:
        self._begun = queue.Queue[str]()
        self._go = threading.Semaphore(0)
        fleet.before_tile = self._hold

    def _hold(self) -> None:
        self._begun.put(threading.current_thread().name)
        assert self._go.acquire(timeout=LONG)

    def next(self) -> str:
        """The thread whose tile is begun."""
        return self._begun.get(timeout=LONG)

    def let_go(self, count: int = 1) -> None:
        self._go.release(count)


class Engines:
    """Engines on one store, which are stopped at the end."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.started: list[EmbeddedEngine] = []

    def start(self, block_seconds: float = 3.0) -> EmbeddedEngine:
        engine = EmbeddedEngine(self.fleet.ledger, self.fleet.worker(block_seconds))
        engine.start()
        self.started.append(engine)
        return engine

    def wait_for_end(self, job_id: str) -> JobState:
        assert wait_for(lambda: self.fleet.ledger.has_ended(job_id), LONG)
        return self.fleet.end(job_id).state


@pytest.fixture
def engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engines]:
    monkeypatch.setattr("jobs.engine_embedded.FIRST_PAUSE", 0.01)
    monkeypatch.setattr("jobs.engine_embedded.LONGEST_PAUSE", 0.05)
    monkeypatch.setattr("jobs.engine_embedded.LOOK_INTERVAL", 0.05)
    engines = Engines(Fleet(tmp_path))
    yield engines
    engines.fleet.before_tile = lambda: None
    for engine in engines.started:
        engine.stop()
        assert not engine._worker.is_alive()


def test_it_does_what_earlier_processes_left(engines: Engines) -> None:
    jobs = [engines.fleet.submit() for _ in range(2)]
    engines.start()
    assert [engines.wait_for_end(job_id) for job_id in jobs] == [JobState.DONE] * 2
    assert [engines.fleet.result(job_id) for job_id in jobs] == [engines.fleet.expected()] * 2


def test_it_does_what_is_submitted_once_it_is_accepted_or_here(engines: Engines) -> None:
    """`submit` comes before `accept`; what was neither accepted nor submitted here is left alone."""
    engine, ledger = engines.start(), engines.fleet.ledger
    orphan = engines.fleet.submit(is_accepted=False)
    job_id = engines.fleet.submit(is_accepted=False)
    engine.submit(ledger.job(job_id))
    assert engines.wait_for_end(job_id) is JobState.DONE
    assert ledger.plan(orphan) is None
    accept(ledger, orphan)  # by another process
    assert engines.wait_for_end(orphan) is JobState.DONE


def test_small_jobs_are_done_one_after_the_other(engines: Engines, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever is first has its result first, and each picture is decoded once."""
    jobs = [engines.fleet.submit() for _ in range(3)]
    with caplog.at_level(logging.INFO, "jobs"):
        engine = engines.start()
        for job_id in jobs:
            engines.wait_for_end(job_id)
        assert wait_for(lambda: engine._current is None, LONG)
    steps = [vars(record) for record in caplog.records if record.message == "step"]
    assert [job_id for job_id, _ in itertools.groupby(step["job"] for step in steps)] == jobs
    assert len(steps) == 3 * (1 + 3 + 1), "a plan, three blocks and a join"
    assert sum("decode_milliseconds" in step for step in steps) == 3


def test_a_small_job_waits_for_no_more_than_a_turn_of_a_large_one(
    engines: Engines, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("jobs.engine_embedded.TURN_BLOCKS", 1)
    with caplog.at_level(logging.INFO, "jobs"):
        large, small = engines.fleet.submit(), engines.fleet.submit(encoded(noise(10, 10)))
        engines.start()
        for job_id in (large, small):
            engines.wait_for_end(job_id)
    steps = done_steps(caplog)
    begin = [(large, "plan"), (large, "block-0"), (small, "plan"), (small, "block-0"), (small, "join")]
    assert steps[:6] == [*begin, (large, "block-1")]


def done_steps(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """The job and the name of each step, in order."""
    return [(vars(record)["job"], vars(record)["step"]) for record in caplog.records if record.message == "step"]


def test_a_new_job_is_next_after_the_block_in_progress(engines: Engines, caplog: pytest.LogCaptureFixture) -> None:
    """Also where other jobs are open, and a turn would have more blocks."""
    tiles, fleet = Tiles(engines.fleet), engines.fleet
    with caplog.at_level(logging.INFO, "jobs"):
        large = fleet.submit()
        engine = engines.start(block_seconds=1.0)
        tiles.next()
        other = fleet.submit()  # by another process
        tiles.let_go()
        tiles.next()
        small = fleet.submit(encoded(noise(10, 10)), is_accepted=False)
        engine.submit(fleet.ledger.job(small))
        tiles.let_go(1000)
        for job_id in (large, other, small):
            assert engines.wait_for_end(job_id) is JobState.DONE
    steps = done_steps(caplog)
    assert steps[:3] == [(large, "plan"), (large, "block-0"), (large, "block-1")]
    turns = [job_id for job_id, _ in itertools.groupby(job_id for job_id, _ in steps)]
    assert turns[:4] == [large, other, small, large]


def test_the_job_that_was_served_least_recently_is_next(
    engines: Engines, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """New ones first, whenever they came."""
    monkeypatch.setattr("jobs.engine_embedded.TURN_BLOCKS", 1)
    fleet = engines.fleet
    engine = EmbeddedEngine(fleet.ledger, fleet.worker(1.0))
    with caplog.at_level(logging.INFO, "jobs"):
        first, second = fleet.submit(), fleet.submit()
        engine._turn()
        third = fleet.submit()
        for _ in range(5):
            engine._turn()
    blocks = [job_id for job_id, step in done_steps(caplog) if step.startswith("block")]
    assert blocks == [first, second, third, first, second, third]


def test_a_block_takes_few_requests_to_the_store(engines: Engines) -> None:
    """Of 50 ms each in a bucket, beside 15 s of work."""
    fleet = engines.fleet
    job_id, requests = fleet.submit(), count_requests(fleet.ledger.store)
    engine = EmbeddedEngine(fleet.ledger, fleet.worker(1.0))
    for _ in range(3):
        engine._turn()
    assert fleet.ledger.has_ended(job_id)
    plan = fleet.ledger.plan(job_id)
    assert plan is not None
    blocks = len(plan.blocks)
    assert blocks >= 9
    assert len(requests) <= 40 + 10 * blocks, "seven while it is made, one while it is joined, and a part of its turn's"


def test_a_request_waits_for_the_tile_in_progress_only(engines: Engines) -> None:
    tiles = Tiles(engines.fleet)
    engines.fleet.submit()
    engines.start()
    upscaler = engines.fleet.models.default.upscaler
    assert tiles.next() == "jobs"
    tiles.let_go()
    assert tiles.next() == "jobs"
    request = threading.Thread(
        target=upscaler.enlarge, args=(noise(10, 10), *patience()), name="thumbnail", daemon=True
    )
    request.start()
    assert wait_for(lambda: bool(upscaler._lock._requests), LONG), "the request waits"
    tiles.let_go()
    assert tiles.next() == "thumbnail"
    tiles.let_go()
    request.join(LONG)
    assert not request.is_alive()
    assert tiles.next() == "jobs"
    tiles.let_go(1000)


def test_progress_counts_each_block_once(engines: Engines) -> None:
    """Whether the store was asked for the finished blocks before or after one of them was finished."""
    tiles = Tiles(engines.fleet)
    job_id = engines.fleet.submit()
    engine = engines.start(block_seconds=0.001)
    tiles.next()
    plan = engines.fleet.ledger.plan(job_id)
    assert plan is not None
    first = plan.blocks[0].tiles
    tiles.let_go(first)
    assert wait_for(lambda: engines.fleet.ledger.work.finished(job_id) == {0}, LONG)
    assert engine.tiles_in_progress(job_id, ()) == first
    assert engine.tiles_in_progress(job_id, {0}) == 0
    tiles.let_go(1000)
    assert engines.wait_for_end(job_id) is JobState.DONE


def test_a_cancelled_job_ends_before_its_next_tile(engines: Engines) -> None:
    tiles = Tiles(engines.fleet)
    job_id = engines.fleet.submit()
    engine = engines.start(block_seconds=1000.0)
    tiles.next()
    tiles.let_go()
    tiles.next()
    assert wait_for(lambda: engine.tiles_in_progress(job_id, ()) == 1, LONG)
    assert engine.tiles_in_progress("another", ()) == 0
    engines.fleet.ledger.cancel(job_id)
    engine.cancelled(job_id)
    other = engines.fleet.submit(encoded(noise(40, 10)))
    tiles.let_go(1000)
    assert engines.wait_for_end(other) is JobState.DONE
    assert engines.fleet.end(job_id).state is JobState.CANCELLED
    assert engines.fleet.tiles == 2 + engines.fleet.ledger.status(other).total


def test_a_job_that_another_process_cancels_ends_in_the_middle_of_a_block(
    engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.engine_embedded.INTERVAL", 0.01)
    tiles = Tiles(engines.fleet)
    job_id = engines.fleet.submit()
    engine = engines.start(block_seconds=1000.0)
    tiles.next()
    current = engine._current
    assert current is not None
    engines.fleet.ledger.cancel(job_id)
    assert wait_for(lambda: current.is_cancelled, LONG)
    tiles.let_go(1000)
    assert wait_for(lambda: engine._current is None, LONG)
    assert engines.fleet.tiles == 1


def test_it_stops_before_the_next_tile_and_leaves_no_try(engines: Engines) -> None:
    tiles = Tiles(engines.fleet)
    job_id = engines.fleet.submit()
    engine = engines.start(block_seconds=1000.0)
    tiles.next()
    stop = threading.Thread(target=engine.stop)
    stop.start()
    assert wait_for(engine._stopping.is_set, LONG)
    tiles.let_go(1000)
    stop.join(LONG)
    assert not stop.is_alive()
    assert engines.fleet.tiles == 1
    store = engines.fleet.ledger.store
    assert [*store.keys(f"jobs/{job_id}/tries/")] == []
    assert [*store.keys("lease/")] == [], "the next process need not wait"
    engines.start()
    assert engines.wait_for_end(job_id) is JobState.DONE
    assert engines.fleet.result(job_id) == engines.fleet.expected()


def test_an_encoder_holds_up_the_end_of_the_process_for_a_while_only(
    engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    encodes, end = threading.Event(), threading.Event()
    real = Ledger.finish_job

    def finish(ledger: Ledger, job_id: str, data: bytes | Path, result: Result) -> bool:
        encodes.set()
        assert end.wait(LONG)
        return real(ledger, job_id, data, result)

    monkeypatch.setattr(Ledger, "finish_job", finish)
    monkeypatch.setattr("jobs.engine_embedded.STOP_SECONDS", 0.01)
    job_id = engines.fleet.submit()
    engine = engines.start()
    assert encodes.wait(LONG)
    engine.stop()
    assert [*engines.fleet.ledger.store.keys(f"jobs/{job_id}/tries/")] == []
    monkeypatch.setattr("jobs.engine_embedded.STOP_SECONDS", LONG)
    end.set()


@pytest.mark.parametrize(
    ("room", "place"),
    [
        (engine_embedded, "open_jobs"),
        (JobWork, "write_block"),
        (JobWork, "begin"),
        (Ledger, "finish_job"),
        (JobWork, "missing"),
    ],
)
def test_it_outlives_failures_of_the_store(
    engines: Engines, room: object, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failures = getattr(room, place), iter(range(2 * MAX_TRIES))

    def fail_at_first(*args: object) -> object:
        if next(failures, None) is not None:
            raise StoreUnavailable("it is full")
        return real(*args)

    monkeypatch.setattr(room, place, fail_at_first)
    job_id = engines.fleet.submit()
    engines.start()
    assert engines.wait_for_end(job_id) is JobState.DONE
    assert engines.fleet.result(job_id) == engines.fleet.expected()


def test_it_outlives_failures_of_the_network(engines: Engines) -> None:
    engines.fleet.failure = OSError("out of order")
    job_id = engines.fleet.submit()
    engines.start()
    assert wait_for(lambda: engines.fleet.tiles >= 2 * MAX_TRIES, LONG)
    assert not engines.fleet.ledger.has_ended(job_id)
    engines.fleet.failure = None
    assert engines.wait_for_end(job_id) is JobState.DONE


def test_a_job_that_fails_holds_up_no_other(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    real, bad = Steps._decode, engines.fleet.submit()

    def decode(steps: Steps, step: Step, deadline: Deadline, plan: Plan | None = None) -> PictureInParts:
        if step.job.id == bad:
            raise ZeroDivisionError
        return real(steps, step, deadline, plan)

    monkeypatch.setattr(Steps, "_decode", decode)
    good = engines.fleet.submit()
    engines.start()
    assert engines.wait_for_end(good) is JobState.DONE
    assert engines.wait_for_end(bad) is JobState.FAILED
    failure = engines.fleet.end(bad).failure
    assert failure is not None
    assert failure.code == "internal_error"


def test_a_job_that_is_forgotten_meanwhile_ends_nothing(engines: Engines) -> None:
    """As if it could not be handed over, after all."""
    tiles = Tiles(engines.fleet)
    job_id = engines.fleet.submit(is_accepted=False)
    engine = engines.start()
    engine.submit(engines.fleet.ledger.job(job_id))
    tiles.next()
    engine.cancelled(job_id)
    forget(engines.fleet.ledger, job_id)
    tiles.let_go(1000)
    assert engines.wait_for_end(engines.fleet.submit()) is JobState.DONE


def test_an_index_that_is_behind_is_mended(engines: Engines) -> None:
    job_id, ledger = engines.fleet.submit(), engines.fleet.ledger
    key = next(ledger.store.keys("open/"))
    ledger.cancel(job_id)
    ledger.store.put(key, b"")  # as if the process had been killed in between
    engines.start()
    assert wait_for(lambda: not [*open_jobs(ledger.store)], LONG)


def test_one_of_two_processes_works(engines: Engines) -> None:
    tiles = Tiles(engines.fleet)
    engines.fleet.submit()
    first, second = engines.start(), engines.start()
    tiles.next()
    holder, other = (first, second) if first._lease.is_held else (second, first)
    job_id = engines.fleet.submit()
    other.submit(engines.fleet.ledger.job(job_id))
    tiles.let_go(1000)
    assert engines.wait_for_end(job_id) is JobState.DONE
    assert holder._lease.is_held or not other._lease.is_held
    engines.started.remove(holder)
    holder.stop()
    assert engines.wait_for_end(engines.fleet.submit()) is JobState.DONE, "the other takes over"


def test_without_jobs_it_stops_as_well(engines: Engines) -> None:
    never_started = EmbeddedEngine(engines.fleet.ledger, engines.fleet.worker())
    never_started.stop()
    engines.start().stop()
