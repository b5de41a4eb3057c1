"""The ledger: transitions of jobs, races between them, and a kill between any two writes."""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from conftest import wait_for
from stored_jobs import (
    HOUR,
    PLAN,
    RESULT,
    FullStore,
    Killed,
    KilledStore,
    all_keys,
    ended,
    half_done,
    id_of,
    order,
    taken,
)

from jobs import room
from jobs.acceptance import accept, add, withdraw
from jobs.deletion import expire, forget, sweep
from jobs.directory_store import DirectoryStore
from jobs.engine import JobEngine
from jobs.housekeeping import Housekeeping
from jobs.ids import is_id, new_id, time_of
from jobs.indices import ended_jobs, expired_jobs, group_jobs, open_jobs
from jobs.ledger import Ledger
from jobs.records import End, Job, to_json
from jobs.store import Store
from jobs.taking import JobTaking
from message_protocol import JobState
from superscaling.errors import (
    IdempotencyMismatch,
    ImageCorrupt,
    JobsQueueFull,
    JobUnknown,
    StoreUnavailable,
)

LIMIT = 10_000


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # slow, and no matter here
    return DirectoryStore(tmp_path)


@pytest.fixture
def ledger(store: Store) -> Ledger:
    return Ledger(store, LIMIT)


def test_ids_are_in_the_order_of_time() -> None:
    before = time.time()
    ids = [new_id() for _ in range(50)]
    assert len(set(ids)) == 50
    assert all(map(is_id, ids))
    assert [each[:9] for each in ids] == sorted(each[:9] for each in ids)
    assert abs(time_of(ids[0]) - before) < 60


@pytest.mark.parametrize("text", ["", "a", "A" * 26, "w" * 26, "a" * 25 + "/", "../" + "a" * 23, "ä" * 26, "a" * 27])
def test_nothing_else_is_an_id(ledger: Ledger, text: str) -> None:
    assert not is_id(text)
    with pytest.raises(JobUnknown):
        ledger.status(text)


def test_the_life_of_a_job(ledger: Ledger) -> None:
    job = order()
    add(ledger, job, b"picture")
    assert not ledger.is_accepted(job.id)
    accept(ledger, job.id)
    assert ledger.is_accepted(job.id)
    assert ledger.status(job.id).state is JobState.QUEUED
    assert ledger.work.source(job.id) == b"picture"
    assert ledger.write_plan(job.id, PLAN) == PLAN
    assert ledger.work.missing(job.id, PLAN) == [0, 1]
    ledger.work.write_block(job.id, 1, b"pixels")
    status = ledger.status(job.id)
    assert (status.state, status.done, status.total, status.finished) == (JobState.RUNNING, 2, 6, frozenset({1}))
    assert ledger.finish_job(job.id, b"result", RESULT)
    status = ledger.status(job.id)
    assert (status.state, status.done, status.end and status.end.result) == (JobState.DONE, 6, RESULT)
    assert ledger.store.get(f"jobs/{job.id}/result") == b"result"
    assert not list(open_jobs(ledger.store))
    assert not list(ledger.store.keys(f"jobs/{job.id}/out/"))


def end_twice(ledger: Ledger, job_id: str) -> list[Callable[[], bool]]:
    return [
        lambda: ledger.finish_job(job_id, b"result", RESULT),
        lambda: ledger.cancel(job_id),
        lambda: ledger.fail(job_id, ImageCorrupt("it is")),
        lambda: ledger.finish_job(job_id, b"result", RESULT),
    ]


def test_a_job_ends_once_and_leaves_nothing_of_other_ends(ledger: Ledger) -> None:
    states = set[JobState]()
    for _ in range(12):
        job = half_done(ledger)
        barrier = threading.Barrier(4)

        def end(act: Callable[[], bool], barrier: threading.Barrier = barrier) -> bool:
            barrier.wait(20)
            return act()

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(end, end_twice(ledger, job.id))).count(True) == 1
        status = ledger.status(job.id)
        states.add(status.state)
        assert ledger.store.has(f"jobs/{job.id}/result") == (status.state is JobState.DONE)
        assert [each.job_id for each in ended_jobs(ledger.store)].count(job.id) == 1
    assert not list(open_jobs(ledger.store))
    assert states


