import threading
import time

import numpy as np
import pytest
from conftest import ROOT, photograph
from fakes import PIXELS, noise, patience, round_levels, upscaler_with
from numpy.typing import NDArray

from superscaling.engines import Engine, Pixels, infer_levels
from superscaling.engines.openvino import EngineOpenVino
from superscaling.enlarging import Upscaler
from superscaling.enlarging.corrections import correct
from superscaling.enlarging.network import SPEED_TEST_RUNS
from superscaling.enlarging.tiling import cut
from superscaling.errors import ClientGone, DeadlinePassed, EngineFailed
from superscaling.geometry import Box, whole_box
from superscaling.models import ModelFiles, read_model_files
from superscaling.scheduling import Deadline, FairLock, Plan, Timings


@pytest.fixture(scope="module")
def model() -> ModelFiles:
    return read_model_files(ROOT / "models" / "noise-cancel-plain")


@pytest.fixture(scope="module")
def lite() -> ModelFiles:
    """An RDN, whose receptive field its architecture says."""
    return read_model_files(ROOT / "models" / "noise-cancel-lite")


@pytest.fixture(scope="module")
def engine(model: ModelFiles) -> Engine:
    return EngineOpenVino(model, "fp32", threads=2)


def tiled(engine: Engine, pixels: NDArray[np.uint8], tile: int, halo: int) -> NDArray[np.float32]:
    """The upscaler without clamping and rounding."""
    height, width, channels = pixels.shape
    levels = np.empty((2 * height, 2 * width, channels), np.float32)
    for each in cut(height, width, tile, halo):
        window = infer_levels(engine, pixels[each.window.slices])
        levels[each.core.scaled(2).slices] = window[each.core.seen_from(each.window).scaled(2).slices]
    return levels


SIZES = [(1, 1), (1, 200), (17, 33), (127, 128), (129, 257), (255, 256), (300, 420), (2, 3000), (3000, 1)]


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_with_the_whole_receptive_field_tiled_equals_untiled(lite: ModelFiles, height: int, width: int) -> None:
    engine = EngineOpenVino(lite, "fp32", threads=2)
    pixels = photograph(height, width)
    whole = infer_levels(engine, pixels)
    assert lite.architecture
    assert np.abs(tiled(engine, pixels, 128, lite.architecture.receptive_field) - whole).max() < 1e-4


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("seed", [1, 2])
def test_with_the_models_halo_nobody_can_tell(engine: Engine, height: int, width: int, seed: int) -> None:
    pixels = photograph(height, width, seed)
    whole = infer_levels(engine, pixels)
    assert np.abs(tiled(engine, pixels, 64, engine.facts.halo) - whole).max() < 0.01


def test_the_upscaler_joins_tiles_without_a_seam(engine: Engine, model: ModelFiles) -> None:
    """End to end, rounded: a few values may differ by a level, at rounding boundaries."""
    pixels = photograph(300, 413)
    upscaler = Upscaler(engine, FairLock(), 64, model.known_answer("fp32"))
    enlarged = upscaler.enlarge(pixels, *patience()).astype(int)
    whole = infer_levels(engine, pixels)
    correct(whole, pixels, whole_box(pixels))
    difference = np.abs(enlarged - round_levels(whole, np.uint8))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 1e-4


@pytest.mark.parametrize(
    ("levels", "expected"),
    [(-7, 0), (-0.4, 0), (0.49, 0), (0.51, 1), (254.4, 254), (254.6, 255), (255.4, 255), (300, 255), (128.7, 129)],
)
def test_clamped_then_rounded(levels: float, expected: int) -> None:
    assert round_levels(np.array([levels], np.float32), np.uint8) == [expected]


def test_tiles_are_reported_once_each() -> None:
    reported = np.zeros((70, 90), int)

    class Watching:
        def accepted(self, plan: Plan) -> None:
            pass

        def begin_pass(self, frame: int | None) -> None:
            pass

        def tile_done(self, timings: Timings) -> None:
            assert timings.tiles_done > 0

        def part_done(self, box: Box, pixels: Pixels) -> None:
            assert pixels.shape[:2] == (box.bottom - box.top, box.right - box.left)
            reported[box.slices] += 1

    upscaler_with().enlarge(photograph(35, 45), *patience(), Watching())
    assert (reported == 1).all()


def test_a_hang_up_is_noticed_between_tiles() -> None:
    tiles: list[int] = []
    upscaler = upscaler_with(lambda batch: tiles.append(batch.size))
    with pytest.raises(ClientGone):
        upscaler.enlarge(photograph(200, 200), Deadline(60, None, lambda: len(tiles) >= 5), Timings())
    assert len(tiles) == 5


