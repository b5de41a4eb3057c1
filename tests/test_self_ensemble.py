"""Self-ensemble: several views of each tile, through the service and in the upscaler."""

import itertools

import httpx
import numpy as np
import pytest
from conftest import Server, StartServer, encoded, opened, photograph, restored_face
from fakes import PIXELS, noise, patience, upscaler_with
from numpy.typing import NDArray

from superscaling.enlarging.self_ensemble import ALL_VIEWS, View
from superscaling.errors import ClientGone
from superscaling.scheduling import Deadline, Timings

OF_EIGHT = {"UPSCALER_SELF_ENSEMBLE": "8", "UPSCALER_PRECISION": "fp32"}


@pytest.fixture(scope="module")
def patient(start_server: StartServer) -> Server:
    return start_server(**OF_EIGHT)


def answer(server: Server, pixels: NDArray[np.uint8]) -> NDArray[np.int_]:
    return np.asarray(opened(server.upscale(encoded(pixels)).content)).astype(int)


def test_the_service_says_how_many_views(patient: Server) -> None:
    assert httpx.get(f"{patient.url}/readyz").json()["views"] == 8
    headers = patient.upscale(encoded(photograph(8, 9))).headers
    assert headers["X-Upscaler-Model"] == "noise-cancel-plain openvino fp32 8 views"
    assert 'views="8"' in httpx.get(f"{patient.url}/metrics").text


def test_a_picture_that_is_turned_gives_the_answer_turned(patient: Server, server: Server) -> None:
    """Except at rounding boundaries. A single view is not invariant."""
    pixels = photograph(37, 54)
    upright = answer(patient, pixels)
    for view in ALL_VIEWS:
        difference = np.abs(answer(patient, view.of(pixels)) - view.of(upright))
        assert difference.max() <= 1
        assert (difference > 0).mean() < 0.01
    turned = ALL_VIEWS[1]
    assert np.abs(answer(server, turned.of(pixels)) - turned.of(answer(server, pixels))).max() > 1


def test_it_is_nearer_to_the_original(patient: Server, server: Server) -> None:
    (_, best), (_, usual) = (restored_face(each, "PNG") for each in (patient, server))
    assert best > usual + 0.05


def test_views_are_turned_back() -> None:
    pixels = np.arange(120).reshape(5, 8, 3)
    seen = {view.of(pixels).tobytes() for view in ALL_VIEWS}
    assert len(seen) == len(ALL_VIEWS) == 8
    for view in ALL_VIEWS:
        assert (view.back(view.of(pixels)) == pixels).all()
    assert ALL_VIEWS[0] == View(1, 1), "one view is the picture as it is"


@pytest.mark.parametrize("count", [1, 2, 4, 8])
def test_views_that_are_used_together_are_a_group(count: int) -> None:
    pixels = np.arange(6).reshape(2, 3, 1)
    used = {view.of(pixels).tobytes() for view in ALL_VIEWS[:count]}
    for view in ALL_VIEWS[:count]:
        assert {other.of(view.of(pixels)).tobytes() for other in ALL_VIEWS[:count]} == used


@pytest.mark.parametrize("views", [1, 2, 4, 8])
def test_what_depends_on_the_view_cancels_out(views: int) -> None:
    """An engine that darkens upper rows and lightens lower ones, but reproduces its known answer."""

    def shaded(batch: NDArray[np.float32]) -> NDArray[np.float32] | None:
        shade = np.linspace(-0.1, 0.1, 2 * batch.shape[1], dtype=np.float32).reshape(1, -1, 1, 1)
        return None if batch.shape[1:] == PIXELS.shape else batch.repeat(2, axis=1).repeat(2, axis=2) + shade

    pixels = noise(30, 50) // 2 + 64
    enlarged = upscaler_with(shaded, tile=16, views=views).enlarge(pixels, *patience()).astype(int)
    difference = np.abs(enlarged - pixels.repeat(2, axis=0).repeat(2, axis=1))
    assert (difference.max() == 0) == (views > 1)


@pytest.mark.parametrize("views", [1, 2, 4, 8])
def test_each_view_costs_as_much_as_the_first(views: int) -> None:
    areas: list[int] = []
    upscaler = upscaler_with(lambda batch: areas.append(batch.shape[1] * batch.shape[2]), tile=16, views=views)
    once = upscaler_with(tile=16)
    pixels, (deadline, timings) = photograph(40, 60), patience()
    upscaler.check(deadline, timings)
    asked = len(areas)
    assert asked == 1, "the known answer is of one view"
    upscaler.enlarge(pixels, deadline, timings)
    cost, of_one = upscaler.cost_of(40, 60), once.cost_of(40, 60)
    assert sum(areas[asked:]) == cost.area == views * of_one.area
    assert timings.tiles_done == cost.tiles == of_one.tiles
    changed = pixels.copy()
    changed[3, 3] ^= 255
    assert upscaler.cost_of_changes(changed, pixels).area == views * once.cost_of_changes(changed, pixels).area > 0


def test_a_hang_up_is_noticed_between_views() -> None:
    calls: list[int] = []
    upscaler = upscaler_with(lambda batch: calls.append(batch.size), tile=16, views=8)
    with pytest.raises(ClientGone):
        upscaler.enlarge(photograph(16, 16), Deadline(60, None, lambda: len(calls) >= 4), Timings())
    assert len(calls) == 4


@pytest.mark.parametrize(("edge", "turns"), [(18, [1] * 8), (12, [2] * 4), (11, [2] * 4), (10, [3, 3, 2]), (3, [8])])
def test_views_share_a_turn_that_is_no_longer_than_a_full_tiles(edge: int, turns: list[int]) -> None:
    """A full tile has 16 px and a halo of 1 on each side."""
    calls: list[int] = []
    upscaler = upscaler_with(lambda batch: calls.append(batch.size), tile=16, views=8)
    upscaler.check(*patience())
    seen = [len(calls)]

    def look() -> bool:
        seen.append(len(calls))
        return False

    upscaler.enlarge(noise(edge, edge), Deadline(60, None, look), Timings())
    seen.append(len(calls))
    assert [later - earlier for earlier, later in itertools.pairwise(seen) if later > earlier] == turns
