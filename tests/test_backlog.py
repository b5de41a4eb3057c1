import threading
import time

import pytest

from errors import QueueFull
from super_resolution.backlog import MARGIN, Backlog, Entry
from super_resolution.work import Work

# In these tests the network needs so many seconds for a px, whatever else it takes.
SECONDS_PER_PIXEL = 0.001


def backlog_of(most_pixels: int = 10**9) -> Backlog:
    return Backlog(most_pixels, lambda area: area * SECONDS_PER_PIXEL / MARGIN)


def work_of(timeout: float = 1000.0) -> Work:
    return Work(timeout, "UPSCALER_TIMEOUT", lambda: False)


def test_pixels_in_memory_are_bounded() -> None:
    backlog = backlog_of(1000)
    with backlog.admitted(work_of(), 600, 600), backlog.admitted(work_of(), 400, 400):
        assert (backlog.requests, backlog.pixels) == (2, 1000)
        with pytest.raises(QueueFull) as refused, backlog.admitted(work_of(), 1, 1):
            pass
        assert (refused.value.limit, refused.value.actual) == (1000, 1001)
        assert refused.value.setting == "UPSCALER_QUEUE_PIXELS"
        assert "UPSCALER_QUEUE_PIXELS" in refused.value.detail
    assert (backlog.requests, backlog.pixels, backlog.seconds) == (0, 0, 0)


def test_one_alone_may_have_more() -> None:
    backlog = backlog_of(1000)
    with backlog.admitted(work_of(), 5000, 5000), pytest.raises(QueueFull), backlog.admitted(work_of(), 1, 1):
        pass


@pytest.mark.parametrize(
    ("held", "timeout", "area", "wait"),
    [
        ([], 1.0, 5000, 0),  # whether a picture alone is too much is for others to say
        ([2000], 3.0, 1000, 0),  # takes turns with the other: done after 1 + 1 s
        ([2000], 3.0, 1600, 2),  # would be done after 1.6 + 1.6 s
        ([2000, 2000], 3.0, 1400, 4),  # until both are done, which advance together
        ([500, 4000], 3.0, 1400, 1),  # once the smaller is done, after 2 x 0.5 s: 1.4 + 1.4 s
    ],
)
def test_time_is_bounded(held: list[int], timeout: float, area: int, wait: int) -> None:
    backlog = backlog_of()
    admitted = [backlog.admitted(work_of(), each, each) for each in held]
    for each in admitted:
        each.__enter__()
    entry = Entry(work_of(timeout), area, area)
    assert backlog.would_admit(entry) == (wait == 0)
    if wait:
        with pytest.raises(QueueFull) as refused, backlog.admitted(entry.work, area, area):
            pass
        assert refused.value.retry_after == wait
        assert refused.value.setting is None
    for each in admitted:
        each.__exit__(None, None, None)


def test_nobody_who_was_admitted_is_made_late() -> None:
    backlog = backlog_of()
    with backlog.admitted(work_of(3.0), 2000, 2000):
        assert backlog.would_admit(Entry(work_of(), 900, 900))
        assert not backlog.would_admit(Entry(work_of(), 1100, 1100))


def test_who_is_late_anyway_holds_up_nobody() -> None:
    backlog = backlog_of()
    with backlog.admitted(work_of(1.0), 2000, 2000):
        assert backlog.would_admit(Entry(work_of(), 500, 500))


def test_finished_tiles_count() -> None:
    backlog = backlog_of()
    work = work_of()
    with backlog.admitted(work, 4000, 4000) as entry:
        assert backlog.seconds_left(entry) == pytest.approx(4)
        work.expect(4)
        work.tiles_done = 3
        assert backlog.seconds_left(entry) == backlog.seconds == pytest.approx(1)
        entry.area = 8000  # the network has to see it twice
        assert backlog.seconds == pytest.approx(2)
        assert backlog.seconds_until_one_ends() == pytest.approx(2)


def test_a_failed_request_gives_its_room_back() -> None:
    backlog = backlog_of()
    with pytest.raises(ZeroDivisionError), backlog.admitted(work_of(), 1, 1):
        _ = 1 // 0
    assert (backlog.requests, backlog.seconds_until_one_ends()) == (0, 0)


def test_many_at_once() -> None:
    """However they come, no more are in than fit."""
    backlog, most, refused = backlog_of(5), 0, 0
    lock = threading.Lock()

    def ask() -> None:
        nonlocal most, refused
        try:
            with backlog.admitted(work_of(), 1, 1):
                with lock:
                    most = max(most, backlog.requests)
                time.sleep(0.01)
        except QueueFull:
            with lock:
                refused += 1

    threads = [threading.Thread(target=ask) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= most <= 5
    assert refused + most <= 40
    assert backlog.requests == 0
