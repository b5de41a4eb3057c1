"""Pictures that are enlarged block by block, and put together: to the byte what `/upscale` answers."""

import dataclasses
import io
from collections.abc import Callable

import numpy as np
import pytest
from conftest import SAMPLES, encoded, photograph
from fakes import models_with, patience, upscaler_with
from numpy.typing import NDArray
from pictures import SENT, Sent
from PIL import Image

from message_protocol import UpscaleInput
from resource_upscale import ResourceUpscale
from superscaling.enlarging import DecodedFile, FileUpscaler, LoadedModel, LoadedModels, PictureInParts, PictureUpscaler
from superscaling.errors import ClientGone, EngineFailed
from superscaling.isolation import Handover, InThisProcess
from superscaling.pictures import Limits
from superscaling.scheduling import Admission, Deadline, Timings

LIMITS = Limits(10**6, 100)
TILE = 16


def shaded(batch: NDArray[np.float32]) -> NDArray[np.float32]:
    """A network whose pixels depend on their neighbours."""
    seen = (batch * 3 + np.roll(batch, 1, axis=1) + np.roll(batch, 1, axis=2)) / 5
    return seen.astype(np.float32).repeat(2, axis=1).repeat(2, axis=2)


def models(views: int = 1, scale: int = 2) -> LoadedModels:
    """A model with a milder sibling, that gives textures; one that is trusted without a test."""

    def loaded(before: Callable[[NDArray[np.float32]], NDArray[np.float32] | None]) -> LoadedModel:
        upscaler = upscaler_with(before, TILE, views, scale)
        upscaler._trusted = True
        return next(iter(models_with(upscaler)))

    model = loaded(shaded if scale == 2 else lambda _: None)
    model.milder = loaded(lambda _: None).upscaler
    return LoadedModels([model])


class Service:
    """`/upscale`, and the same in blocks."""

    def __init__(self, loaded: LoadedModels | None = None) -> None:
        loaded = loaded or models()
        self.files = FileUpscaler(loaded, LIMITS, 92, InThisProcess())
        self._resource = ResourceUpscale(loaded, Admission(10**6), LIMITS, 92, InThisProcess())

    def decoded(self, message: UpscaleInput) -> DecodedFile:
        deadline, timings = patience()
        return self.files.decode(self.files.inspect(message.image, message.asked, deadline, timings), timings)

    def check(self, message: UpscaleInput) -> PictureInParts:
        """Compare both, for blocks of one part, of several, and of all."""
        whole = self._resource.main(message, *patience())
        parts = PictureInParts(self.decoded(message))
        for cuts in (cut_by(parts, [1]), cut_by(parts, [2, 1, 4]), cut_by(parts, [len(parts.sizes) + 1])):
            blocks = [parts.make(first, stop, *patience()) for first, stop in reversed(cuts)]
            sizes = [sum(size.bytes for size in parts.sizes[first:stop]) for first, stop in reversed(cuts)]
            assert [len(block) for block in blocks] == sizes
            result = Handover(parts.join(reversed(blocks)))
            joined = self.files.encode(parts.file.file, result, Deadline(), Timings())
            assert (joined.data, joined.notes) == (whole.image, whole.notes)
        return parts


def cut_by(parts: PictureInParts, lengths: list[int]) -> list[tuple[int, int]]:
    """All parts in runs of these lengths, over and over."""
    cuts, first = list[tuple[int, int]](), 0
    while first < len(parts.sizes):
        stop = min(first + lengths[len(cuts) % len(lengths)], len(parts.sizes))
        cuts.append((first, stop))
        first = stop
    return cuts


@pytest.mark.parametrize("sent", SENT, ids=lambda sent: sent.name)
def test_every_kind_of_file(sent: Sent) -> None:
    options = {"format": "png"} if sent.name == "bmp-RGBA" else {}  # BMP is read with alpha, and written without
    parts = Service().check(UpscaleInput.from_bytes(sent.data, options))
    assert len(parts.sizes) >= 2, "the picture has no parts to be put together"


def drawn(count: int, mode: str = "RGB", height: int = 40, width: int = 52) -> list[Image.Image]:
    """Frames of which each differs from the one before in a corner; with alpha, that changes as well now and then."""
    frames = []
    for number in range(count):
        pixels = photograph(height, width).copy()
        pixels[4 * number : 4 * number + 6, :9] = 30 * number
        frame = Image.fromarray(pixels).convert(mode)
        if mode.endswith("A"):
            alpha = np.full((height, width), 255, np.uint8)
            if number % 3 == 2:
                alpha[:5, 7:] = np.arange(width - 7)
            frame.putalpha(Image.fromarray(alpha))
        frames.append(frame)
    return frames


def animated(frames: list[Image.Image], kind: str) -> bytes:
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:])


def pages() -> bytes:
    """Pages of different sizes and modes."""
    file = io.BytesIO()
    images = [Image.fromarray(photograph(*size)) for size in ((40, 30), (20, 44), (20, 44))]
    images[1:2] = [images[1].convert("L"), images[1].convert("CMYK")]
    images[0].save(file, "TIFF", save_all=True, append_images=images[1:])
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        *(animated(drawn(7, mode), kind) for kind in ("WEBP", "PNG") for mode in ("RGB", "RGBA", "L", "LA")),
        animated(drawn(7), "GIF"),
        pages(),
    ],
)
def test_animations_and_pages(data: bytes) -> None:
    Service().check(UpscaleInput.from_bytes(data, {}))


