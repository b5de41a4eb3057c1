"""What is learnt about the speed of a network: from whom, how far, and what follows for pictures of any shape."""

import itertools
import struct
import threading
import zlib
from collections.abc import Iterable

import httpx
import hypothesis
import numpy as np
import pytest
from conftest import Server, StartServer, encoded, photograph, png_chunk
from fakes import SetPace, noise, patience, upscaler_with
from hypothesis import strategies
from numpy.typing import NDArray

from superscaling.enlarging import Upscaler
from superscaling.errors import EstimateOverDeadline
from superscaling.geometry import Cost
from superscaling.scheduling import Admission, Demand, Speed

PER_PIXEL, PER_CALL = 1.5e-6, 0.007  # noise-cancel-plain in int8 on two cores
FULL = Cost.of_window(280, 280)
# 2000 x 2000 px in tiles of 256 px.
POSTER = FULL * 64
SHAPES = strategies.tuples(strategies.integers(1, 400), strategies.integers(1, 400))


def seconds_of(window: Cost, is_new_shape: bool, slowness: float = 1.0) -> float:
    """What a machine needs that is as fast as was measured, or so many times slower."""
    return slowness * (PER_CALL * is_new_shape + PER_PIXEL * window.work)


def speed_after(windows: Iterable[Cost], slowness: float = 1.0) -> Speed:
    speed = Speed(PER_PIXEL, PER_CALL, FULL.area)
    before = None
    for window in windows:
        is_new = window != before
        speed.learn(window, seconds_of(window, is_new, slowness), is_new)
        before = window
    return speed


def price(speed: Speed, cost: Cost = POSTER) -> float:
    return speed.seconds_for(cost.tiles, cost.work)


USUAL = price(Speed(PER_PIXEL, PER_CALL, FULL.area))


@pytest.mark.parametrize("slowness", [0.1, 0.5, 1, 2, 3, 100])
@pytest.mark.parametrize(
    "windows",
    [
        [(16, 16)],
        [(16, 16), (15, 17)],
        [(1, 1), (2, 1)],
        [(1, 20_000), (20_000, 1)],
        [(8, 8000), (2, 3)],
        [(40, 40), (41, 40)],
    ],
    ids=str,
)
def test_tiny_and_odd_pictures_say_nothing_about_large_ones(windows: list[tuple[int, int]], slowness: float) -> None:
    speed = speed_after(itertools.islice(itertools.cycle(itertools.starmap(Cost.of_window, windows)), 5000), slowness)
    assert 0.8 * USUAL < price(speed) < 1.3 * USUAL


@pytest.mark.parametrize("slowness", [0.5, 1, 3])
def test_full_tiles_tell_how_fast_the_machine_is(slowness: float) -> None:
    assert price(speed_after([FULL] * 100, slowness)) == pytest.approx(slowness * USUAL, rel=0.1)


def test_one_tile_that_was_held_up_says_little() -> None:
    speed = speed_after([FULL])
    speed.learn(FULL, 60.0, is_new_shape=False)
    assert price(speed) < 1.2 * USUAL


def test_what_was_never_measured_is_learnt_from_the_first_window() -> None:
    """As after a warm-up that failed: without any estimate, whatever comes would be let in."""
    speed = Speed()
    assert price(speed) == 0
    speed.learn(FULL, 1.0, is_new_shape=True)
    assert speed.seconds_for(1, FULL.work) == pytest.approx(1.0)


@hypothesis.settings(deadline=None, derandomize=True)
@hypothesis.given(strategies.floats(1e-8, 1e-3), strategies.floats(0, 0.1))
def test_two_windows_tell_both(per_pixel: float, per_call: float) -> None:
    large, small = Cost.of_window(128, 128), Cost.of_window(16, 16)
    measured = [(each.work, per_call + per_pixel * each.work) for each in (large, small)]
    speed = Speed.between(measured[0], measured[1], FULL.area)
    expected = [per_call + per_pixel * each.work for each in (large, small)]
    for each, seconds in zip((large, small), expected, strict=True):
        # What a call takes is at most half of it: if it really is more, tiles are priced too high, never too low.
        assert seconds * (1 - 1e-6) <= speed.seconds_for(1, each.work) <= 2 * seconds * (1 + 1e-6)


class Clocked:
    """An engine whose tiles take as long as a real one's, by its own clock, padding and preparations included."""

    def __init__(self, tile: int, scale: int) -> None:
        self.seconds = 0.0
        self._shape: tuple[int, ...] = ()
        self.upscaler: Upscaler = upscaler_with(self._infer, tile=tile, scale=scale)
        self.upscaler._speed = Speed(PER_PIXEL, PER_CALL, (tile + 2) ** 2)

    def _infer(self, batch: NDArray[np.float32]) -> None:
        _, height, width, _ = batch.shape
        self.seconds += seconds_of(Cost.of_window(height, width), self._shape != batch.shape)
        self._shape = batch.shape