def test_a_result_that_came_too_late_is_deleted(ledger: Ledger) -> None:
    job = half_done(ledger)
    ledger.store.put(f"jobs/{job.id}/result", b"result")  # its process is killed here
    assert ledger.cancel(job.id)
    assert not ledger.store.has(f"jobs/{job.id}/result")


def test_a_result_is_not_replaced(ledger: Ledger) -> None:
    job = half_done(ledger)
    assert ledger.finish_job(job.id, b"result", RESULT)
    assert not ledger.finish_job(job.id, b"other", RESULT)
    assert ledger.store.get(f"jobs/{job.id}/result") == b"result"


def test_a_cancelled_job_that_is_not_cleared_yet_keeps_its_plan(tmp_path: Path) -> None:
    """Its end was written; only the index was not."""
    store = FullStore(tmp_path)
    ledger = Ledger(store, LIMIT)
    job = half_done(ledger)
    store.filling = (f"jobs/{job.id}/end.json",)
    with pytest.raises(StoreUnavailable):
        ledger.cancel(job.id)
    assert ledger.status(job.id).state is JobState.CANCELLED
    assert ledger.is_planned(job.id)


@pytest.mark.parametrize("part", ["in/", "out/"])
def test_a_job_in_a_full_store_can_be_cancelled(tmp_path: Path, part: str) -> None:
    """Its bands and blocks give way to its end."""
    store = FullStore(tmp_path)
    ledger = Ledger(store, LIMIT)
    job = half_done(ledger)
    store.put(f"jobs/{job.id}/in/0-10", b"band")
    store.filling = (f"jobs/{job.id}/{part}",)
    assert ledger.cancel(job.id)
    assert ledger.status(job.id).state is JobState.CANCELLED
    assert not [*open_jobs(store)]
    assert [each.job_id for each in ended_jobs(store)] == [job.id]
    assert not ledger.cancel(job.id)


def test_a_job_that_cannot_be_cancelled_can_still_be_done(tmp_path: Path) -> None:
    """Other jobs fill the store: what was made of this one is made again."""
    store = FullStore(tmp_path)
    ledger = Ledger(store, LIMIT)
    job = half_done(ledger)
    store.filling = ("open/",)
    with pytest.raises(StoreUnavailable):
        ledger.cancel(job.id)
    assert ledger.status(job.id).state is JobState.QUEUED
    assert ledger.work.source(job.id) == b"picture"
    store.filling = ()
    assert ledger.cancel(job.id)


def test_an_end_frees_a_full_store_before_the_indices_are_written(tmp_path: Path) -> None:
    """The last room may have been taken by the end itself."""
    store = FullStore(tmp_path)
    ledger = Ledger(store, LIMIT)
    job = half_done(ledger)
    store.create(f"jobs/{job.id}/end.json", to_json(End(JobState.CANCELLED, time.time())))
    store.filling = (f"jobs/{job.id}/out/",)
    ledger.clear(job.id)
    assert [each.job_id for each in ended_jobs(store)] == [job.id]


@pytest.mark.parametrize("end", [Ledger.cancel, forget])
def test_a_block_that_came_too_late_is_deleted(ledger: Ledger, end: Callable[[Ledger, str], object]) -> None:
    job = half_done(ledger)
    end(ledger, job.id)
    ledger.work.write_block(job.id, 1, b"pixels")
    assert not list(ledger.store.keys(f"jobs/{job.id}/out/"))


def test_a_forgotten_job_does_not_end(ledger: Ledger) -> None:
    job = half_done(ledger)
    forget(ledger, job.id)
    for act in end_twice(ledger, job.id)[1:3]:
        with pytest.raises(JobUnknown):
            act()
    assert all_keys(ledger.store) == []