OPTIONS = [
    {"scale": "1"},
    {"scale": "1.7"},
    {"scale": "3"},
    {"width": "20"},
    {"width": "90", "height": "30", "fit": "cover"},
    {"width": "90", "height": "30", "fit": "fill"},
    {"strength": "0.3"},
    {"strength": "0"},
    {"format": "webp", "quality": "40", "metadata": "strip"},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", ["png-RGB", "png-RGBA", "jpeg-CMYK", "tiff-RGBA;16", "gif-P-transparent"])
def test_every_option(name: str, options: dict[str, str]) -> None:
    (data,) = (sent.data for sent in SENT if sent.name == name)
    Service().check(UpscaleInput.from_bytes(data, options))


@pytest.mark.parametrize("options", [{"scale": "1"}, {"scale": "1.5"}, {"scale": "4"}], ids=str)
@pytest.mark.parametrize("kind", ["WEBP", "TIFF"])
def test_animations_of_every_size(kind: str, options: dict[str, str]) -> None:
    Service().check(UpscaleInput.from_bytes(animated(drawn(3, "RGBA", 18, 26), kind), options))


def test_views_and_other_factors() -> None:
    data = encoded(photograph(40, 30))
    for loaded, scale in ((models(views=8), "3"), (models(scale=1), "1"), (models(scale=4), "3")):
        Service(loaded).check(UpscaleInput.from_bytes(data, {"scale": scale}))


def test_the_samples() -> None:
    """Pictures as people send them, reduced so that this takes seconds."""
    service = Service()
    for name in ("grey-camera.png", "transparent-logo.png", "rocket.webp", "text-and-lines.png"):
        with Image.open(SAMPLES / name) as image:
            image.thumbnail((60, 60))
            service.check(UpscaleInput.from_bytes(encoded(image), {}))


def test_a_picture_may_have_no_part() -> None:
    """16 bits of one value, and no alpha that varies: nothing is left for the network."""
    pixels = np.full((20, 20), 700, np.uint16)
    parts = Service().check(UpscaleInput.from_bytes(encoded(Image.fromarray(pixels)), {}))
    assert parts.sizes == []
    assert parts.make(0, 0, *patience()) == b""
    assert parts.join([b""]).width == 40


def test_a_block_works_on_its_own_frames_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the last block of a long animation would take as long as all frames."""
    parts = PictureInParts(Service().decoded(UpscaleInput.from_bytes(animated(drawn(9, "LA"), "WEBP"), {})))
    last = len(parts.sizes) - 1
    expected = parts.make(last, last + 1, *patience())
    for name in ("to_luma", "extremes_around", "bleed"):
        monkeypatch.setattr(f"superscaling.enlarging.frame_upscaler.{name}", lambda *_: pytest.fail("it is in vain"))
    assert parts.make(last, last + 1, *patience()) == expected


def test_costs_add_up_to_those_of_the_picture() -> None:
    file = Service().decoded(UpscaleInput.from_bytes(encoded(photograph(90, 70)), {"scale": "3"}))
    sizes = PictureInParts(file).sizes
    assert sum(size.cost.tiles for size in sizes) == file.demand.cost.tiles
    assert sum(size.cost.area for size in sizes) == file.demand.cost.area
    height, width = file.sizes[0]
    assert sum(size.bytes for size in sizes) == height * width * 3


def test_progress_is_told_for_each_tile() -> None:
    parts = PictureInParts(Service().decoded(UpscaleInput.from_bytes(encoded(photograph(90, 70)), {"scale": "3"})))
    deadline, timings = patience()
    parts.make(1, 4, deadline, timings)
    assert timings.tiles_done == sum(size.cost.tiles for size in parts.sizes[1:4])


def test_wrong_blocks_make_no_picture() -> None:
    parts = PictureInParts(Service().decoded(UpscaleInput.from_bytes(encoded(photograph(40, 50)), {})))
    blocks = [parts.make(first, stop, *patience()) for first, stop in cut_by(parts, [2])]
    for wrong in (blocks[:-1], [*blocks, b"1"], [*blocks, blocks[0]], [blocks[0][:-1], *blocks[1:]], []):
        with pytest.raises(ValueError, match="block"):
            parts.join(wrong)


def test_the_fingerprint_tells_pictures_apart() -> None:
    def fingerprint(message: UpscaleInput) -> str:
        return PictureInParts(Service().decoded(message)).fingerprint

    pixels = photograph(40, 50).copy()
    before = fingerprint(UpscaleInput.from_bytes(encoded(pixels), {}))
    assert fingerprint(UpscaleInput.from_bytes(encoded(pixels, "TIFF"), {})) == before
    assert fingerprint(UpscaleInput.from_bytes(encoded(pixels), {"scale": "5"})) != before
    pixels[3, 4, 1] ^= 1
    assert fingerprint(UpscaleInput.from_bytes(encoded(pixels), {})) != before


def test_a_failure_of_the_engine_and_a_cancel_end_a_block() -> None:
    file = Service().decoded(UpscaleInput.from_bytes(encoded(photograph(40, 50)), {}))
    with pytest.raises(ClientGone):
        PictureInParts(file).make(0, 2, Deadline(60, None, lambda: True), Timings())

    def fail(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        raise OSError("the engine failed")

    broken = upscaler_with(fail, TILE)
    broken._trusted = True
    failing = dataclasses.replace(file, file=dataclasses.replace(file.file, model=PictureUpscaler(broken)))
    with pytest.raises(EngineFailed):
        PictureInParts(failing).make(0, 2, *patience())
