"""noise-cancel-sharp: crisper than its milder sibling, as true as a faithful model, and without dots."""

from collections.abc import Callable

import numpy as np
import pytest
from conftest import ROOT

from evaluation.dots import WINDOW, dots
from evaluation.metrics import Pixels, luma, luma_psnr
from evaluation.pictures import as_jpeg, consistency, read_picture, reduce
from superscaling.engines import infer_levels
from superscaling.engines.openvino import EngineOpenVino
from superscaling.models import MODELS, TABLE, Kind, read_model_files

Enlarge = Callable[[Pixels], Pixels]


def enlarging(model: str) -> Enlarge:
    engine = EngineOpenVino(read_model_files(MODELS / model), "fp32", threads=2)
    return lambda pixels: np.rint(np.clip(infer_levels(engine, pixels), 0, 255)).astype(np.uint8)


@pytest.fixture(scope="module")
def sharp() -> Enlarge:
    return enlarging("noise-cancel-sharp")


@pytest.fixture(scope="module")
def mild() -> Enlarge:
    milder = TABLE["noise-cancel-sharp"].milder
    assert milder == "noise-cancel-best"
    return enlarging(milder)


@pytest.fixture(scope="module")
def fur() -> Pixels:
    """Texture that JPEG loses: where a sharpened network is tempted to draw its own."""
    return read_picture(ROOT / "sample-images" / "fur-texture.png")[60:252, 60:252]


def contrast(pixels: Pixels) -> float:
    """Mean step from pixel to pixel, in levels of Y."""
    plane = luma(pixels)
    return float(np.abs(np.diff(plane, axis=0)).mean() + np.abs(np.diff(plane, axis=1)).mean())


@pytest.mark.parametrize("quality", [None, 75, 50])
def test_it_is_crisper_and_draws_no_dots(quality: int | None, sharp: Enlarge, mild: Enlarge, fur: Pixels) -> None:
    low = reduce(fur, 2)
    low = low if quality is None else as_jpeg(low, quality)
    crisp, soft = sharp(low), mild(low)
    assert contrast(soft) * 1.05 < contrast(crisp) < contrast(fur)
    assert dots(crisp) < 1.2 * dots(fur)


def test_it_is_as_true_as_a_faithful_model(sharp: Enlarge, mild: Enlarge, fur: Pixels) -> None:
    assert TABLE["noise-cancel-sharp"].kind is Kind.FAITHFUL
    low = reduce(fur, 2)
    assert luma_psnr(sharp(low), fur, 2) > luma_psnr(mild(low), fur, 2) - 0.5
    assert consistency(sharp(low), low, 2) > 44


def test_dots_keep_their_phase_and_texture_does_not() -> None:
    checkerboard = 128 + 8 * (-1) ** np.add.outer(np.arange(64), np.arange(64))
    gradient = np.add.outer(np.arange(64), 2 * np.arange(64))
    noise = np.random.default_rng(0).normal(128, 8, size=(64, 64))
    as_pixels = [np.rint(plane).astype(np.uint8)[..., np.newaxis].repeat(3, 2) for plane in (checkerboard, gradient)]
    grey = np.rint(noise).astype(np.uint8)[..., np.newaxis].repeat(3, 2)
    per_level = 219 / 255  # Y for each level of grey
    assert dots(as_pixels[0]) == pytest.approx(8 * per_level)
    assert dots(as_pixels[1]) < 1e-9
    assert dots(grey) == pytest.approx(8 * per_level / 2 / WINDOW, rel=0.3)  # the mean of 4 WINDOW^2 px
