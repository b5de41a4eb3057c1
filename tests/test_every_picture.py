"""Every input format and mode, through `POST /upscale`, to every output format."""

import numpy as np
import pytest
from conftest import ROOT, Server, StartServer, opened, psnr
from fakes import patience
from pictures import HEIGHT, SECOND_DECODERS, SENT, WIDTH, Sent, modes_table
from PIL import Image

from superscaling.engines.openvino import EngineOpenVino
from superscaling.enlarging import PictureUpscaler, Upscaler
from superscaling.format_name import FormatName
from superscaling.models import read_model_files
from superscaling.pictures import FORMATS, Frame, Picture
from superscaling.pictures.picture import in_8_bits
from superscaling.scheduling import FairLock

TABLE = modes_table()
LOSSLESS = ("png", "tiff", "bmp")


@pytest.fixture(scope="module")
def picture_upscaler() -> PictureUpscaler:
    """The reference: the network applied to the pixels, without files and HTTP."""
    model = read_model_files(ROOT / "models" / "noise-cancel-plain")
    return PictureUpscaler(Upscaler(EngineOpenVino(model, "fp32", 2), FairLock(), 256, model.known_answer("fp32")))


@pytest.fixture(scope="module")
def exact_server(shared_server: StartServer) -> Server:
    return shared_server(UPSCALER_PRECISION="fp32")


def test_every_row_of_the_table_is_sent() -> None:
    assert {sent.mode for sent in SENT} == set(TABLE) - {"frames", "pages"}


@pytest.mark.parametrize("name", list(FormatName))
@pytest.mark.parametrize("sent", SENT, ids=lambda sent: sent.name)
def test_the_table(exact_server: Server, picture_upscaler: PictureUpscaler, sent: Sent, name: FormatName) -> None:
    answer = exact_server.upscale(sent.data, format=name)
    target = FORMATS[name]
    frame = Frame(sent.colour, sent.alpha)
    stored = TABLE[sent.mode][name]
    if "else 422" in stored:
        stored = stored.partition(" if opaque")[0] if frame.is_opaque else "422"
    if stored == "422":
        assert answer.status_code == 422
        assert answer.json()["code"] == "format_cannot_hold"
        able = [each for each in FORMATS if TABLE[sent.mode][each] in (sent.mode, "RGBA", "P")]
        assert able
        assert all(each in answer.json()["detail"] for each in able)
        return
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == target.media_type

    is_16_bit = stored.endswith(";16")
    assert ("16 bits were reduced to 8" in answer.headers.get("X-Upscaler-Notes", "")) == (
        frame.is_16_bit and not is_16_bit
    )
    if stored not in ("LA;16", "RGB;16", "RGBA;16"):  # which Pillow doesn't know
        image = opened(answer.content)
        assert image.size == (2 * WIDTH, 2 * HEIGHT)
        assert image.mode == stored or (name is FormatName.GIF and image.mode == "L")  # Pillow's name of all greys
        assert ("transparency" in image.info) == (name is FormatName.GIF and not frame.is_opaque)

    reference = picture_upscaler.enlarge(Picture((frame,), name), *patience()).frames[0]
    if not is_16_bit:
        reference = in_8_bits(reference)
    seen = SECOND_DECODERS[name](answer.content)
    assert seen.shape[:2] == (2 * HEIGHT, 2 * WIDTH)
    assert seen.dtype == (np.uint16 if is_16_bit else np.uint8)
    if sent.mode == "CMYK" and stored != "CMYK":
        expected = np.asarray(Image.fromarray(np.asarray(reference.colour), "CMYK").convert("RGB"))
    elif sent.mode == "CMYK" and name is FormatName.JPEG:
        seen, expected = np.asarray(opened(answer.content)), reference.colour  # OpenCV converts it to RGB
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
