import numpy as np
import pytest
from conftest import photograph

from superscaling.engines import Pixels
from superscaling.geometry import Box, changed_box

BEFORE = photograph(30, 40)


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ([], None),
        ([(0, 0)], Box(0, 0, 1, 1)),
        ([(29, 39)], Box(29, 39, 30, 40)),
        ([(3, 7), (20, 5)], Box(3, 5, 21, 8)),
        ([(0, 0), (29, 39)], Box(0, 0, 30, 40)),
    ],
)
@pytest.mark.parametrize("channel", [0, 1, 2])
def test_changed(places: list[tuple[int, int]], expected: Box | None, channel: int) -> None:
    after = BEFORE.copy()
    for row, column in places:
        after[row, column, channel] += 1
    assert changed_box(BEFORE, after) == expected


@pytest.mark.parametrize(
    "before", [None, BEFORE[:-1], BEFORE[:, :, :1], BEFORE.astype(np.uint16)], ids=["none", "size", "grey", "16 bits"]
)
def test_nothing_in_common(before: Pixels | None) -> None:
    assert changed_box(before, BEFORE) == Box(0, 0, 30, 40)