@hypothesis.settings(max_examples=40, deadline=None, derandomize=True)
@hypothesis.given(SHAPES, strategies.sampled_from([16, 64, 256]), strategies.sampled_from([2, 4]), strategies.data())
def test_what_is_let_in_is_finished(size: tuple[int, int], tile: int, scale: int, data: strategies.DataObject) -> None:
    """Whatever the shape: the estimate is never too low, and too high only by what calls and unneeded tiles take."""
    clocked = Clocked(tile, scale)
    height, width = size
    factor = data.draw(strategies.sampled_from([1, 2, 3]) if height * width < 20_000 else strategies.just(scale))
    result = (height * factor, width * factor)
    upscaler = clocked.upscaler
    upscaler.check(*patience())
    clocked.seconds = 0.0
    cost = upscaler.cost_of(height, width, result)
    estimate = upscaler.seconds_for(cost)
    upscaler.enlarge(noise(height, width), *patience(), size=result)
    assert clocked.seconds <= estimate * (1 + 1e-9) + PER_CALL
    assert estimate <= 1.6 * clocked.seconds + cost.tiles * PER_CALL * (1 + 1e-9)
    demand = Demand([size], cost, SetPace(upscaler.seconds_for))
    with pytest.raises(EstimateOverDeadline), Admission(10**9).admitted(demand, *patience(estimate / 2 - 1e-9)):
        pass


@pytest.mark.parametrize("size", [(1, 1_000_000), (2, 8_000_000), (25_000_000, 1)], ids=str)
def test_thin_pictures_have_few_tiles(size: tuple[int, int]) -> None:
    """Each with as much work as a full one."""
    upscaler = upscaler_with(tile=256)
    for height, width in (size, size[::-1]):
        cost = upscaler.cost_of(height, width)
        assert cost.tiles < 1.01 * 3 * height * width / 258**2 + 1
        assert cost.work / cost.tiles <= Cost.of_window(258, 258).work


def grey_png(width: int, height: int, seed: int = 0) -> bytes:
    """Noise in every row, the same in each thousandth: small, but nowhere flat."""
    rows = np.random.default_rng(seed).integers(0, 256, (1000, width), np.uint8)
    block = np.pad(rows, ((0, 0), (1, 0))).tobytes()
    packer = zlib.compressobj(1)
    parts = [packer.compress(block) for _ in range(height // 1000)]
    parts.append(packer.compress(block[: height % 1000 * (width + 1)]) + packer.flush())
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = (png_chunk(b"IHDR", header), png_chunk(b"IDAT", b"".join(parts)), png_chunk(b"IEND"))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.fixture(scope="module")
def measured(start_server: StartServer) -> Server:
    """A service whose requests may take 20 s, so that what is refused is refused at once, and the rest is soon done."""
    return start_server(UPSCALER_TIMEOUT="20")


def estimate(server: Server, width: int, height: int) -> float:
    price = httpx.get(f"{server.url}/estimate", params={"width": width, "height": height}, timeout=60).json()
    seconds: float = price["seconds"]
    return seconds


@pytest.mark.alone
@pytest.mark.parametrize(("width", "height"), [(2, 8_000_000), (1, 1_000_000), (25_000_000, 1)])
def test_a_thin_picture_is_refused_at_once_or_done(measured: Server, width: int, height: int) -> None:
    if height == 1:
        file = encoded(np.random.default_rng(0).integers(0, 256, (1, width), np.uint8), "BMP")
    else:
        file = grey_png(width, height)
    answer = measured.upscale(file)
    if answer.status_code == 422:
        assert answer.json()["code"] == "estimate_over_deadline"
        assert answer.elapsed.total_seconds() < 10, "half of what it may take: its pixels were not inferred"
        assert "ask for a stream, which may take longer" in answer.json()["detail"]
        return
    assert answer.status_code == 200, answer.text


@pytest.mark.alone
def test_tiny_pictures_change_no_estimate(measured: Server) -> None:
    """As they were: 500 of them made it four times as long."""
    before = estimate(measured, 2000, 2000)
    tiny = [encoded(photograph(16 + seed % 3, 16, seed)) for seed in range(20)]

    def send(count: int) -> None:
        with httpx.Client(timeout=60) as client:
            for number in range(count):
                image = tiny[number % len(tiny)]
                headers = {"Content-Type": "image/png"}
                assert client.post(f"{measured.url}/upscale", content=image, headers=headers).status_code == 200

    threads = [threading.Thread(target=send, args=(125,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert before / 2 < estimate(measured, 2000, 2000) < 2 * before, "it was 4 times as long"