def test_tries_are_counted_until_a_step_is_finished(ledger: Ledger) -> None:
    job = taken(ledger)
    assert [ledger.work.begin(job.id, "block-1") for _ in range(3)] == [1, 2, 3]
    assert ledger.work.begin(job.id, "block-11") == 1
    ledger.work.finish(job.id, "block-1")
    assert ledger.work.begin(job.id, "block-1") == 1
    assert ledger.work.begin(job.id, "block-11") == 2


# Idempotency-Keys


def test_a_repeated_request_finds_its_job(ledger: Ledger) -> None:
    first = ledger.claims.claim("ann", "key", "a" * 64)
    assert ledger.claims.claim("ann", "key", "a" * 64) == first
    assert ledger.claims.claim("bob", "key", "a" * 64)[0] != first[0]
    assert ledger.claims.claim("ann", "other", "a" * 64)[0] != first[0]
    assert ledger.claims.claim("ann", None, "a" * 64)[1] is None
    with pytest.raises(IdempotencyMismatch):
        ledger.claims.claim("ann", "key", "b" * 64)


def test_requests_at_the_same_moment_get_one_id(ledger: Ledger) -> None:
    with ThreadPoolExecutor(8) as pool:
        for key in map(str, range(10)):
            ids = list(pool.map(lambda _, key=key: ledger.claims.claim("", key, "a")[0], range(8)))
            assert len(set(ids)) == 1


def claimed(ledger: Ledger, age: float = 0.0) -> Job:
    """A job under a key, of a request that came so long ago."""
    _, name = ledger.claims.claim("", "key", "a")
    job = order(age, key=name)
    ledger.store.put(f"keys/{name}", b'{"id":"%s","asked":"a"}' % job.id.encode())
    return job


def test_the_key_of_a_forgotten_job_is_free(ledger: Ledger) -> None:
    job = claimed(ledger)
    add(ledger, job, b"picture")
    accept(ledger, job.id)
    forget(ledger, job.id)
    assert ledger.claims.claim("", "key", "other")[0] != job.id


@pytest.mark.parametrize("age", [0.0, 2 * HOUR])
def test_the_key_of_a_request_that_broke_off_is_free_after_an_hour(ledger: Ledger, age: float) -> None:
    job = claimed(ledger, age)
    assert (ledger.claims.claim("", "key", "a")[0] == job.id) == (age == 0)


def test_the_key_of_an_old_job_is_not_free(ledger: Ledger) -> None:
    job = claimed(ledger, 2 * HOUR)
    add(ledger, job, b"picture")
    accept(ledger, job.id)
    ledger.claims.tidy()
    assert ledger.claims.claim("", "key", "a")[0] == job.id


def test_a_key_that_was_claimed_anew_is_not_released_by_its_former_job(ledger: Ledger) -> None:
    former = claimed(ledger)
    add(ledger, former, b"picture")
    latter = claimed(ledger)
    forget(ledger, former.id)
    assert ledger.claims.claim("", "key", "a")[0] == latter.id


def test_a_claim_that_cannot_be_read_is_replaced(ledger: Ledger) -> None:
    _, name = ledger.claims.claim("", "key", "a")
    ledger.store.put(f"keys/{name}", b"{}")
    first = ledger.claims.claim("", "key", "a")[0]
    assert ledger.claims.claim("", "key", "a")[0] == first


# Withdrawing


def test_an_accepted_job_is_not_withdrawn(ledger: Ledger) -> None:
    job = taken(ledger)
    assert not withdraw(ledger, job.id)
    assert ledger.status(job.id).state is JobState.QUEUED


def test_a_withdrawn_job_is_not_accepted(ledger: Ledger) -> None:
    job = order(group="holiday", webhook="https://example.com/")
    add(ledger, job, b"picture")
    assert withdraw(ledger, job.id)
    assert withdraw(ledger, job.id)
    with pytest.raises(StoreUnavailable, match="send it again"):
        accept(ledger, job.id)
    assert all_keys(ledger.store) == []


