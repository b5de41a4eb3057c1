"""Whatever is killed, frozen, full or gone: every job that was accepted ends, once, and right."""

import random
import time
from itertools import count

import pytest
from cluster import PICTURES, Cluster
from faults import Faults

from message_protocol import JobState

pytestmark = pytest.mark.timeout(900)
# The number of the block that kills.
POISON_BLOCK = 2


def test_every_job_ends_once_and_right(cluster: Cluster, request: pytest.FixtureRequest) -> None:
    """`--minutes` continues with random seeds."""
    end = time.monotonic() + 60 * request.config.getoption("--minutes")
    chance = random.SystemRandom()
    for turn in count():
        if turn >= 3 and time.monotonic() > end:
            break
        seed = turn if turn < 3 else chance.randrange(1 << 32)
        break_things(cluster, seed)


def break_things(cluster: Cluster, seed: int) -> None:
    """Faults of two thirds of all kinds, each while jobs are being done; three seeds in a row have each kind twice."""
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
            if kind == "api":
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
    """A child is killed whenever it begins a certain block of a job."""
    poisonous, healthy = cluster.submit("poisonous", 0), cluster.submit("healthy", 1)
    tries = f"jobs/{poisonous}/tries/"
    seen = set[str]()
    while not cluster.ledger.has_ended(poisonous):
        begun = {key for key in cluster.ledger.store.keys(tries) if f"/block-{POISON_BLOCK}." in key}
        if begun - seen:
            seen |= begun
            for worker in cluster.workers:
                if worker.is_at(poisonous, POISON_BLOCK):
                    worker.kill_child()
        time.sleep(0.01)
    end = cluster.end(poisonous)
    assert end.state is JobState.FAILED
    assert end.failure is not None
    assert end.failure.code == "block_failed"
    cluster.check(healthy, 1)
    drain(cluster)


@pytest.mark.parametrize("seed", range(3))
def test_a_cancelled_job_ends_as_such_or_is_done(cluster: Cluster, seed: int) -> None:
    chance = random.Random(seed)
    cancelled, other = cluster.submit(f"cancelled-{seed}", 0), cluster.submit(f"other-{seed}", 1)
    time.sleep(chance.uniform(0, 2))
    is_ours = cluster.ledger.cancel(cancelled)
    assert cluster.end(cancelled).state is (JobState.CANCELLED if is_ours else JobState.DONE)
    cluster.check(other, 1)
    drain(cluster)
    assert not list(cluster.ledger.store.keys(f"jobs/{cancelled}/out/"))


def test_the_same_request_at_the_same_moment_is_one_job(cluster: Cluster) -> None:
    for turn in range(5):
        for api in cluster.apis:
            api.begin(f"same-{turn}", cluster.pictures[0])
        answers = {api.finish() for api in cluster.apis}
        assert len(answers) == 1
        job_id = answers.pop()
        assert job_id
        cluster.check(job_id, 0)


def test_without_a_broker_a_job_is_refused_within_seconds(cluster: Cluster) -> None:
    """Also by one that accepts connections and says nothing."""
    cluster.broker.freeze()
    started = time.monotonic()
    cluster.apis[1].begin("frozen", cluster.pictures[0])
    assert cluster.apis[1].finish() is None
    frozen = time.monotonic() - started
    cluster.broker.kill()
    started = time.monotonic()
    cluster.apis[1].begin("dead", cluster.pictures[0])
    assert cluster.apis[1].finish() is None
    dead = time.monotonic() - started
    cluster.broker.start()
    print(f"refused after {frozen:.1f} s (frozen), {dead:.1f} s (dead)")
    assert max(frozen, dead) < 20
    cluster.check(cluster.submit("dead", 0), 0)


def test_a_worker_that_is_told_to_end_finishes_its_block(cluster: Cluster) -> None:
    job_id = cluster.submit("graceful", 0)
    unfinished = cluster.count(r"block-\d+ begins") - cluster.count(r"block-\d+ done")
    cluster.wait_for_block()
    for worker in cluster.workers:
        worker.stop()
    assert cluster.count(r"block-\d+ begins") - cluster.count(r"block-\d+ done") == unfinished
    for worker in cluster.workers:
        worker.start()
    cluster.wait()
    cluster.check(job_id, 0)
