"""Taking jobs when something fails, and how long they take: without HTTP."""

import math
import time
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from stored_jobs import FullStore, ended, half_done, order, taken

from jobs.acceptance import add
from jobs.directory_store import DirectoryStore
from jobs.ids import new_id
from jobs.ledger import Ledger, Status
from jobs.records import Block, End, Job, Plan
from jobs.taking import JobTaking
from message_protocol import JobOutput, JobState, UpscaleInput
from resource_jobs import MAX_POLL, MIN_POLL, Asker, ResourceJobs, poll_seconds, seconds_left
from superscaling.errors import BrokerUnavailable, JobsQueueFull, JobUnknown, StoreUnavailable
from superscaling.format_name import FormatName
from superscaling.scheduling import Budget
from superscaling.upscale_options import UpscaleOptions

NONE: Any = None
ORDER = Job("", "ann", 0.0, UpscaleOptions(), "queue", FormatName.PNG, 100)


class Engine:
    """Notes what it is given. `error`: what it raises instead."""

    def __init__(self) -> None:
        self.given: list[str] = []
        self.dropped: list[str] = []
        self.error: Exception | None = None

    def start(self) -> None:
        pass

    def submit(self, job: Job) -> None:
        if self.error:
            raise self.error
        self.given.append(job.id)

    def cancelled(self, job_id: str) -> None:
        self.dropped.append(job_id)

    def tiles_in_progress(self, job_id: str, finished: Collection[int]) -> int:
        return 0

    def stop(self) -> None:
        pass


class Shelf:
    """A ledger of at most 250 px, an engine, and what takes jobs for them."""

    def __init__(self, place: Path) -> None:
        self.ledger = Ledger(DirectoryStore(place), 250)
        self.engine = Engine()
        self.taking = JobTaking(self.ledger, self.engine)

    def files(self) -> list[str]:
        return [key for name in ("jobs", "open", "groups") for key in self.ledger.store.keys(f"{name}/")]


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


@pytest.mark.parametrize("key", [None, "key"])
@pytest.mark.parametrize("error", [BrokerUnavailable("it is away"), StoreUnavailable("it is full")])
def test_what_the_engine_does_not_take_is_forgotten(shelf: Shelf, key: str | None, error: Exception) -> None:
    """And may be sent again, with the same key, which leads to one job."""
    shelf.engine.error = error
    order = replace(ORDER, group="g")
    with pytest.raises(type(error)):
        shelf.taking.take(order, b"source", key, "asked")
    assert shelf.files() == []
    assert len(shelf.engine.dropped) == 1
    shelf.engine.error = None
    job_id, is_new = shelf.taking.take(order, b"source", key, "asked")
    assert is_new
    assert shelf.ledger.is_accepted(job_id)
    assert shelf.ledger.work.source(job_id) == b"source"
    assert shelf.engine.given == [job_id]