def test_one_of_accepting_and_withdrawing_wins(ledger: Ledger) -> None:
    for _ in range(20):
        job = order()
        add(ledger, job, b"picture")
        barrier = threading.Barrier(2)

        def is_accepted(job: Job = job, barrier: threading.Barrier = barrier) -> bool:
            barrier.wait(20)
            try:
                accept(ledger, job.id)
            except StoreUnavailable:
                return False
            return True

        def is_withdrawn(job: Job = job, barrier: threading.Barrier = barrier) -> bool:
            barrier.wait(20)
            return withdraw(ledger, job.id)

        with ThreadPoolExecutor(2) as pool:
            accepting, withdrawing = pool.submit(is_accepted), pool.submit(is_withdrawn)
            assert accepting.result() != withdrawing.result()
        assert bool(list(ledger.store.keys(f"jobs/{job.id}/"))) == accepting.result()


def test_a_job_may_have_ended_before_it_is_accepted(ledger: Ledger) -> None:
    job = order()
    add(ledger, job, b"picture")
    ledger.finish_job(job.id, b"result", RESULT)
    accept(ledger, job.id)
    assert ledger.is_accepted(job.id)


# Room


def test_jobs_queue_full_says_when(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "FRESH_SECONDS", 0.0)
    ledger.room.check(10 * LIMIT)  # the only one
    job = taken(ledger, pixels=LIMIT - 1000)
    ledger.room.check(1000)
    with pytest.raises(JobsQueueFull) as caught:
        ledger.room.check(1001)
    assert caught.value.retry_after == 60
    ledger.write_plan(job.id, PLAN)
    with pytest.raises(JobsQueueFull) as caught:
        ledger.room.check(LIMIT)
    # 12 s of work by two workers for 9000 px, all of which have to be done.
    assert caught.value.retry_after == 6
    assert caught.value.setting == "jobs_queue_pixels"


def test_a_burst_is_counted_at_once(ledger: Ledger) -> None:
    ledger.room.check(1)
    for _ in range(10):
        ledger.room.check_not_full()
        ledger.room.check(1000)
        taken(ledger)
    with pytest.raises(JobsQueueFull):
        ledger.room.check(1000)
    with pytest.raises(JobsQueueFull):
        ledger.room.check_not_full()


def test_whoever_has_seen_a_job_end_may_send_the_next(store: Store, ledger: Ledger) -> None:
    jobs = [taken(ledger) for _ in range(10)]
    with pytest.raises(JobsQueueFull):
        ledger.room.check(1000)
    store.create(f"jobs/{jobs[-1].id}/end.json", to_json(End(JobState.CANCELLED, time.time())))  # elsewhere
    assert ledger.status(jobs[-1].id).state is JobState.CANCELLED
    ledger.room.check(1000)


def test_large_files_count_more_than_their_pixels(ledger: Ledger) -> None:
    taken(ledger, source_bytes=3 * LIMIT - 2)
    assert [each.pixels for each in open_jobs(ledger.store)] == [LIMIT]
    with pytest.raises(JobsQueueFull):
        ledger.room.check(1)


