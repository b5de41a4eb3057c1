import numpy as np
import pytest

from superscaling.enlarging.tiling import cost_of_cut, cut, cut_changes
from superscaling.geometry import Box, Cost
from superscaling.pictures import Size

SIZES = [(1, 1), (1, 700), (63, 64), (64, 65), (65, 127), (128, 129), (96, 97), (159, 161), (500, 700)]


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize(("tile", "halo"), [(64, 0), (64, 16), (16, 26), (700, 8)])
def test_cores_cover_each_pixel_once(height: int, width: int, tile: int, halo: int) -> None:
    covered = np.zeros((height, width), int)
    for each in cut(height, width, tile, halo):
        covered[each.core.slices] += 1
    assert (covered == 1).all()


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize(("tile", "halo"), [(64, 0), (64, 16), (16, 26), (700, 8)])
def test_the_cost_is_that_of_all_windows(height: int, width: int, tile: int, halo: int) -> None:
    costs = (Cost.of_window(*each.window.size) for each in cut(height, width, tile, halo))
    assert cost_of_cut(height, width, tile, halo) == sum(costs, Cost())


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize(("tile", "halo"), [(64, 0), (64, 16), (16, 26)])
def test_windows(height: int, width: int, tile: int, halo: int) -> None:
    """A window has `halo` px around its core, or ends at the border of the image. All have the same, bounded shape."""
    tiles = list(cut(height, width, tile, halo))
    for each in tiles:
        core, window = each.core, each.window
        assert window.top >= 0
        assert window.bottom <= height
        assert window.left >= 0
        assert window.right <= width
        assert window.top == 0 or window.top <= core.top - halo
        assert window.left == 0 or window.left <= core.left - halo
        assert window.bottom == height or window.bottom >= core.bottom + halo
        assert window.right == width or window.right >= core.right + halo
        assert max(window.size) <= tile + 2 * halo or min(window.size) <= tile // 8
        assert Cost.of_window(*window.size).work <= Cost.of_window(tile + 2 * halo, tile + 2 * halo).work
    assert len({(each.window.bottom - each.window.top, each.window.right - each.window.left) for each in tiles}) == 1


def test_boxes() -> None:
    box = Box(top=2, left=3, bottom=7, right=5)
    assert box.area == 10
    assert box.scaled(2) == Box(4, 6, 14, 10)
    assert box.seen_from(Box(1, 1, 9, 9)) == Box(1, 2, 6, 4)
    assert np.arange(100).reshape(10, 10)[box.slices].shape == (5, 2)
    assert box.moved(1, -3) == Box(3, 0, 8, 2)
    assert box.grown(2) == Box(0, 1, 9, 7)
    assert box.within(Box(0, 4, 6, 9)) == Box(2, 4, 6, 5)


PICTURE = Box(0, 0, 300, 200)


@pytest.mark.parametrize(
    "part",
    [
        Box(0, 0, 1, 1),
        Box(299, 199, 300, 200),
        Box(9, 9, 10, 10),
        Box(20, 30, 280, 45),
        Box(0, 0, 300, 120),
        PICTURE,
    ],
    ids=str,
)
@pytest.mark.parametrize(("tile", "halo"), [(64, 0), (64, 16), (16, 26), (700, 8)])
def test_what_a_part_reaches_is_cut_changes(part: Box, tile: int, halo: int) -> None:
    """Each pixel of it once, by tiles that see as much around it as they would see in the whole picture."""
    covered = np.zeros((PICTURE.bottom, PICTURE.right), int)
    for each in cut_changes(PICTURE, part, tile, halo):
        covered[each.core.slices] += 1
        assert each.core.area > 0
        assert each.core.grown(halo).within(PICTURE).within(each.window) == each.core.grown(halo).within(PICTURE)
    reached = part.grown(halo).within(PICTURE)
    assert (covered[reached.slices] == 1).all()
    assert covered.sum() == reached.area


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_all_of_a_picture_is_cut_as_ever(height: int, width: int) -> None:
    picture = Box(0, 0, height, width)
    assert list(cut_changes(picture, picture, 64, 16)) == list(cut(height, width, 64, 16))


@pytest.mark.parametrize("size", [(1, 5000), (5000, 1), (8, 5000), (5000, 8)])
def test_thin_pictures_are_cut_into_long_tiles(size: Size) -> None:
    """Of as much work as a full one, at most, also if each row is padded to a least length."""
    full = Cost.of_window(96, 96).work
    for least, share in ((1, 0.2), (64, 0.2)):
        cost = cost_of_cut(*size, 64, 16, least)
        assert share * full < cost.work / cost.tiles <= 1.01 * full
        assert cost.tiles < cost_of_cut(9, 5000, 64, 16, least).tiles
        assert min(cost.rows, cost.columns) == cost.tiles * max(least, min(size))


def test_what_windows_are_padded_to_is_priced() -> None:
    assert cost_of_cut(9, 13, 64, 16, least=8, multiple=8) == Cost.of_window(16, 16)
    assert cost_of_cut(9, 13, 64, 16, least=64, multiple=8) == Cost.of_window(64, 64)
