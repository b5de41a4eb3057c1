"""Whatever is killed, frozen, full or gone: every job that was accepted ends, once, and right."""

import random
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
from cluster import PICTURES, Cluster
from conftest import wait_for
from faults import Faults

from jobs.broker import BLOCK, JOIN

pytestmark = pytest.mark.timeout(900)
SEEDS = 3
# The number of the block that kills.
POISON_BLOCK = 2


def test_every_job_ends_once_and_right(cluster: Cluster, request: pytest.FixtureRequest) -> None:
    """`--minutes` continues with random seeds."""
    end = time.monotonic() + 60 * request.config.getoption("--minutes")
    chance = random.SystemRandom()
    for turn in count():
        if turn >= SEEDS and time.monotonic() > end:
            break
        seed = turn if turn < SEEDS else chance.randrange(1 << 32)
        break_things(cluster, seed)


def break_things(cluster: Cluster, seed: int) -> None:
    """Faults of two thirds of all kinds, each while jobs are being done; two seeds in a row have each kind."""
    chance = random.Random(seed)
    faults = Faults(cluster, seed)
    started, before, retried = time.monotonic(), cluster.blocks_made(), cluster.retries()
    kinds = [Faults.KINDS[(seed * 3 + place) % len(Faults.KINDS)] for place in range(6)]
    chance.shuffle(kinds)
    jobs: dict[str, int] = {}
    allowed = 0
    # Two at a time: what is hit more often than `MAX_TRIES` counts as poison.
    for some in (kinds[first : first + 2] for first in range(0, len(kinds), 2)):
        open_jobs = dict[str, int]()
        for kind in some:
            for number in range(PICTURES):
                open_jobs[cluster.submit(f"{seed}-{kind}-{number}", number)] = number
            cluster.wait_for_block()
            time.sleep(chance.uniform(0, 0.4))
            allowed += getattr(faults, kind)()
            assert cluster.submit(f"{seed}-{kind}-0", 0) in open_jobs  # what a client does that has lost the answer
            if kind == "service":
                open_jobs[cluster.submit(faults.killed_key, 0)] = 0
        for job_id, number in open_jobs.items():
            cluster.check(job_id, number)
        jobs |= open_jobs
    ends = {job_id: cluster.ledger.store.get(f"jobs/{job_id}/end.json") for job_id in jobs}
    cluster.wait()
    drain(cluster)
    needed = 0
    for job_id in jobs:
        plan = cluster.ledger.plan(job_id)
        assert plan is not None
        assert len(plan.blocks) >= 4, "too few to break anything"
        needed += len(plan.blocks)
        assert cluster.ledger.store.get(f"jobs/{job_id}/end.json") == ends[job_id]
    made, retried = cluster.blocks_made() - before, cluster.retries() - retried
    seconds = time.monotonic() - started
    print(f"seed {seed}: {len(jobs)} jobs, {needed} blocks, made {made}, {len(kinds)} faults, {seconds:.0f} s")
    assert made <= needed + allowed + retried


def drain(cluster: Cluster) -> None:
    """Wait until nothing is left in the queues."""
    end = time.monotonic() + 60
    while cluster.waiting():
        assert time.monotonic() < end, f"{cluster.waiting()} messages are left"
        time.sleep(0.2)


def test_a_block_that_kills_its_worker_fails_its_job_only(cluster: Cluster) -> None:
    """A child is killed whenever it begins a certain block of a job. Where a kill comes too late, with another job."""
    healthy = cluster.submit("healthy", 1)
    for attempt in range(8):
        poisonous = cluster.submit(f"poisonous-{attempt}", 0)
        kill_whoever_begins(cluster, poisonous)
        if (end := cluster.end(poisonous))["status"] == "failed":
            break
    assert end["status"] == "failed"
    assert end["problem"]["code"] == "block_failed"
    cluster.check(healthy, 1)
    drain(cluster)


