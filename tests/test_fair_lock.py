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


def test_a_failed_call_frees_the_lock() -> None:
    lock = FairLock()
    with pytest.raises(ZeroDivisionError):
        lock.run(*patience(), lambda: 1 // 0)
    assert lock.run(*patience(), lambda: 1) == 1


def test_time_is_accounted_for() -> None:
    deadline, timings = patience()
    FairLock().run(deadline, timings, lambda: time.sleep(0.05))
    assert timings.seconds["infer"] >= 0.05
    assert timings.seconds["queue"] < 0.05


class Turns:
    """Threads that want the lock, one turn each, in the order in which they came; a clock that tests set.

    `order`: of the turns that were begun.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.order: list[str] = []
        self._lock = FairLock(lambda: self.now)
        self._threads: list[threading.Thread] = []

    def want(self, name: str, *, is_background: bool = False) -> threading.Event:
        """Come to the queue. Setting the event ends the turn once it is begun."""
        end = threading.Event()
        deadline = Deadline(60, is_background=is_background)

        def turn() -> None:
            self.order.append(name)
            assert end.wait(60)

        thread = threading.Thread(target=self._lock.run, args=(deadline, Timings(), turn))
        waiting = self.waiting()
        thread.start()
        self._threads.append(thread)
        assert wait_for(lambda: name in self.order or self.waiting() > waiting, 60, 0.001)
        return end

    def waiting(self) -> int:
        return len(self._lock._requests) + len(self._lock._background)

    def begun(self, *names: str) -> bool:
        """Whether these turns are begun, in this order, at once or soon."""
        return wait_for(lambda: self.order == list(names), 60, 0.001)

    def finish(self) -> None:
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()


def test_background_work_waits_for_all_requests() -> None:
    turns = Turns()
    job_1 = turns.want("job-1", is_background=True)
    turns.now = 1.0  # so long its tile took
    job_2 = turns.want("job-2", is_background=True)
    request_1, request_2 = turns.want("request-1"), turns.want("request-2")
    job_1.set()
    assert turns.begun("job-1", "request-1"), "a request waits for one tile of a job at most"
    turns.now = 2.0
    request_1.set()
    assert turns.begun("job-1", "request-1", "request-2"), "a job waits for all requests"
    turns.now = 2.5
    request_2.set()
    time.sleep(0.05)  # a request whose tile was done just now is about to ask for the next
    assert turns.order == ["job-1", "request-1", "request-2"]
    turns.now = 3.0
    assert turns.begun("job-1", "request-1", "request-2", "job-2"), "no request came"
    job_2.set()
    turns.finish()


def test_background_work_has_a_tenth_of_the_time() -> None:
    turns = Turns()
    job_1 = turns.want("job-1", is_background=True)
    turns.now = 1.0
    job_2 = turns.want("job-2", is_background=True)
    requests = [turns.want(f"request-{number}") for number in range(3)]
    job_1.set()
    assert turns.begun("job-1", "request-0")
    turns.now = 9.9
    requests[0].set()
    assert turns.begun("job-1", "request-0", "request-1")
    turns.now = 10.0
    requests[1].set()
    assert turns.begun("job-1", "request-0", "request-1", "job-2"), "it has waited nine times as long as its turn took"
    job_2.set()
    assert turns.begun("job-1", "request-0", "request-1", "job-2", "request-2")
    requests[2].set()
    turns.finish()


def test_the_first_background_work_waits_for_requests_as_well() -> None:
    """How long it takes is not known yet, so as long as a request's tile is assumed."""
    turns = Turns()
    names = [f"request-{number}" for number in range(11)]
    requests = [turns.want(name) for name in names]
    job = turns.want("job", is_background=True)
    for number in range(9):
        assert turns.begun(*names[: number + 1])
        turns.now += 1.0
        requests[number].set()
    assert turns.begun(*names[:9], "job"), "it has waited nine times as long"
    for end in (job, *requests[9:]):
        end.set()
    turns.finish()


def test_a_tiny_tile_does_not_make_the_next_one_come_early() -> None:
    turns = Turns()
    job_1 = turns.want("job-1", is_background=True)
    turns.now = 1.0
    job_1.set()
    turns.finish()
    job_2 = turns.want("job-2", is_background=True)
    turns.now = 1.001
    job_3 = turns.want("job-3", is_background=True)
    requests = [turns.want(f"request-{number}") for number in range(2)]
    job_2.set()
    assert turns.begun("job-1", "job-2", "request-0")
    turns.now = 5.0  # it has waited a thousand times as long as its tiny tile took, eight times half of the one before
    requests[0].set()
    assert turns.begun("job-1", "job-2", "request-0", "request-1")
    turns.now = 5.6
    requests[1].set()
    job_3.set()
    assert turns.begun("job-1", "job-2", "request-0", "request-1", "job-3")
    turns.finish()


def test_background_work_begins_as_soon_as_no_request_is_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not at its next look around: how long a request's turn will take is not known when it goes to sleep."""
    monkeypatch.setattr("superscaling.scheduling.fair_lock.CHECK_INTERVAL", 60.0)
    lock, runs, release = FairLock(), threading.Event(), threading.Event()

    def tile() -> None:
        runs.set()
        release.wait(60)

    request = threading.Thread(target=lambda: lock.run(*patience(), tile))
    request.start()
    assert runs.wait(60)
    begun = threading.Event()
    job = threading.Thread(target=lock.run, args=(Deadline(is_background=True), Timings(), begun.set))
    job.start()
    assert wait_for(lambda: bool(lock._background), 60, 0.001)
    time.sleep(0.05)  # it sleeps
    release.set()
    assert begun.wait(20)
    request.join(60)
    job.join(60)


def test_background_work_that_is_given_up_leaves_nothing_behind() -> None:
    lock, release = FairLock(), threading.Event()
    holder = threading.Thread(target=lambda: lock.run(*patience(), release.wait))
    holder.start()
    with pytest.raises(ClientGone):
        lock.run(Deadline(60, None, lambda: True, is_background=True), Timings(), lambda: pytest.fail("it ran"))
    release.set()
    holder.join(60)
    assert lock.run(Deadline(60, is_background=True), Timings(), lambda: 1) == 1
    assert lock.run(*patience(), lambda: 2) == 2
