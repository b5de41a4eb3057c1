"""Every input format and mode, through `POST /upscale`, to every output format."""

import io

import numpy as np
import pytest
from conftest import ROOT, Server, StartServer, psnr
from fakes import patience
from pictures import HEIGHT, SECOND_DECODERS, SENT, WIDTH, Sent
from PIL import Image

from superscaling.engines.openvino import EngineOpenVino
from superscaling.enlarging import PictureUpscaler, Upscaler
from superscaling.format_name import FormatName
from superscaling.models import read_model_files
from superscaling.pictures import FORMATS, Frame, Picture
from superscaling.scheduling import FairLock

LOSSLESS = ("png", "tiff", "bmp")


@pytest.fixture(scope="module")
def picture_upscaler() -> PictureUpscaler:
    """The reference: the network applied to the pixels, without files and HTTP."""
    model = read_model_files(ROOT / "models" / "noise-cancel-lite")
    return PictureUpscaler(Upscaler(EngineOpenVino(model, "fp32", 2), FairLock(), 256, model.known_answer("fp32")))


@pytest.fixture(scope="module")
def exact_server(start_server: StartServer) -> Server:
    return start_server(UPSCALER_PRECISION="fp32")


@pytest.mark.parametrize("name", list(FormatName))
@pytest.mark.parametrize("sent", SENT, ids=lambda sent: sent.name)
def test_the_table(exact_server: Server, picture_upscaler: PictureUpscaler, sent: Sent, name: FormatName) -> None:
    answer = exact_server.upscale(sent.data, format=name)
    target = FORMATS[name]
    is_opaque = sent.alpha is None or bool((sent.alpha == 255).all())
    mode = sent.mode if sent.mode in target.modes or not is_opaque else sent.mode.removesuffix("A")
    if mode not in target.modes:
        assert answer.status_code == 422
        assert answer.json()["code"] == "format_cannot_hold"
        able = [each for each in FORMATS.values() if mode in each.modes]
        assert all(each.name in answer.json()["detail"] for each in able)
        return
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == target.media_type

    image = Image.open(io.BytesIO(answer.content))
    image.load()
    stored = target.modes[mode]
    assert image.size == (2 * WIDTH, 2 * HEIGHT)
    if name is FormatName.GIF:
        assert image.mode in ("P", "L")  # Pillow reads a palette of all greys as L
        assert ("transparency" in image.info) == (not is_opaque)
    else:
        assert image.mode == stored

    frame = Frame(sent.colour, None if is_opaque else sent.alpha)
    reference = picture_upscaler.enlarge(Picture((frame,), name), *patience()).frames[0]
    seen = SECOND_DECODERS[name](answer.content)
    assert seen.shape[:2] == (2 * HEIGHT, 2 * WIDTH)
    assert seen.dtype == (np.uint16 if stored == "I;16" else np.uint8)
    if sent.mode == "CMYK" and stored != "CMYK":
        expected = np.asarray(Image.fromarray(np.asarray(reference.colour), "CMYK").convert("RGB"))
    elif sent.mode == "CMYK" and name is FormatName.JPEG:
        seen, expected = np.asarray(image), reference.colour  # OpenCV converts it to RGB
    else:
        expected = reference.colour
    visible = np.ones(seen.shape[:2], bool) if reference.alpha is None else reference.alpha >= 128
    colour = seen[:, :, : expected.shape[2]] if seen.shape[2] > 2 or expected.shape[2] == 1 else seen.repeat(3, axis=2)
    if name in LOSSLESS or (name is FormatName.WEBP and "lossless" in sent.name):
        assert (colour.astype(int) == expected)[visible].all()
    else:
        assert psnr(colour[visible], expected[visible]) > (27 if name is FormatName.GIF else 33)
    if reference.alpha is not None:
        alpha = seen[:, :, -1]
        assert ((alpha > 0) == visible).all() if name is FormatName.GIF else (alpha == reference.alpha).all()
