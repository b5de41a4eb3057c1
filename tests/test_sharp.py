"""noise-cancel-sharp, as users see it: crisper than its milder sibling, as true as a faithful model, without dots."""

import httpx
import numpy as np
import pytest
from conftest import ROOT, Server, StartServer, encoded, opened

from evaluation.dots import WINDOW, dots
from evaluation.metrics import Pixels, luma, luma_psnr
from evaluation.pictures import as_jpeg, consistency, read_picture, reduce
from superscaling.models import TABLE

SHARP, MILD = "noise-cancel-sharp", "noise-cancel-best"
# Texture that JPEG loses: where a sharpened network is tempted to draw its own.
FUR = read_picture(ROOT / "sample-images" / "fur-texture.png")[60:252, 60:252]
LOW = reduce(FUR, 2)


@pytest.fixture(scope="module")
def service(start_server: StartServer) -> Server:
    return start_server(UPSCALER_MODEL=SHARP, UPSCALER_MODELS=MILD)


def enlarged(service: Server, pixels: Pixels, model: str) -> Pixels:
    answer = service.upscale(encoded(pixels), model=model)
    assert answer.status_code == 200, answer.text
    return np.asarray(opened(answer.content))


def contrast(pixels: Pixels) -> float:
    """Mean step from pixel to pixel, in levels of Y."""
    plane = luma(pixels)
    return float(np.abs(np.diff(plane, axis=0)).mean() + np.abs(np.diff(plane, axis=1)).mean())


@pytest.mark.parametrize("quality", [None, 75, 50])
def test_it_is_crisper_and_draws_no_dots(quality: int | None, service: Server) -> None:
    low = LOW if quality is None else as_jpeg(LOW, quality)
    crisp, soft = (enlarged(service, low, model) for model in (SHARP, MILD))
    assert contrast(soft) * 1.05 < contrast(crisp) < contrast(FUR)
    assert dots(crisp) < 1.2 * dots(FUR)


def test_it_is_as_true_as_a_faithful_model(service: Server) -> None:
    kinds = {each["name"]: each["kind"] for each in httpx.get(f"{service.url}/models").json()}
    assert kinds[SHARP] == "faithful"
    crisp, soft = (enlarged(service, LOW, model) for model in (SHARP, MILD))
    assert luma_psnr(crisp, FUR, 2) > luma_psnr(soft, FUR, 2) - 0.5
    assert consistency(crisp, LOW, 2) > 44


def test_its_milder_sibling_is_of_its_kind() -> None:
    milder = TABLE[SHARP].milder
    assert milder == MILD
    assert TABLE[SHARP].kind is TABLE[MILD].kind


def test_dots_keep_their_phase_and_texture_does_not() -> None:
    rows, columns = np.indices((64, 64))
    checkerboard, gradient = 128 + 8 * (-1) ** (rows + columns), rows + 2 * columns
    noise = np.random.default_rng(0).normal(128, 8, size=(64, 64))
    per_level = 219 / 255  # Y for each level of grey
    assert dots(grey(checkerboard)) == pytest.approx(8 * per_level)
    assert dots(grey(gradient)) < 1e-9
    assert dots(grey(noise)) == pytest.approx(8 * per_level / 2 / WINDOW, rel=0.3)  # the mean of 4 WINDOW^2 px


def grey(plane: np.ndarray) -> Pixels:
    pixels: Pixels = np.rint(plane).astype(np.uint8)[..., np.newaxis].repeat(3, axis=2)
    return pixels
