import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import wait_for
from fakes import patience

from superscaling.errors import ClientGone, DeadlinePassed
from superscaling.scheduling import Deadline, FairLock, Timings
from superscaling.scheduling.fair_lock import CHECK_INTERVAL


def run_all(*calls: threading.Thread) -> None:
    for call in calls:
        call.start()
    for call in calls:
        call.join(10)


def test_one_at_a_time_and_turn_by_turn() -> None:
    """While a poster's tiles are worked on, a thumbnail that comes later waits for one of them at most."""
    lock, order, running = FairLock(), [], threading.Lock()
    poster_runs = threading.Event()

    def tile(name: str) -> None:
        assert running.acquire(blocking=False), "two tiles at once"
        order.append(name)
        poster_runs.set()
        time.sleep(0.02)
        running.release()

    def poster() -> None:
        request = patience()
        for _ in range(20):
            lock.run(*request, lambda: tile("poster"))

    def thumbnail() -> None:
        poster_runs.wait()
        lock.run(*patience(), lambda: tile("thumbnail"))

    run_all(threading.Thread(target=poster), threading.Thread(target=thumbnail))
    assert len(order) == 21
    assert order.index("thumbnail") <= 3


def test_two_posters_take_turns() -> None:
    lock, order = FairLock(), []
    both = threading.Barrier(2)

    def poster(name: str) -> None:
        def tile() -> None:
            order.append(name)
            time.sleep(0.01)

        request = patience()
        both.wait()
        for _ in range(10):
            lock.run(*request, tile)

    run_all(*(threading.Thread(target=poster, args=(name,)) for name in "ab"))
    changes = sum(one != other for one, other in itertools.pairwise(order))
    assert changes >= 10  # an unfair lock has one or two


@pytest.mark.parametrize(
    ("deadline", "error"),
    [
        (Deadline(60, None, lambda: True), ClientGone),
        (Deadline(0.0001), DeadlinePassed),
    ],
)
def test_waiting_ends_when_nobody_waits_for_the_answer(deadline: Deadline, error: type[Exception]) -> None:
    lock, release = FairLock(), threading.Event()
    holder = threading.Thread(target=lambda: lock.run(*patience(), release.wait))
    holder.start()
    time.sleep(0.01)
    with pytest.raises(error):
        lock.run(deadline, Timings(), lambda: pytest.fail("it ran"))
    release.set()
    holder.join()
    assert lock.run(*patience(), lambda: "free again") == "free again"


def test_only_whose_turn_it_is_wakes() -> None:
    """Else each of many who wait would look at its client after every tile of the others."""
    lock, release = FairLock(), threading.Event()
    looks: list[list[float]] = []
    holder = threading.Thread(target=lambda: lock.run(*patience(), release.wait))
    holder.start()

    def wait_for_a_turn() -> None:
        mine: list[float] = []
        looks.append(mine)

        def look() -> bool:
            mine.append(time.monotonic())
            return False

        start = time.monotonic()
        lock.run(Deadline(60, None, look), Timings(), lambda: None)
        assert len(mine) <= 1 + (time.monotonic() - start) / CHECK_INTERVAL

    with ThreadPoolExecutor(30) as threads:
        waiting = [threads.submit(wait_for_a_turn) for _ in range(30)]
        assert wait_for(lambda: len(looks) == 30)
        release.set()
        for each in waiting:
            each.result()
    holder.join()
    assert all(looks)


def test_a_failed_call_frees_the_lane() -> None:
    lock = FairLock()
    with pytest.raises(ZeroDivisionError):
        lock.run(*patience(), lambda: 1 // 0)
    assert lock.run(*patience(), lambda: 1) == 1


def test_time_is_accounted_for() -> None:
    deadline, timings = patience()
    FairLock().run(deadline, timings, lambda: time.sleep(0.05))
    assert timings.seconds["infer"] >= 0.05
    assert timings.seconds["queue"] < 0.05
