import itertools
import threading
import time

import pytest
from fakes import patient_work

from errors import ClientGone, DeadlinePassed
from super_resolution.lane import Lane
from super_resolution.work import Work


def run_all(*calls: threading.Thread) -> None:
    for call in calls:
        call.start()
    for call in calls:
        call.join(10)


def test_one_at_a_time_and_turn_by_turn() -> None:
    """While a poster's tiles are worked on, a thumbnail that comes later waits for one of them at most."""
    lane, order, running = Lane(), [], threading.Lock()
    poster_runs = threading.Event()

    def tile(name: str) -> None:
        assert running.acquire(blocking=False), "two tiles at once"
        order.append(name)
        poster_runs.set()
        time.sleep(0.02)
        running.release()

    def poster() -> None:
        work = patient_work()
        for _ in range(20):
            lane.run(work, lambda: tile("poster"))

    def thumbnail() -> None:
        poster_runs.wait()
        lane.run(patient_work(), lambda: tile("thumbnail"))

    run_all(threading.Thread(target=poster), threading.Thread(target=thumbnail))
    assert len(order) == 21
    assert order.index("thumbnail") <= 3


def test_two_posters_take_turns() -> None:
    lane, order = Lane(), []
    both = threading.Barrier(2)

    def poster(name: str) -> None:
        def tile() -> None:
            order.append(name)
            time.sleep(0.01)

        work = patient_work()
        both.wait()
        for _ in range(10):
            lane.run(work, tile)

    run_all(*(threading.Thread(target=poster, args=(name,)) for name in "ab"))
    changes = sum(one != other for one, other in itertools.pairwise(order))
    assert changes >= 10  # an unfair lock has one or two


@pytest.mark.parametrize(
    ("work", "error"),
    [
        (Work(60, "UPSCALER_TIMEOUT", lambda: True), ClientGone),
        (Work(0.0001, "UPSCALER_TIMEOUT", lambda: False), DeadlinePassed),
    ],
)
def test_waiting_ends_when_nobody_waits_for_the_answer(work: Work, error: type[Exception]) -> None:
    lane, release = Lane(), threading.Event()
    holder = threading.Thread(target=lambda: lane.run(patient_work(), release.wait))
    holder.start()
    time.sleep(0.01)
    with pytest.raises(error):
        lane.run(work, lambda: pytest.fail("it ran"))
    release.set()
    holder.join()
    assert lane.run(patient_work(), lambda: "free again") == "free again"


def test_a_failed_call_frees_the_lane() -> None:
    lane = Lane()
    with pytest.raises(ZeroDivisionError):
        lane.run(patient_work(), lambda: 1 // 0)
    assert lane.run(patient_work(), lambda: 1) == 1


def test_time_is_accounted_for() -> None:
    work = patient_work()
    Lane().run(work, lambda: time.sleep(0.05))
    assert work.seconds["infer"] >= 0.05
    assert work.seconds["queue"] < 0.05
