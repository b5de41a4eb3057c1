"""Large PNGs are written in the fastest way that hardly makes them larger."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from conftest import opened, photograph
from fakes import noise
from PIL import Image, ImageDraw

from superscaling.format_name import FormatName
from superscaling.pictures import Frame, Metadata, Picture, Samples, encode
from superscaling.pictures.png_compression import png_compression

HEIGHT, WIDTH = 1300, 1200


def text(top: int = 0, bottom: int = HEIGHT, step: int = 16) -> Samples:
    """Equal lines, which a search for runs alone does not find; the rest is white."""
    page = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(page)
    for y in range(top, bottom, step):
        draw.text((10, y), "The quick brown fox jumps over the lazy dog. " * 5, fill="black")
    return np.array(page)


def enlarged_photograph() -> Samples:
    return np.asarray(Image.fromarray(photograph(HEIGHT // 2, WIDTH // 2)).resize((WIDTH, HEIGHT)))


def striped() -> Samples:
    """Text but for eight evenly spaced bands of a photograph."""
    page, picture = text(), enlarged_photograph()
    for start in np.linspace(0, HEIGHT - 8, 8).astype(int):
        page[start : start + 8] = picture[start : start + 8]
    return page


def beside() -> Samples:
    """Text beside a photograph."""
    page = text()
    page[:, WIDTH // 2 :] = enlarged_photograph()[:, WIDTH // 2 :]
    return page


def tiled(height: int, width: int) -> Samples:
    """Noise that repeats itself."""
    return np.tile(noise(height, width), (HEIGHT // height, WIDTH // width, 1))


def frame(colour: Samples, alpha: Samples | None = None) -> Frame:
    return Frame(colour, alpha, 100, Metadata())


def png(*frames: Frame) -> bytes:
    return encode(Picture(frames, FormatName.PNG), FormatName.PNG, None, 90).data


def by_default(*frames: Samples) -> bytes:
    file = io.BytesIO()
    image, *others = map(Image.fromarray, frames)
    options = {"save_all": True, "append_images": others, "duration": 100, "loop": 1} if others else {}
    image.save(file, "PNG", **options)
    return file.getvalue()


PICTURES: dict[str, tuple[Callable[[], Samples], list[str]]] = {
    "photograph": (enlarged_photograph, ["compress_level"]),
    "noise": (lambda: noise(HEIGHT, WIDTH), ["compress_type"]),
    "text": (text, []),
    "a few lines": (lambda: text(step=180), []),
    "text in the middle": (lambda: text(top=550, bottom=680), []),
    "text but for a few bands": (striped, []),
    "text beside a photograph": (beside, ["compress_level"]),
    "flat": (lambda: np.full((HEIGHT, WIDTH, 3), 200, np.uint8), []),
    "tiles 24 rows high": (lambda: tiled(24, 400), ["compress_level"]),
    "tiles 16 px wide": (lambda: tiled(16, 16), []),
}


@pytest.mark.parametrize("case", PICTURES)
def test_a_way_that_suits_the_picture(case: str) -> None:
    """In grey, colour, and with transparency: hardly larger, and the same pixels."""
    made, chosen = PICTURES[case]
    pixels = made()
    assert list(png_compression(pixels)) == chosen
    grey = pixels[:, :, :1]
    for colour, alpha in ((grey, None), (pixels, None), (pixels, grey[:, :, 0])):
        file = png(frame(colour, alpha))
        stored = (colour if alpha is None else np.dstack((colour, alpha))).squeeze()
        assert len(file) < 1.05 * len(by_default(stored))
        np.testing.assert_array_equal(np.asarray(opened(file)), stored)


@pytest.mark.parametrize("size", [(300, 400), (64, 30_000), (1, 1_000_000), (1_000_000, 1)])
def test_small_and_low_ones_are_written_as_ever(size: tuple[int, int]) -> None:
    """A sample of them would be most of the picture."""
    pixels = noise(*size)
    assert png_compression(pixels) == {}
    assert png(frame(pixels)) == by_default(pixels)


def test_animations_are_written_as_ever() -> None:
    """The first frame tells nothing of the others."""
    frames = noise(HEIGHT, WIDTH), text()
    assert png_compression(frames[0])
    assert png(*map(frame, frames)) == by_default(*frames)
