"""Large PNGs are written in the fastest way that hardly makes them larger."""

import io

import numpy as np
import pytest
from conftest import opened, photograph
from fakes import noise
from PIL import Image, ImageDraw

from superscaling.format_name import FormatName
from superscaling.pictures import Frame, Metadata, Picture, Samples, encode
from superscaling.pictures.png_compression import MIN_PIXELS, png_compression

HEIGHT, WIDTH = 900, 1200


def text() -> Samples:
    """Equal lines, which a search for runs alone does not find."""
    page = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(page)
    for top in range(0, HEIGHT, 16):
        draw.text((10, top), "The quick brown fox jumps over the lazy dog. " * 5, fill="black")
    return np.asarray(page)


def enlarged_photograph() -> Samples:
    return np.asarray(Image.fromarray(photograph(HEIGHT // 2, WIDTH // 2)).resize((WIDTH, HEIGHT)))


def png(colour: Samples, alpha: Samples | None = None) -> bytes:
    picture = Picture((Frame(colour, alpha, 0, Metadata()),), FormatName.PNG)
    return encode(picture, FormatName.PNG, None, 90).data


def by_default(pixels: Samples) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("pixels", "chosen"),
    [(enlarged_photograph(), ["compress_level"]), (text(), []), (noise(HEIGHT, WIDTH), ["compress_type"])],
    ids=["photograph", "text", "noise"],
)
def test_a_way_that_suits_the_picture(pixels: Samples, chosen: list[str]) -> None:
    """In grey, colour, and with transparency: hardly larger, and the same pixels."""
    assert list(png_compression(pixels)) == chosen
    grey = pixels[:, :, :1]
    for colour, alpha in ((grey, None), (pixels, None), (pixels, grey[:, :, 0])):
        file = png(colour, alpha)
        stored = (colour if alpha is None else np.dstack((colour, alpha))).squeeze()
        assert len(file) < 1.1 * len(by_default(stored)), "1.05 of a sample"
        np.testing.assert_array_equal(np.asarray(opened(file)), stored)


@pytest.mark.parametrize("size", [(300, 400), (63, MIN_PIXELS // 63 + 1), (1, MIN_PIXELS)])
def test_small_and_low_ones_are_written_as_ever(size: tuple[int, int]) -> None:
    pixels = noise(*size)
    assert png_compression(pixels) == {}
    assert png(pixels) == by_default(pixels)