class Faults:
    """Fails on the first `count` images other than the known answer's, in one of several ways."""

    def __init__(self, kind: str, count: int = 1) -> None:
        self.kind, self.left, self.asked = kind, count, 0

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32] | None:
        if batch.shape == (1, *PIXELS.shape):
            self.asked += 1
            return None
        if self.left == 0:
            return None
        self.left -= 1
        if self.kind == "raises":
            raise RuntimeError("out of memory")
        if self.kind == "not a number":
            return np.full((1, 2 * batch.shape[1], 2 * batch.shape[2], 3), np.nan, np.float32)
        return batch  # "not enlarged"


@pytest.mark.parametrize("kind", ["raises", "not a number", "not enlarged"])
def test_a_failed_tile_fails_the_request_and_the_next_one_is_checked(kind: str) -> None:
    faults = Faults(kind)
    upscaler = upscaler_with(faults)
    with pytest.raises(EngineFailed):
        upscaler.enlarge(photograph(40, 40), *patience())
    assert faults.asked == 1
    pixels = noise(40, 40)
    enlarged = upscaler.enlarge(pixels, *patience())
    assert faults.asked == 2, "the known answer was not asked for again"
    assert (enlarged == pixels.repeat(2, axis=0).repeat(2, axis=1)).all()


def test_an_engine_with_another_answer_is_not_trusted() -> None:
    """An engine that is off by a level everywhere enlarges no image, neither at the start nor later."""
    upscaler = upscaler_with(lambda batch: batch.repeat(2, axis=1).repeat(2, axis=2) + np.float32(1 / 255))
    for _ in range(2):
        with pytest.raises(EngineFailed, match=r"differs .* by 1 levels, more than the 0\.01 allowed"):
            upscaler.warm_up()
        with pytest.raises(EngineFailed):
            upscaler.enlarge(photograph(9, 9), *patience())


def test_many_threads_each_get_their_own_pixels() -> None:
    upscaler = upscaler_with()
    wrong: list[int] = []

    def enlarge(seed: int) -> None:
        pixels = noise(30 + seed, 50, seed)
        if not (upscaler.enlarge(pixels, *patience()) == pixels.repeat(2, axis=0).repeat(2, axis=1)).all():
            wrong.append(seed)

    threads = [threading.Thread(target=enlarge, args=(seed,)) for seed in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_warm_up_that_takes_too_long_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("superscaling.enlarging.network.START_TIMEOUT", 0)
    with pytest.raises(EngineFailed, match="not warm within 0 s: it needs more CPUs"):
        upscaler_with(lambda _: None).warm_up()


def test_one_slow_tile_says_little_and_speed_can_be_measured_anew() -> None:
    stall = threading.Event()
    upscaler = upscaler_with(lambda _: time.sleep(0.5) if stall.is_set() else time.sleep(0.001))
    upscaler.warm_up()
    usual = upscaler.seconds_for(upscaler.cost_of(500, 500))
    stall.set()
    upscaler.enlarge(photograph(3, 3), *patience())
    assert upscaler.seconds_for(upscaler.cost_of(500, 500)) < 1.5 * usual
    upscaler.measure_speed(Deadline(60))
    assert upscaler.seconds_for(upscaler.cost_of(500, 500)) > 20 * usual
    stall.clear()
    upscaler.measure_speed(Deadline(60))
    assert upscaler.seconds_for(upscaler.cost_of(500, 500)) < 5 * usual


def test_a_measurement_ends_with_the_request() -> None:
    upscaler = upscaler_with()
    upscaler.warm_up()
    with pytest.raises(DeadlinePassed, match="within -1 s"):
        upscaler.measure_speed(Deadline(-1))


def test_many_who_doubt_the_speed_have_it_measured_once() -> None:
    """Otherwise many images that are too large would keep the lock from the others."""
    runs: list[int] = []
    upscaler = upscaler_with(lambda batch: runs.append(batch.size))
    upscaler.warm_up()
    after_the_start = len(runs)
    threads = [
        threading.Thread(target=upscaler.measure_speed, args=(Deadline(60),), kwargs={"max_age": 60}) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(runs) == after_the_start
    upscaler.measure_speed(Deadline(60), max_age=0)
    assert len(runs) == after_the_start + 2 * SPEED_TEST_RUNS


def test_estimates_grow_with_the_picture(engine: Engine, model: ModelFiles) -> None:
    upscaler = Upscaler(engine, FairLock(), 256, model.known_answer("fp32"))
    assert upscaler.seconds_for(upscaler.cost_of(1000, 1000)) == 0, "nothing was measured yet"
    upscaler.warm_up()
    small, large = (
        upscaler.seconds_for(upscaler.cost_of(100, 100)),
        upscaler.seconds_for(upscaler.cost_of(1000, 1000)),
    )
    assert 0 < 40 * small < large < 200 * small