class Watched(KilledStore):
    """A store that counts what it is asked, and can hold up what is put."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, -1)
        self.requests = 0
        self.put_may_end = threading.Event()
        self.put_may_end.set()

    def put(self, key: str, data: bytes | Path) -> None:
        if key.endswith("/source"):
            assert self.put_may_end.wait(60)
        super().put(key, data)

    def size(self, key: str) -> int:
        self.requests += 1
        return super().size(key)

    def get(self, key: str) -> bytes:
        self.requests += 1
        return super().get(key)

    def keys(self, prefix: str, after: str = "") -> Iterator[str]:
        self.requests += 1
        return super().keys(prefix, after)


def test_refusals_ask_the_store_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "FRESH_SECONDS", 60.0)
    watched = Watched(store)
    ledger = Ledger(watched, LIMIT)
    for _ in range(20):
        ledger.write_plan(taken(ledger).id, PLAN)
    watched.requests = 0
    for _ in range(10):
        with pytest.raises(JobsQueueFull):
            ledger.room.check(1000)
    assert watched.requests <= 1


def test_jobs_are_taken_beside_each_other_and_counted_together(store: Store) -> None:
    watched = Watched(store)
    ledger = Ledger(watched, LIMIT)
    ledger.room.check(1)
    watched.put_may_end.clear()
    taking = JobTaking(ledger, cast(JobEngine, SimpleNamespace(submit=lambda job: None, cancelled=lambda job_id: None)))
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(taking.take, order(pixels=LIMIT - 1000), b"slow", None, "a")
        wait_for(lambda: len(list(open_jobs(ledger.store))) == 1, 60)
        second = pool.submit(taking.take, order(pixels=1000), b"slow", None, "b")
        assert wait_for(lambda: len(list(open_jobs(ledger.store))) == 2, 60), "it waits for the first"
        with pytest.raises(JobsQueueFull):
            taking.take(order(pixels=1), b"", None, "c")
        watched.put_may_end.set()
        assert first.result()[1]
        assert second.result()[1]


def test_a_job_that_can_not_be_written_takes_no_room(ledger: Ledger) -> None:
    with pytest.raises(StoreUnavailable), ledger.room.reserved(id_of(time.time()), LIMIT):
        raise StoreUnavailable("full")
    taken(ledger)
    ledger.room.check(LIMIT - 1000)


# Groups and damaged records


def test_groups_are_read_page_by_page(ledger: Ledger) -> None:
    now = time.time()
    ids = [id_of(now + number) for number in range(5)]
    for each in reversed(ids):
        taken(ledger, id=each, owner="ann", group="holiday")
    taken(ledger, owner="bob", group="holiday")
    taken(ledger, owner="ann", group="holiday-2")
    assert list(group_jobs(ledger.store, "ann", "holiday", "", 3)) == ids[:3]
    assert list(group_jobs(ledger.store, "ann", "holiday", ids[2], 3)) == ids[3:]
    assert list(group_jobs(ledger.store, "ann", "other", "", 3)) == []


@pytest.mark.parametrize("record", ["job.json", "plan.json", "end.json"])
@pytest.mark.parametrize("data", [b"", b"{}", b"null", b'{"id":1}', b"\xff", b"[" * 100_000])
def test_damaged_records_are_said_to_be_so(
    ledger: Ledger, caplog: pytest.LogCaptureFixture, record: str, data: bytes
) -> None:
    job = taken(ledger)
    ledger.store.put(f"jobs/{job.id}/{record}", data)
    with pytest.raises(JobUnknown, match="can't be read"):
        ledger.status(job.id)
    assert record in str([vars(each) for each in caplog.records if each.levelno == logging.ERROR])


@pytest.mark.parametrize(
    "name", ["x", "a" * 26, f"{'a' * 26}-x", f"{'a' * 26}-1-2", f"{'a' * 26}-" + "9" * 30, "z" * 26 + "-1"]
)
def test_strange_names_in_indices_are_skipped(ledger: Ledger, name: str) -> None:
    job = taken(ledger)
    for index in ("open", "ended", "expired", "webhooks"):
        ledger.store.put(f"{index}/{name}", b"")
    for number in ("strange", "99", "-1"):
        ledger.store.put(f"jobs/{job.id}/out/{number}", b"")
    ledger.write_plan(job.id, PLAN)
    assert [each.job_id for each in open_jobs(ledger.store)] == [job.id]
    assert not [*ended_jobs(ledger.store), *expired_jobs(ledger.store)]
    assert ledger.status(job.id).done == 0
    assert ledger.work.missing(job.id, PLAN) == [0, 1]
    Housekeeping(ledger, HOUR).tick()


def test_fields_of_a_newer_version_are_ignored(ledger: Ledger) -> None:
    job = taken(ledger)
    key = f"jobs/{job.id}/job.json"
    ledger.store.put(key, ledger.store.get(key)[:-1] + b',"colour":"blue"}')
    assert ledger.status(job.id).job == job


# A kill between any two writes


def killed_at_each_write(store: Store, act: Callable[[Ledger], object], check: Callable[[], None]) -> None:
    """Kill a process before its first write, and so on until it gets to its end; check what is left each time."""
    for writes in count():
        try:
            act(Ledger(KilledStore(store, writes), LIMIT))
        except Killed:
            check()
        else:
            assert writes > 2
            return


AGE = 2 * HOUR


def test_killed_while_taking(store: Store, ledger: Ledger) -> None:
    def take(killed: Ledger) -> None:
        _, name = killed.claims.claim("", "key", "a")
        job = order(AGE, key=name, group="holiday", webhook="https://example.com/")
        store.put(f"keys/{name}", b'{"id":"%s","asked":"a"}' % job.id.encode())
        add(killed, job, b"picture")
        accept(killed, job.id)

    def check() -> None:
        Housekeeping(ledger, HOUR).tick()
        assert [key for key in all_keys(store) if not key.startswith("keys/")] == []
        assert len(list(store.keys("keys/"))) <= 1  # of the request that has just begun
        store.delete("keys/")

    killed_at_each_write(store, take, check)
    assert len(list(open_jobs(ledger.store))) == 1


@pytest.mark.parametrize(
    "end",
    [
        lambda ledger, job_id: ledger.finish_job(job_id, b"result", RESULT),
        Ledger.cancel,
        lambda ledger, job_id: ledger.fail(job_id, ImageCorrupt("it is")),
    ],
)
def test_killed_while_ending(store: Store, ledger: Ledger, end: Callable[[Ledger, str], bool]) -> None:
    jobs = list[Job]()

    def act(killed: Ledger) -> None:
        jobs.append(half_done(ledger, webhook="https://example.com/", group="holiday"))
        end(killed, jobs[-1].id)

    def check() -> None:
        job = jobs[-1]
        if not ledger.has_ended(job.id):  # the step is run again
            end(ledger, job.id)
        Housekeeping(ledger, HOUR).tick()
        state = ledger.status(job.id).state
        assert state.is_end
        names = {key.rpartition("/")[2] for key in store.keys(f"jobs/{job.id}/")}
        assert names == {"job.json", "accepted", "plan.json", "end.json"} | (
            {"result"} if state is JobState.DONE else set()
        )
        assert [each.job_id for each in ended_jobs(ledger.store)].count(job.id) == 1
        assert not list(open_jobs(ledger.store))
        assert len([key for key in store.keys("webhooks/") if job.id in key]) == 1

    killed_at_each_write(store, act, check)


def test_killed_while_expiring(store: Store, ledger: Ledger) -> None:
    jobs = list[Job]()

    def act(killed: Ledger) -> None:
        jobs.append(ended(ledger, AGE))
        expire(killed, jobs[-1].id)

    def check() -> None:
        Housekeeping(ledger, HOUR).tick()
        assert ledger.status(jobs[-1].id).is_expired
        assert not store.has(f"jobs/{jobs[-1].id}/result")
        assert not list(ended_jobs(ledger.store))
        assert [each.job_id for each in expired_jobs(ledger.store)].count(jobs[-1].id) == 1

    killed_at_each_write(store, act, check)


def test_killed_while_forgetting(store: Store, ledger: Ledger) -> None:
    def act(killed: Ledger) -> None:
        job = ended(ledger, 8 * HOUR, group="holiday", key=ledger.claims.claim("", "key", "a")[1])
        expire(ledger, job.id)
        forget(killed, job.id)

    def check() -> None:
        Housekeeping(ledger, HOUR).tick()
        assert [key for key in all_keys(store) if not key.startswith("keys/")] == []

    killed_at_each_write(store, act, check)


def test_killed_while_withdrawing(store: Store, ledger: Ledger) -> None:
    def act(killed: Ledger) -> None:
        job = order(AGE, group="holiday")
        add(ledger, job, b"picture")
        withdraw(killed, job.id)

    def check() -> None:
        Housekeeping(ledger, HOUR).tick()
        assert all_keys(store) == []

    killed_at_each_write(store, act, check)
    assert all_keys(store) == []


def test_killed_while_forgetting_what_cannot_be_read(store: Store, ledger: Ledger) -> None:
    def act(killed: Ledger) -> None:
        job = ended(ledger, 2 * HOUR)
        store.delete(f"jobs/{job.id}/job.json")
        Housekeeping(killed, HOUR).tick()

    def check() -> None:
        Housekeeping(ledger, HOUR).tick()
        assert all_keys(store) == []

    killed_at_each_write(store, act, check)
    check()


# What is written of a job while others forget it


def in_scratch(store: Store) -> Path:
    path = store.scratch / "band"
    path.write_bytes(b"samples")
    return path


def test_a_withdrawn_job_is_not_planned(store: Store, ledger: Ledger) -> None:
    """The broker had its message, but did not say so in time."""
    job = order()
    add(ledger, job, b"picture")
    withdraw(ledger, job.id)
    ledger.work.write_band(job.id, "0-9", in_scratch(store))
    with pytest.raises(JobUnknown):
        ledger.write_plan(job.id, PLAN)
    with pytest.raises(JobUnknown):
        ledger.finish_job(job.id, b"result", RESULT)
    assert all_keys(store) == []


def test_a_band_that_came_too_late_is_deleted(store: Store, ledger: Ledger) -> None:
    job = half_done(ledger)
    ledger.cancel(job.id)
    ledger.work.write_band(job.id, "0-9", in_scratch(store))
    assert not list(store.keys(f"jobs/{job.id}/in/"))


@pytest.mark.parametrize(("age", "is_kept"), [(0.0, True), (3 * HOUR, False)])
def test_what_is_left_of_a_job_is_deleted(store: Store, ledger: Ledger, age: float, is_kept: bool) -> None:
    kept = taken(ledger, 3 * HOUR)
    job = order(age)
    ledger.work.note_published(job.id, "a.0")
    sweep(ledger)
    assert store.has(f"jobs/{job.id}/published/a.0") == is_kept
    assert ledger.work.source(kept.id) == b"picture"


def test_a_store_is_told_from_others(tmp_path: Path, store: Store, ledger: Ledger) -> None:
    other = Ledger(DirectoryStore(tmp_path / "other"), LIMIT)
    assert not ledger.identity.is_store("0" * 32)
    assert not store.has("store-id"), "only who takes jobs decides it"
    with ThreadPoolExecutor(8) as pool:
        (name,) = set(pool.map(lambda _: Ledger(store, LIMIT).identity.store_id(), range(8)))
    assert ledger.identity.is_store(name)
    assert not other.identity.is_store(name)
    assert other.identity.store_id() != name


def test_failures_of_a_step_are_counted_with_their_time(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    job = taken(ledger)
    now = time.time()
    for number, seconds in enumerate((0.0, 1.5, 600.0), 1):
        monkeypatch.setattr("time.time", lambda seconds=seconds: now + seconds)
        failures, passed = ledger.work.note_failure(job.id, "block-1")
        assert failures == number
        assert passed == pytest.approx(seconds, abs=0.01)
    assert ledger.work.note_failure(job.id, "block-11")[0] == 1
    assert ledger.work.begin(job.id, "block-1") == 1, "that is another count"
    ledger.cancel(job.id)
    assert [*ledger.store.keys(f"jobs/{job.id}/tries/")] == []


@pytest.mark.parametrize("writes", range(6))
def test_killed_while_a_plan_is_deleted(ledger: Ledger, writes: int) -> None:
    """No block of the former plan is left without it: the next one would have it as its own."""
    job = half_done(ledger)
    with contextlib.suppress(Killed):
        Ledger(KilledStore(ledger.store, writes), 10**9).unplan(job.id)
    ledger.forget_plans()
    assert ledger.plan(job.id) is not None or not ledger.work.finished(job.id)
    ledger.unplan(job.id)
    assert (ledger.plan(job.id), ledger.work.finished(job.id)) == (None, frozenset())
    assert ledger.work.source(job.id) == b"picture"
