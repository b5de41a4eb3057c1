"""Which process does jobs."""

from pathlib import Path

import pytest

from jobs.directory_store import DirectoryStore
from jobs.lease import SECONDS, Lease


class Processes:
    """Leases on one store, by one clock, which tests set."""

    def __init__(self, root: Path) -> None:
        self.now = 1000.0
        self.store = DirectoryStore(root)

    def lease(self) -> Lease:
        return Lease(self.store, lambda: self.now)


@pytest.fixture
def processes(tmp_path: Path) -> Processes:
    return Processes(tmp_path)


def test_one_process_has_it(processes: Processes) -> None:
    one, other = processes.lease(), processes.lease()
    assert one.take()
    assert one.take()
    assert not other.take()
    assert one.is_held
    assert not other.is_held


def test_it_is_given_back_at_once(processes: Processes) -> None:
    one, other = processes.lease(), processes.lease()
    one.take()
    one.release()
    assert not one.is_held
    assert other.take()
    assert not one.renew()
    assert not one.take()


def test_it_is_taken_over_from_a_killed_process_only(processes: Processes) -> None:
    one, other = processes.lease(), processes.lease()
    one.take()
    for _ in range(5):
        assert not other.take()
        processes.now += SECONDS - 1
        assert one.renew()
    assert not other.take()
    processes.now += SECONDS - 1
    assert not other.take()
    assert one.is_held
    processes.now += 1
    assert not one.is_held, "whoever takes over must not find it still held"
    assert other.take()


def test_a_process_that_was_stopped_for_long_finds_out(processes: Processes) -> None:
    one, other = processes.lease(), processes.lease()
    one.take()
    other.take()
    processes.now += SECONDS
    assert other.take()
    assert not one.renew()
    assert not one.take()
    assert other.renew()
    assert len([*processes.store.keys("lease/")]) == 1


def test_a_process_that_was_late_goes_on_if_nobody_took_over(processes: Processes) -> None:
    one, other = processes.lease(), processes.lease()
    one.take()
    processes.now += 10 * SECONDS
    assert not one.is_held
    assert one.take()
    assert not other.take()


def test_of_several_that_take_over_one_does(processes: Processes) -> None:
    processes.lease().take()
    others = [processes.lease() for _ in range(5)]
    assert not any(each.take() for each in others)
    processes.now += SECONDS
    assert [each.take() for each in others].count(True) == 1
    assert [each.is_held for each in others].count(True) == 1


def test_releasing_what_one_does_not_have_takes_it_from_nobody(processes: Processes) -> None:
    one, other = processes.lease(), processes.lease()
    one.take()
    other.release()
    assert not other.take()
    assert one.renew()
