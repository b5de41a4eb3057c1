"""Sizes read from the headers equal those after decoding."""

import pytest
from conftest import SAMPLES, encoded, photograph
from pictures import SENT, Sent
from PIL import Image

from superscaling.errors import ImageTooLarge, TooManyFrames, UnsupportedImage
from superscaling.pictures import Limits, decode, measure

LIMITS = Limits(pixels=10_000_000, frames=100)
IMAGES = [Image.fromarray(photograph(20, 30, seed)) for seed in range(3)]


@pytest.mark.parametrize("sent", SENT, ids=lambda sent: sent.name)
def test_every_kind_of_picture(sent: Sent) -> None:
    assert measure(sent.data, LIMITS) == (sent.colour.shape[:2],)


@pytest.mark.parametrize(
    "path", [path for path in SAMPLES.iterdir() if path.suffix != ".md"], ids=lambda path: path.name
)
def test_samples(path: object) -> None:
    data = (SAMPLES / str(path)).read_bytes()
    frames = decode(data, LIMITS).frames
    assert measure(data, LIMITS) == tuple((frame.height, frame.width) for frame in frames)


@pytest.mark.parametrize("name", ["PNG", "WEBP", "GIF", "TIFF"])
def test_frames_and_pages(name: str) -> None:
    data = encoded(IMAGES[0], name, save_all=True, append_images=IMAGES[1:])
    assert measure(data, LIMITS) == ((20, 30),) * 3
    with pytest.raises(TooManyFrames):
        measure(data, Limits(pixels=10_000_000, frames=2))
    with pytest.raises(ImageTooLarge):
        measure(data, Limits(pixels=20 * 30 * 3 - 1, frames=100))


def test_pages_of_different_sizes() -> None:
    data = encoded(IMAGES[0], "TIFF", save_all=True, append_images=[IMAGES[1].crop((0, 0, 7, 5))])
    assert measure(data, LIMITS) == ((20, 30), (5, 7))


def test_pictures_that_lie_are_as_they_are_stored() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert measure(encoded(IMAGES[0], "JPEG", exif=exif), LIMITS) == ((20, 30),)


def test_nothing_is_decoded() -> None:
    """Pixel data is not needed."""
    assert measure(encoded(photograph(200, 300), "JPEG")[:-3000], LIMITS) == ((200, 300),)


def test_no_picture() -> None:
    with pytest.raises(UnsupportedImage):
        measure(b"no picture", LIMITS)
