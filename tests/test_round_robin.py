"""Predicted completion times of images that take turns, against a simulation."""

from collections import deque
from collections.abc import Sequence

import hypothesis
import pytest
from hypothesis import strategies

from superscaling.geometry import Cost
from superscaling.scheduling.round_robin import RemainingWork, after, is_in_time, seconds_until, seconds_until_one_ends

PROPERTY = hypothesis.settings(deadline=None, derandomize=True)
# Seconds per px of the network in these tests.
SECONDS_PER_PIXEL = 0.001


def remaining_of(cost: Cost, until: float = 1000.0) -> RemainingWork:
    return RemainingWork(cost.tiles, cost.area / cost.tiles * SECONDS_PER_PIXEL if cost.tiles else 0.0, until, 1)


def round_robin(costs: Sequence[Cost]) -> list[float]:
    """Simulate when each is done if they arrive in this order and take turns."""
    now, ends = 0.0, [0.0] * len(costs)
    queue = deque((index, cost.tiles) for index, cost in enumerate(costs))
    while queue:
        index, turns = queue.popleft()
        now += costs[index].area / costs[index].tiles * SECONDS_PER_PIXEL
        ends[index] = now
        if turns > 1:
            queue.append((index, turns - 1))
    return ends


COSTS = strategies.lists(
    strategies.builds(
        lambda tiles, area: Cost(tiles, tiles * area), strategies.integers(1, 50), strategies.integers(1, 90_000)
    ),
    min_size=1,
    max_size=8,
)


@PROPERTY
@hypothesis.given(COSTS)
def test_what_is_foretold_comes_true(costs: list[Cost]) -> None:
    """Exact for the last arrival, at most one round too late for earlier ones."""
    a_round = sum(cost.area / cost.tiles for cost in costs) * SECONDS_PER_PIXEL
    ends = round_robin(costs)
    remaining = [remaining_of(cost) for cost in costs]
    foretold = [seconds_until(each.turns, remaining) for each in remaining]
    assert foretold[-1] == pytest.approx(ends[-1])
    assert max(foretold) == pytest.approx(max(ends))
    for end, said in zip(ends, foretold, strict=True):
        assert end <= said * (1 + 1e-9)
        assert said <= end + a_round
    assert seconds_until_one_ends(remaining) == pytest.approx(min(ends), abs=a_round)


@pytest.mark.parametrize("tiles", [1, 2, 10])
def test_the_first_of_equal_pictures_is_done_before_the_last(tiles: int) -> None:
    """If the client waited for all of them, the network would be idle meanwhile."""
    costs = [Cost(tiles, tiles * 500)] * 16
    assert seconds_until_one_ends([remaining_of(cost) for cost in costs]) == pytest.approx(min(round_robin(costs)))


def test_nothing_to_be_shown_takes_no_time() -> None:
    """For example, a constant 16-bit grey image."""
    nothing, something = remaining_of(Cost()), remaining_of(Cost(1, 100))
    assert seconds_until(nothing.turns, [nothing, something]) == seconds_until_one_ends([nothing]) == 0
    assert is_in_time(something, [nothing])


def test_turns_are_taken_by_tile_however_large() -> None:
    """Forty tiny frames wait for forty turns of the others, however short they are themselves."""
    frames, large, larger = Cost(40, 400), remaining_of(Cost(4, 4000)), remaining_of(Cost(90, 90_000))
    assert seconds_until(frames.tiles, [large]) == pytest.approx(4)
    assert seconds_until(frames.tiles, [large, larger]) == pytest.approx(44)
    assert is_in_time(remaining_of(frames, until=45), [large, larger])
    assert not is_in_time(remaining_of(frames, until=44), [large, larger])


def test_nobody_is_made_late() -> None:
    busy = remaining_of(Cost(20, 2000), until=3)
    assert is_in_time(remaining_of(Cost(9, 900)), [busy])
    assert not is_in_time(remaining_of(Cost(11, 1100)), [busy])


def test_who_is_late_anyway_holds_up_nobody() -> None:
    assert is_in_time(remaining_of(Cost(5, 500)), [remaining_of(Cost(20, 2000), until=1)])


def test_what_is_left_once_the_first_are_done() -> None:
    remaining = [remaining_of(Cost(tiles, tiles * 1000)) for tiles in (1, 3, 3, 10)]
    assert after(0, remaining) == remaining
    assert after(1, remaining) == [RemainingWork(turns, 1.0, 996.0, 1) for turns in (2, 2, 9)]
    assert after(3, remaining) == [RemainingWork(7, 1.0, 990.0, 1)]
    assert after(4, remaining) == []
