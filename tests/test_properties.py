"""Any input gives an output of exactly twice the size or a clear error; never a crash or a hang."""

import io

import hypothesis
import numpy as np
from conftest import Server, encoded, photograph
from hypothesis import strategies
from pictures import SENT, Sent
from PIL import Image

from superscaling.format_name import FormatName
from superscaling.pictures import FORMATS

PROPERTY = hypothesis.settings(max_examples=150, deadline=None, derandomize=True)
# Formats that Pillow can write in the mode.
WRITERS = [
    ("JPEG", "L"), ("JPEG", "RGB"), ("JPEG", "CMYK"),
    ("PNG", "1"), ("PNG", "L"), ("PNG", "LA"), ("PNG", "P"), ("PNG", "RGB"), ("PNG", "RGBA"), ("PNG", "I;16"),
    ("WEBP", "RGB"), ("WEBP", "RGBA"),
    ("TIFF", "1"), ("TIFF", "L"), ("TIFF", "RGBA"), ("TIFF", "YCbCr"), ("TIFF", "CMYK"), ("TIFF", "I;16"),
    ("BMP", "1"), ("BMP", "P"), ("BMP", "RGB"),
    ("GIF", "L"), ("GIF", "P"), ("GIF", "RGBA"),
]  # fmt: skip


def picture(mode: str, height: int, width: int, seed: int) -> Image.Image:
    pixels = photograph(height, width, seed)
    if mode == "I;16":
        return Image.fromarray(pixels[:, :, 0].astype(np.uint16) * 200)
    if mode.endswith("A"):
        pixels = np.dstack((pixels, pixels[:, :, 1]))
    return Image.fromarray(pixels).convert(mode)


@PROPERTY
@hypothesis.given(
    writer=strategies.sampled_from(WRITERS),
    height=strategies.integers(1, 70),
    width=strategies.integers(1, 70),
    seed=strategies.integers(0, 5),
    target=strategies.none() | strategies.sampled_from(FormatName),
    quality=strategies.none() | strategies.integers(1, 100),
)
def test_exactly_twice_the_size(
    server: Server,
    writer: tuple[str, str],
    height: int,
    width: int,
    seed: int,
    target: FormatName | None,
    quality: int | None,
) -> None:
    options = {"format": str(target)} if target else {}
    options |= {"quality": str(quality)} if quality else {}
    answer = server.upscale(encoded(picture(writer[1], height, width, seed), writer[0]), **options)
    if answer.status_code == 422:
        assert answer.json()["code"] == "format_cannot_hold"
        return
    assert answer.status_code == 200, answer.text
    image = Image.open(io.BytesIO(answer.content))
    image.load()
    assert image.size == (2 * width, 2 * height)
    assert image.format == FORMATS[target or FormatName(writer[0].lower())].pillow


@PROPERTY
@hypothesis.given(
    sent=strategies.sampled_from(SENT),
    cut=strategies.floats(0, 1),
    changes=strategies.lists(strategies.tuples(strategies.floats(0, 1), strategies.integers(0, 255)), max_size=4),
)
def test_damage_is_refused_or_harmless(
    server: Server, sent: Sent, cut: float, changes: list[tuple[float, int]]
) -> None:
    data = bytearray(sent.data)
    for place, value in changes:
        data[int(place * (len(data) - 1))] = value
    answer = server.upscale(bytes(data[: int(cut * len(data))] if cut < 0.9 else data))
    if answer.status_code == 200:
        width, height = Image.open(io.BytesIO(answer.content)).size
        assert (str(width), str(height)) == (answer.headers["X-Result-Width"], answer.headers["X-Result-Height"])
        assert width % 2 == height % 2 == 0
    else:
        assert answer.status_code in (400, 415, 422)
        assert answer.json()["detail"]