def kill_whoever_begins(cluster: Cluster, job_id: str) -> None:
    """Kill each child that begins the poisonous block, once each time, until the job has ended."""
    killed = dict.fromkeys(cluster.workers, 0)
    while not cluster.ledger.has_ended(job_id):
        for worker, times in killed.items():
            if (begun := worker.begun(job_id, POISON_BLOCK)) > times:
                worker.kill_child()
                killed[worker] = begun
        time.sleep(0.002)


@pytest.mark.parametrize("seed", range(3))
def test_a_cancelled_job_ends_as_such_or_is_done(cluster: Cluster, seed: int) -> None:
    chance = random.Random(seed)
    cancelled, other = cluster.submit(f"cancelled-{seed}", 0), cluster.submit(f"other-{seed}", 1)
    time.sleep(chance.uniform(0, 2))
    before = cluster.status(cancelled)["status"]
    cluster.cancel(cancelled)
    after = cluster.status(cancelled)
    assert after["status"] in ("cancelled", "done")
    assert "result" not in after, "it is deleted"
    if before == "done":
        assert after["status"] == "done"
    cluster.check(other, 1)
    drain(cluster)
    assert cluster.status(cancelled) == after
    assert not list(cluster.ledger.store.keys(f"jobs/{cancelled}/out/"))


def test_the_same_request_at_the_same_moment_is_one_job(cluster: Cluster) -> None:
    with ThreadPoolExecutor() as pool:
        for turn in range(3):
            requests = [
                pool.submit(service.submit, f"same-{turn}", cluster.pictures[0]) for service in cluster.services
            ]
            answers = [request.result() for request in requests]
            assert [answer.status_code if answer else None for answer in answers] == [202, 202]
            ids = {answer.json()["id"] for answer in answers if answer}
            assert len(ids) == 1
            cluster.check(ids.pop(), 0)


def test_without_a_broker_a_job_is_refused_within_seconds(cluster: Cluster) -> None:
    """Also by one that accepts connections and says nothing."""
    seconds = list[float]()
    for stop in (cluster.broker.freeze, cluster.broker.kill):
        stop()
        started = time.monotonic()
        answer = cluster.services[1].submit(stop.__name__, cluster.pictures[0])
        seconds.append(time.monotonic() - started)
        assert answer is not None
        assert (answer.status_code, answer.json()["code"]) == (503, "broker_unavailable")
    cluster.broker.start()
    print("refused after {:.1f} s (frozen), {:.1f} s (dead)".format(*seconds))
    assert max(seconds) < 20
    cluster.check(cluster.submit("kill", 0), 0)


def test_messages_that_are_wrong_do_no_harm(cluster: Cluster) -> None:
    """Nothing that is published ends a worker, or a job but as it should."""
    workers, dropped = [worker.pid for worker in cluster.workers], cluster.count("a message is dropped")
    job_id = cluster.submit("wrong-messages", 0)
    cluster.wait_for_block()
    wrong = [[], [[None, None, None], {}, {}], [[job_id, "a", 10**6], {}, {}], [[job_id, "a", -1], {}, {}]]
    for body in wrong:
        cluster.publish(BLOCK, body)
    cluster.publish(JOIN, [[job_id, "a"], {}, {}])  # too early
    cluster.check(job_id, 0)
    drain(cluster)
    assert wait_for(lambda: cluster.count("a message is dropped") == dropped + len(wrong))
    assert [worker.pid for worker in cluster.workers if worker.is_running] == workers


def test_a_worker_that_is_told_to_end_finishes_its_block(cluster: Cluster) -> None:
    unfinished = cluster.count(r"block-\d+ begins") - cluster.count(r"block-\d+ done")
    job_id = cluster.submit("graceful", 0)
    cluster.wait_for_block()
    for worker in cluster.workers:
        worker.terminate()
    for worker in cluster.workers:
        worker.wait_for_end()
    assert cluster.count(r"block-\d+ begins") - cluster.count(r"block-\d+ done") == unfinished
    for worker in cluster.workers:
        worker.start()
    cluster.wait()
    cluster.check(job_id, 0)
