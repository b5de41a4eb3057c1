"""Housekeeping: what it deletes and when, what it mends, and what it leaves alone."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from conftest import wait_for
from stored_jobs import HOUR, all_keys, ended, half_done, id_of, order, taken

from jobs import claims, housekeeping
from jobs.acceptance import add
from jobs.directory_store import DirectoryStore
from jobs.housekeeping import FORGET_AFTER, Housekeeping
from jobs.indices import group_jobs, open_jobs
from jobs.ledger import Ledger
from jobs.records import Claim, End, to_json
from jobs.webhooks import Webhooks
from message_protocol import JobState
from superscaling.errors import JobUnknown, StoreUnavailable

KEEP = HOUR


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # slow, and no matter here
    return Ledger(DirectoryStore(tmp_path / "store"), 1_000_000)


@pytest.mark.parametrize(
    ("age", "is_expired", "is_known"),
    [(0.0, False, True), (0.9, False, True), (1.1, True, True), (6.9, True, True), (FORGET_AFTER + 0.1, True, False)],
)
def test_jobs_expire_and_are_forgotten(ledger: Ledger, age: float, is_expired: bool, is_known: bool) -> None:
    job = ended(ledger, age * KEEP, group="holiday")
    Housekeeping(ledger, KEEP).tick()
    assert ledger.store.has(f"jobs/{job.id}/result") != is_expired
    if is_known:
        status = ledger.status(job.id)
        assert (status.state, status.is_expired) == (JobState.DONE, is_expired)
        assert group_jobs(ledger.store, "", "holiday", "", 10) == [job.id]
    else:
        with pytest.raises(JobUnknown):
            ledger.status(job.id)
        assert all_keys(ledger.store) == []


def test_open_jobs_are_kept_however_old(ledger: Ledger) -> None:
    jobs = [taken(ledger, 100 * KEEP), half_done(ledger, 100 * KEEP)]
    keeping = Housekeeping(ledger, KEEP)
    for _ in range(2):
        keeping.tick()
    assert [ledger.status(job.id).state for job in jobs] == [JobState.QUEUED, JobState.RUNNING]


@pytest.mark.parametrize(("age", "is_kept"), [(0.0, True), (0.9 * HOUR, True), (1.1 * HOUR, False)])
def test_what_was_never_accepted_is_forgotten(ledger: Ledger, age: float, is_kept: bool) -> None:
    job = order(age)
    add(ledger, job, b"picture")
    Housekeeping(ledger, KEEP).tick()
    assert bool(all_keys(ledger.store)) == is_kept


def test_one_job_that_cannot_be_read_keeps_no_other_waiting(ledger: Ledger) -> None:
    first, second = ended(ledger, 3 * KEEP), ended(ledger, 2 * KEEP)
    ledger.store.put(f"jobs/{first.id}/job.json", b"of a version to come")
    Housekeeping(ledger, KEEP).tick()
    assert ledger.status(second.id).is_expired
    assert ledger.store.has(f"jobs/{first.id}/job.json")


def test_one_job_that_cannot_be_read_is_forgotten_in_the_end(ledger: Ledger) -> None:
    job = ended(ledger, (FORGET_AFTER + 1) * KEEP)
    ledger.store.put(f"jobs/{job.id}/job.json", b"of a version to come")
    Housekeeping(ledger, KEEP).tick()
    assert all_keys(ledger.store) == []


def test_several_processes_do_no_harm(ledger: Ledger, tmp_path: Path) -> None:
    kept = [ended(ledger, 0) for _ in range(3)] + [ended(ledger, 2 * KEEP) for _ in range(5)]
    for _ in range(5):
        ended(ledger, 8 * KEEP, group="holiday")
    others = [Housekeeping(Ledger(DirectoryStore(tmp_path / "store"), 1), KEEP) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(Housekeeping.tick, others))
    assert [ledger.status(job.id).is_expired for job in kept] == [False] * 3 + [True] * 5
    assert {key.split("/")[1] for key in ledger.store.keys("jobs/")} == {job.id for job in kept}
    assert not group_jobs(ledger.store, "", "holiday", "", 10)


def test_a_download_goes_on_while_its_job_expires(ledger: Ledger, tmp_path: Path) -> None:
    job = ended(ledger, 2 * KEEP)
    with ledger.store.fetch(f"jobs/{job.id}/result", tmp_path / "fetched").open("rb") as file:
        assert file.read(3) == b"res"
        Housekeeping(ledger, KEEP).tick()
        assert file.read() == b"ult"


def test_the_thread_survives_a_store_that_is_gone(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(housekeeping, "WEBHOOK_INTERVAL", 0.01)
    monkeypatch.setattr(housekeeping, "INTERVAL", 0.01)
    job = ended(ledger, 2 * KEEP)
    (tmp_path / "store").rename(tmp_path / "elsewhere")
    keeping = Housekeeping(ledger, KEEP)
    with pytest.raises(StoreUnavailable):
        keeping.tick()
    keeping.start()
    assert wait_for(lambda: "housekeeping waits for the store" in caplog.text, 60)
    (tmp_path / "elsewhere").rename(tmp_path / "store")
    assert wait_for(lambda: ledger.status(job.id).is_expired, 60)
    before = time.monotonic()
    keeping.stop()
    assert time.monotonic() - before < 20


def test_a_round_looks_at_some_jobs_and_the_next_at_others(ledger: Ledger) -> None:
    jobs = [taken(ledger, (10 - number) * HOUR) for number in range(5)]
    for job in jobs:
        ledger.store.create(f"jobs/{job.id}/end.json", to_json(End(JobState.CANCELLED, time.time())))
    jobs.insert(2, taken(ledger, 7.5 * HOUR))
    keeping = Housekeeping(ledger, KEEP)
    counts = []
    for _ in range(4):
        keeping.mend(2)
        counts.append(len(list(open_jobs(ledger.store))))
    assert counts == [4, 3, 1, 1]


def test_all_claims_are_looked_at_in_turn(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "MAX_TIDIED", 2)
    for number in range(5):
        claim = to_json(Claim(id_of(time.time() - 2 * HOUR), "a"))
        ledger.store.put(f"keys/{number}", claim)
    counts = []
    for _ in range(3):
        ledger.claims.tidy()
        counts.append(len(list(ledger.store.keys("keys/"))))
    assert counts == [3, 1, 0]


def test_webhooks_do_not_wait_for_the_rest(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "WEBHOOK_INTERVAL", 0.01)
    may_end, rounds = threading.Event(), list[None]()
    monkeypatch.setattr("jobs.housekeeping.open_jobs", lambda *_: iter([may_end.wait(60)][:0]))
    keeping = Housekeeping(ledger, KEEP, cast(Webhooks, SimpleNamespace(deliver=lambda: rounds.append(None))))
    keeping.start()
    assert wait_for(lambda: len(rounds) > 3, 60)
    may_end.set()
    keeping.stop()


def test_it_may_be_stopped_before_it_was_started(ledger: Ledger) -> None:
    Housekeeping(ledger, KEEP).stop()