def test_what_is_not_accepted_is_forgotten(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store fails at the last moment: the client is told nothing, and the engine to drop it."""

    def fail(ledger: Ledger, job_id: str) -> None:
        raise StoreUnavailable("it is full")

    monkeypatch.setattr("jobs.taking.accept", fail)
    with pytest.raises(StoreUnavailable):
        shelf.taking.take(ORDER, b"source", None, "asked")
    assert shelf.files() == []
    assert shelf.engine.dropped == shelf.engine.given


def test_what_another_process_accepted_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes take the same request; the one that fails tells its client of the job of the other."""
    one, other = Shelf(tmp_path), Shelf(tmp_path)

    def taken_meanwhile(job: Job) -> None:
        other.taking.take(ORDER, b"source", "key", "asked")
        raise BrokerUnavailable("it is away")

    monkeypatch.setattr(one.engine, "submit", taken_meanwhile)
    job_id, is_new = one.taking.take(ORDER, b"source", "key", "asked")
    assert (other.engine.given, is_new) == ([job_id], False)
    assert one.ledger.is_accepted(job_id)


def test_a_process_that_was_killed_while_it_took_a_job(shelf: Shelf) -> None:
    """The same request takes it again: what is written down already counts once."""
    order = replace(ORDER, pixels=200)
    job_id, claim = shelf.ledger.claims.claim("ann", "key", "asked")
    add(shelf.ledger, replace(order, id=job_id, key=claim), b"source")
    assert shelf.taking.take(order, b"source", "key", "asked") == (job_id, True)
    with pytest.raises(JobsQueueFull):
        shelf.taking.take(order, b"source", "other", "asked")
    with pytest.raises(JobUnknown):
        shelf.ledger.job(shelf.ledger.claims.claim("ann", "other", "asked")[0])


class Purse(Budget):
    """Counts what is taken."""

    def __init__(self) -> None:
        self.taken = 0

    def take(self, pixels: int) -> None:
        self.taken += pixels

    def give_back(self, pixels: int) -> None:
        self.taken -= pixels


def test_each_job_is_charged_once(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that was refused is not free when it is repeated; one that was taken is."""
    jobs = ResourceJobs(
        cast("Any", SimpleNamespace(ledger=shelf.ledger, engine=shelf.engine)), *cast("Any", [None] * 4)
    )
    monkeypatch.setattr(jobs, "_inspected", lambda *_: replace(ORDER, pixels=200))
    purse = Purse()

    def submit(key: str) -> str:
        message = UpscaleInput.from_bytes(b"image", {})
        return jobs.submit(message, Asker("ann", "request", key), NONE, NONE, budget=purse).id

    first = submit("first")
    for _ in range(2):
        with pytest.raises(JobsQueueFull):
            submit("second")
    assert purse.taken == 200
    shelf.ledger.cancel(first)
    shelf.engine.error = BrokerUnavailable("it is away")
    with pytest.raises(BrokerUnavailable):
        submit("second")
    assert purse.taken == 200
    shelf.engine.error = None
    assert submit("second") == submit("second")
    assert purse.taken == 400
    # The job is forgotten between the look at its key and the taking.
    monkeypatch.setattr(jobs, "_repeats", lambda _: True)
    shelf.ledger.cancel(submit("second"))
    submit("third")
    assert purse.taken == 600


def test_a_list_leaves_out_what_is_not_taken_or_deleted(shelf: Shelf) -> None:
    """In the order of its ids, although they are read in parallel."""
    done, waiting = (ended(shelf.ledger, 0), taken(shelf.ledger))
    unaccepted = order()
    add(shelf.ledger, unaccepted, b"source")
    jobs = ResourceJobs(
        cast("Any", SimpleNamespace(ledger=shelf.ledger, engine=shelf.engine)), *cast("Any", [None] * 4)
    )
    listed = jobs.outputs([waiting.id, unaccepted.id, new_id(), done.id])
    assert [(each.id, each.status) for each in listed] == [(waiting.id, JobState.QUEUED), (done.id, JobState.DONE)]


def test_a_job_that_cannot_be_cancelled_is_handed_over_again(tmp_path: Path) -> None:
    """It may have lost its plan, and its messages with that."""
    store = FullStore(tmp_path)
    ledger, engine = Ledger(store, 10_000), Engine()
    jobs = ResourceJobs(cast("Any", SimpleNamespace(ledger=ledger, engine=engine)), *cast("Any", [None] * 4))
    job = half_done(ledger)
    store.filling = ("open/",)
    with pytest.raises(StoreUnavailable):
        jobs.cancel("", job.id)
    assert (engine.given, engine.dropped) == ([job.id], [])
    store.filling = (f"jobs/{job.id}/out/",)
    jobs.cancel("", job.id)
    assert (engine.given, engine.dropped) == ([job.id], [job.id])


def status(state: JobState, created: float, done: int, blocks: int = 4, window: int = 1) -> Status:
    """Where a job of blocks of 10 tiles is, `done` of which are finished, that was planned to take 100 s."""
    plan = Plan(created, tuple(Block(n, n + 1, 10) for n in range(blocks)), window, 100.0)
    end = End(state, created) if state.is_end else None
    return Status(ORDER, state, done * 10, blocks * 10, frozenset(range(done)), plan, end, is_expired=False)


@pytest.mark.parametrize(
    ("done", "tiles", "seconds", "window", "left"),
    [
        (0, 0, 0, 1, 100),  # by the plan
        (0, 0, 0, 5, 25),  # four workers at a time
        (0, 5, 50, 1, 87.5),
        (1, 10, 20, 1, 60),  # by what was measured
        (1, 15, 30, 1, 50),
        (4, 40, 80, 1, 0),
        (1, 10, 0, 1, 0),  # the clock stands still
        (1, 10, -5, 1, 0),  # or was set back
    ],
)
def test_seconds_left(done: int, tiles: int, seconds: float, window: int, left: float) -> None:
    found = seconds_left(status(JobState.RUNNING, 1000.0, done, window=window), tiles, 1000.0 + seconds)
    assert found == pytest.approx(left)


def test_seconds_left_without_tiles() -> None:
    assert seconds_left(status(JobState.RUNNING, 1000.0, 0, blocks=0), 0, 1001.0) == 0
    assert seconds_left(status(JobState.DONE, 1000.0, 4), 40, 1001.0) is None
    assert seconds_left(replace(status(JobState.QUEUED, 1000.0, 0), plan=None), 0, time.time()) is None


@pytest.mark.parametrize(
    ("state", "left", "poll"),
    [
        (JobState.QUEUED, None, MIN_POLL),
        (JobState.RUNNING, 0.0, MIN_POLL),
        (JobState.RUNNING, 18.0, math.ceil(18 / 4)),
        (JobState.RUNNING, 1e6, MAX_POLL),
        (JobState.DONE, None, None),
    ],
)
def test_when_to_ask_again(state: JobState, left: float | None, poll: int | None) -> None:
    assert poll_seconds(JobOutput(id="x", status=state, done=0, total=0, seconds_left=left)) == poll
