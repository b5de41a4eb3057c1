"""The geometry of passes: whatever the sizes, parts fill the result once and see what they need."""

import itertools
import time

import hypothesis
import numpy as np
import pytest
from fakes import upscaler_with
from hypothesis import strategies

from superscaling.enlarging.corrections import REACH
from superscaling.enlarging.passes import MAX_PART_EDGE, Passes
from superscaling.geometry import Box, Cost
from superscaling.pictures import LANCZOS_SUPPORT, Size

PROPERTY = hypothesis.settings(max_examples=60, deadline=None, derandomize=True)
SIDES = strategies.integers(1, 150)
FACTORS = strategies.floats(1, 8)
NETWORKS = strategies.tuples(
    strategies.sampled_from([2, 3, 4]), strategies.sampled_from([0, 1, 9, 24]), strategies.sampled_from([16, 32, 300])
)


def passes_of(network: tuple[int, int, int], size: Size, factors: tuple[float, float]) -> Passes:
    result = tuple(max(side, round(side * factor)) for side, factor in zip(size, factors, strict=True))
    return Passes(*network, size, (result[0], result[1]))


@PROPERTY
@hypothesis.given(NETWORKS, strategies.tuples(SIDES, SIDES), strategies.tuples(FACTORS, FACTORS))
def test_parts(network: tuple[int, int, int], size: Size, factors: tuple[float, float]) -> None:
    scale, halo, _ = network
    passes = passes_of(network, size, factors)
    parts = list(passes.parts(Box(0, 0, *size)))
    filled = np.zeros(passes.result, int)
    for part in parts:
        filled[passes.place(part.core).slices] += 1
    assert (filled == 1).all(), "the places partition the result"
    assert passes.cost == sum(map(passes.cost_of, parts), Cost()), "the cost is that of all parts"
    for number, windows in enumerate(zip(*(part.windows[:-1] for part in parts), strict=True)):
        assert len({window.size for window in windows}) == 1, "all windows of a pass have one shape"
        for part in parts:
            _check_context(part.windows[number], part.windows[number + 1], size, max(halo, REACH) / scale**number)
    if passes.is_reduced:
        for part in parts:
            assert part.windows[-1].area * passes.factor**2 <= (MAX_PART_EDGE + 2 * passes.factor) ** 2
            _check_reduction(passes, passes.place(part.core), part.windows[-1], size)


def _check_context(window: Box, wanted: Box, size: Size, context: float) -> None:
    """What is wanted lies in the window, with its context unless the picture ends there."""
    assert window.within(wanted) == wanted
    assert window.within(Box(0, 0, *size)) == window
    for near, far, end in (
        (wanted.top - window.top, window.top, 0),
        (wanted.left - window.left, window.left, 0),
        (window.bottom - wanted.bottom, window.bottom, size[0]),
        (window.right - wanted.right, window.right, size[1]),
    ):
        assert near >= context or far == end


def _check_reduction(passes: Passes, place: Box, shown: Box, size: Size) -> None:
    """The kernel of every pixel of a place lies in what is reduced, or ends with the picture."""
    left, top, right, bottom = passes.source(place, shown.scaled(passes.factor))
    for start, end, length, first, last, side, result in (
        (top, bottom, shown.size[0], shown.top, shown.bottom, size[0], passes.result[0]),
        (left, right, shown.size[1], shown.left, shown.right, size[1], passes.result[1]),
    ):
        factor = side * passes.factor / result
        reach = (LANCZOS_SUPPORT - 0.5) * factor if factor > 1 else 0
        assert start - reach >= -1e-6 or first == 0
        assert end + reach <= length * passes.factor + 1e-6 or last == side


@pytest.mark.parametrize("size", [(25_000_000, 1), (1, 25_000_000)])
@pytest.mark.parametrize("factor", [1, 2, 3, 8])
def test_the_cost_of_a_line_is_known_at_once(size: Size, factor: int) -> None:
    start = time.monotonic()
    cost = upscaler_with(tile=16).cost_of(*size, (size[0] * factor, size[1] * factor))
    assert cost.tiles > 200_000
    assert time.monotonic() - start < 0.5


def test_no_turn_is_larger_than_a_tile() -> None:
    passes = Passes(2, 16, 256, (3000, 2000), (9000, 6000))
    first, *_ = passes.parts(Box(0, 0, 3000, 2000))
    windows = [tile.window.size for step in passes.steps(first) for tile in passes.tiles(step)]
    assert max(itertools.chain(*windows)) <= 256 + 2 * 16
    assert len([*passes.tiles(next(passes.steps(first)))]) == 1, "the first pass takes one turn"
