import dataclasses
import io
from fractions import Fraction

import numpy as np
import pytest
from conftest import ROOT, SAMPLES, photograph, psnr
from fakes import noise, patience, upscaler_with
from numpy.typing import NDArray
from PIL import Image

from superscaling.engines.openvino import EngineOpenVino
from superscaling.enlarging import PictureUpscaler, Upscaler
from superscaling.enlarging.channels import bleed
from superscaling.format_name import FormatName
from superscaling.models import read_model_files
from superscaling.pictures import Frame, Limits, Metadata, Picture, Samples, decode, encode
from superscaling.pictures.density import Density, Unit
from superscaling.scheduling import FairLock


@pytest.fixture(scope="module")
def picture_upscaler() -> PictureUpscaler:
    """With the real network."""
    model = read_model_files(ROOT / "models" / "noise-cancel-plain")
    return PictureUpscaler(Upscaler(EngineOpenVino(model, "fp32", 2), FairLock(), 256, model.known_answer("fp32")))


def one_frame(picture_upscaler: PictureUpscaler, colour: Samples, alpha: Samples | None = None) -> Frame:
    metadata = Metadata(icc=b"profile", exif=b"exif", density=Density(Fraction(72), Fraction(72), Unit.INCH))
    picture = Picture((Frame(colour, alpha, 20, metadata),), FormatName.PNG)
    enlarged = picture_upscaler.enlarge(picture, *patience())
    frame = enlarged.frames[0]
    assert (enlarged.format, frame.metadata, frame.milliseconds) == (FormatName.PNG, metadata, 20)
    return frame


def test_grey_stays_grey(picture_upscaler: PictureUpscaler) -> None:
    colour = photograph(30, 40)
    grey = colour.mean(axis=2, keepdims=True).astype(np.uint8)
    frame = one_frame(picture_upscaler, grey)
    assert frame.colour.shape == (60, 80, 1)
    as_colour = one_frame(picture_upscaler, grey.repeat(3, axis=2)).colour
    assert (as_colour == frame.colour).all(), "grey by its channels, or grey by its pixels"


@pytest.mark.parametrize("value", [0, 1, 128, 255])
def test_constant_alpha_stays_and_costs_no_second_pass(value: int) -> None:
    calls: list[tuple[int, ...]] = []
    picture_upscaler = PictureUpscaler(upscaler_with(lambda batch: calls.append(batch.shape)))
    frame = one_frame(picture_upscaler, noise(8, 9), np.full((8, 9), value, np.uint8))
    assert frame.alpha is not None
    assert frame.alpha.shape == (16, 18)
    assert (frame.alpha == value).all()
    assert calls.count((1, 8, 9, 3)) == 1


def marked(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Change a few pixels in a corner."""
    pixels = pixels.copy()
    pixels[2:5, 1:4] ^= 255
    return pixels


def disc(size: int) -> NDArray[np.uint8]:
    """Antialiased coverage of a disc."""
    fine = np.hypot(*(np.mgrid[: size * 8, : size * 8] / 8 - size / 2)) < size * 0.35
    coverage: NDArray[np.uint8] = np.rint(fine.reshape(size, 8, size, 8).mean(axis=(1, 3)) * 255).astype(np.uint8)
    return coverage


@pytest.mark.parametrize("ground", [(255, 255, 255), (0, 160, 60)], ids=["white", "green"])
def test_no_fringes(picture_upscaler: PictureUpscaler, ground: tuple[int, int, int]) -> None:
    """A red disc on transparent black is, on any ground, the disc that was opaque on that ground: no halo.

    On the way from red to the ground no channel of the rim leaves what lies between them by more than 2 %.
    """
    size, red = 48, np.array([220, 30, 40])
    alpha = disc(size)
    colour = np.where(alpha[..., None] > 0, red, 0).astype(np.uint8)
    share = alpha[..., None] / 255
    on_ground = np.rint(red * share + np.array(ground) * (1 - share)).astype(np.uint8)
    opaque = one_frame(picture_upscaler, on_ground).colour.astype(int)
    frame = one_frame(picture_upscaler, colour, alpha)
    assert frame.alpha is not None
    share = frame.alpha[..., None] / 255
    seen = frame.colour * share + np.array(ground) * (1 - share)
    visible = frame.alpha > 0
    assert np.abs(frame.colour.astype(int) - red)[visible].max() <= 5, "the colour under the rim is not the disc's"
    rim = (frame.alpha > 0) & (frame.alpha < 255)
    assert rim.any()
    assert (seen[rim] >= np.minimum(red, ground) - 0.02 * 255).all()
    assert (seen[rim] <= np.maximum(red, ground) + 0.02 * 255).all()
    assert psnr(np.rint(seen).astype(np.uint8), opaque.astype(np.uint8)) > 30


def test_alpha_keeps_what_is_flat(picture_upscaler: PictureUpscaler) -> None:
    """Fully transparent and fully opaque areas stay exactly so."""
    alpha = disc(40)
    frame = one_frame(picture_upscaler, photograph(40, 40), alpha)
    assert frame.alpha is not None
    assert (frame.alpha[:8] == 0).all()
    assert (frame.alpha[32:48, 32:48] == 255).all()


def test_estimates_count_passes() -> None:
    picture_upscaler = PictureUpscaler(upscaler_with())
    picture_upscaler.enlarge(Picture((Frame(photograph(40, 40)),), FormatName.PNG), *patience())
    plain = picture_upscaler.cost_of(Picture((Frame(photograph(40, 40)),), FormatName.PNG)).area
    with_alpha = picture_upscaler.cost_of(Picture((Frame(photograph(40, 40), disc(40)),), FormatName.PNG)).area
    assert plain > 0
    assert with_alpha == 2 * plain


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 3), (16, 16), (33, 20)])
def test_bleed(shape: tuple[int, int]) -> None:
    """Visible colours are kept; gaps are filled from visible colours, the nearest first."""
    random = np.random.default_rng(0)
    colour = random.integers(0, 256, (*shape, 3), np.uint8)
    visible = random.random(shape) < 0.3
    visible[0, 0] = True
    colour[~visible] = 0
    colour[visible] = np.maximum(colour[visible], 50)
    filled = bleed(colour, visible)
    assert (filled[visible] == colour[visible]).all()
    assert (filled >= 50).all()


def test_bleed_from_the_nearest() -> None:
    colour = np.zeros((4, 64, 3), np.uint8)
    colour[:, 0], colour[:, -1] = (250, 0, 0), (0, 0, 250)
    visible = np.zeros((4, 64), bool)
    visible[:, [0, -1]] = True
    filled = bleed(colour, visible)
    assert (filled[:, 1] == (250, 0, 0)).all()
    assert (filled[:, 62] == (0, 0, 250)).all()


@pytest.mark.parametrize("shift", range(8))
def test_bleed_is_near_wherever_the_shape_lies(shift: int) -> None:
    """Beside an edge lie the colours of its own pixels, however the shape falls into blocks of powers of two."""
    colour = np.zeros((64, 64, 3), np.uint8)
    visible = np.zeros((64, 64), bool)
    shapes = ((5 + shift, (220, 60, 40)), (29 + shift, (70, 70, 80)))
    for top, levels in shapes:
        colour[top : top + 10, 9 + shift : 41 + shift] = levels
        visible[top : top + 10, 9 + shift : 41 + shift] = True
    filled = bleed(colour, visible).astype(int)
    assert (filled[visible] == colour[visible]).all()
    for top, levels in shapes:
        for margin, most in ((3, 0), (4, 12)):
            around = filled[max(top - margin, 0) : top + 10 + margin, 9 + shift - margin : 41 + shift + margin]
            assert np.abs(around - levels).max() <= most, f"{margin} px around"


def test_bleed_is_smooth() -> None:
    colour = np.zeros((8, 64, 3), np.uint8)
    visible = np.zeros((8, 64), bool)
    colour[:, :9], colour[:, -9:] = 40, 200
    visible[:, :9] = visible[:, -9:] = True
    steps = np.diff(bleed(colour, visible).astype(int), axis=1)
    assert steps.min() >= 0
    assert steps.max() <= 20


def test_bleed_in_sixteen_bits() -> None:
    colour = photograph(33, 21)
    visible = np.random.default_rng(0).random((33, 21)) < 0.2
    deep = bleed(colour.astype(np.uint16) * 257, visible)
    assert deep.dtype == np.uint16
    assert np.abs(deep / 257 - bleed(colour, visible)).max() < 4


def test_lossy_webp_shows_no_foreign_colour_at_edges(picture_upscaler: PictureUpscaler) -> None:
    """The ball's shadow is grey: no red of the ball, which is some px away, gets into its rim."""
    ball = decode((SAMPLES / "bouncing-ball.gif").read_bytes(), Limits(10**6, 100))
    frame = picture_upscaler.enlarge(dataclasses.replace(ball, frames=ball.frames[5:6]), *patience()).frames[0]
    webp = encode(Picture((frame,), FormatName.WEBP), FormatName.WEBP, 92, 92).data
    with Image.open(io.BytesIO(webp)) as image:
        shadow = np.asarray(image.convert("RGBA")).astype(int)[124:144, 70:130]
    visible = shadow[:, :, 3] > 64
    assert visible.sum() > 200
    assert (shadow[:, :, 0] - shadow[:, :, 2])[visible].max() <= 8


@pytest.mark.parametrize("visible", [True, False])
def test_bleed_nothing_to_do(visible: bool) -> None:
    colour = photograph(5, 6)
    assert (bleed(colour, np.full((5, 6), visible)) == colour).all()


def test_sixteen_bits_stay_sixteen(picture_upscaler: PictureUpscaler) -> None:
    """The result has more than 256 levels, and is close to that of the same image in 8 bits."""
    grey = photograph(40, 50)[:, :, :1]
    frame = one_frame(picture_upscaler, grey.astype(np.uint16) * 257)
    assert frame.mode == "I;16"
    assert len(np.unique(frame.colour)) > 1500
    in_eight = one_frame(picture_upscaler, grey).colour
    assert psnr(frame.colour / 257, in_eight) > 45  # not equal, because of the stretched contrast


def test_a_small_range_of_sixteen_bits_is_shown_in_full_contrast(picture_upscaler: PictureUpscaler) -> None:
    """12 bits in 16, as from cameras and scanners, are as precise as the full range."""
    grey = photograph(40, 50)[:, :, :1].astype(np.uint16)
    grey = (grey - grey.min()) * np.uint16(16)
    full, small = (
        one_frame(picture_upscaler, pixels).colour for pixels in (grey * np.uint16(16), grey + np.uint16(1000))
    )
    assert np.abs((small.astype(float) - 1000) * 16 - full).max() <= 16


@pytest.mark.parametrize("value", [0, 1, 4095, 65_535])
def test_constant_grey_of_sixteen_bits_needs_no_network(value: int) -> None:
    picture_upscaler = PictureUpscaler(upscaler_with())
    picture = Picture((Frame(np.full((4, 5, 1), value, np.uint16)),), FormatName.TIFF)
    assert picture_upscaler.cost_of(picture).area == 0
    colour = picture_upscaler.enlarge(picture, *patience()).frames[0].colour
    assert colour.shape == (8, 10, 1)
    assert colour.dtype == np.uint16
    assert (colour == value).all()


def test_inks(picture_upscaler: PictureUpscaler) -> None:
    """Colour is enlarged as RGB, black as grey; areas without black ink stay without."""
    light = photograph(30, 40)
    with_black = np.dstack((255 - light, light[:, :, 1]))
    frame = one_frame(picture_upscaler, with_black)
    assert frame.mode == "CMYK"
    assert (frame.colour[:, :, :3] == 255 - one_frame(picture_upscaler, light).colour).all()
    assert (frame.colour[:, :, 3] == 255 - one_frame(picture_upscaler, 255 - light[:, :, 1:2]).colour[:, :, 0]).all()
    without = np.dstack((255 - light, np.zeros((30, 40), np.uint8)))
    assert not one_frame(picture_upscaler, without).colour[:, :, 3].any()


def test_estimates_count_frames_and_inks() -> None:
    picture_upscaler = PictureUpscaler(upscaler_with())
    pixels = photograph(40, 40)
    picture_upscaler.enlarge(Picture((Frame(pixels),), FormatName.PNG), *patience())

    def area(*frames: Frame) -> int:
        return picture_upscaler.cost_of(Picture(frames, FormatName.TIFF)).area

    one = area(Frame(pixels))
    assert area(*(Frame(photograph(40, 40, seed)) for seed in range(7))) == 7 * one
    assert area(Frame(pixels), Frame(pixels[:20])) < 2 * one
    assert area(Frame(np.dstack((pixels, pixels[:, :, 0])))) == 2 * one
    assert area(Frame(np.dstack((pixels, np.zeros((40, 40), np.uint8))))) == one


@pytest.mark.parametrize(
    ("frames", "tiles"),
    [
        ([Frame(photograph(40, 40))], 9),
        ([Frame(photograph(40, 40, seed)) for seed in range(3)], 27),
        ([Frame(photograph(40, 40))] * 3, 9),
        ([Frame(photograph(40, 40)), Frame(marked(photograph(40, 40)))], 10),
        ([Frame(photograph(40, 40), disc(40)), Frame(photograph(16, 16))], 19),
        ([Frame(np.zeros((9, 9, 4), np.uint8)), Frame(np.zeros((9, 9, 1), np.uint16))], 1),
    ],
    ids=["still", "frames", "equal frames", "hardly a change", "alpha and pages", "constant planes"],
)
def test_progress_counts_the_tiles_of_all_frames(frames: list[Frame], tiles: int) -> None:
    deadline, timings = patience()
    picture_upscaler = PictureUpscaler(upscaler_with(tile=16))
    picture = Picture(tuple(frames), FormatName.TIFF)
    picture_upscaler.enlarge(picture, deadline, timings)
    assert (picture_upscaler.cost_of(picture).tiles, timings.tiles_done) == (tiles, tiles)


GREY = np.s_[:, :, :1]
OPAQUE = np.full((200, 300), 255, np.uint8)


@pytest.mark.parametrize(
    "frames",
    [
        [Frame(photograph(200, 300)), Frame(marked(photograph(200, 300)))],
        [Frame(photograph(200, 300)[GREY]), Frame(marked(photograph(200, 300))[GREY])],
        [Frame(photograph(200, 300), OPAQUE), Frame(marked(photograph(200, 300)), OPAQUE)],
    ],
    ids=["colour", "grey", "wholly opaque"],
)
def test_what_frames_have_in_common_is_enlarged_once(picture_upscaler: PictureUpscaler, frames: list[Frame]) -> None:
    """The second frame equals the one enlarged alone, except for a level at rounding boundaries."""
    picture = Picture(tuple(frames), FormatName.GIF)
    alone = picture_upscaler.cost_of(Picture((frames[1],), FormatName.GIF)).area
    assert picture_upscaler.cost_of(picture).area < 1.1 * alone
    deadline, timings = patience()
    together = picture_upscaler.enlarge(picture, deadline, timings).frames
    assert timings.tiles_done == picture_upscaler.cost_of(picture).tiles
    difference = np.abs(
        together[1].colour.astype(int) - one_frame(picture_upscaler, frames[1].colour, frames[1].alpha).colour
    )
    assert difference.max() <= 1
    assert (difference > 0).mean() < 1e-4
    assert (together[1].colour[100:] == together[0].colour[100:]).all()
    assert (together[1].colour[:12, :12] != together[0].colour[:12, :12]).any()


@pytest.mark.parametrize(
    "frames",
    [
        [Frame(photograph(40, 40), disc(40)), Frame(marked(photograph(40, 40)), disc(40))],
        [Frame(photograph(40, 40), np.full((40, 40), value, np.uint8)) for value in (200, 90)],
        [Frame(photograph(40, 40)[GREY]), Frame(photograph(40, 40))],
        [Frame(photograph(40, 40)), Frame(photograph(40, 41))],
        [Frame(photograph(40, 40)[GREY].astype(np.uint16)), Frame(photograph(40, 40)[GREY].astype(np.uint16) + 1)],
        [Frame(photograph(40, 40).repeat(2, axis=2)[:, :, :4])] * 2,
    ],
    ids=["transparent", "fading", "grey and colour", "sizes", "16 bits", "inks"],
)
def test_frames_that_have_nothing_in_common(frames: list[Frame]) -> None:
    picture_upscaler = PictureUpscaler(upscaler_with(tile=16))
    deadline, timings = patience()
    together = picture_upscaler.enlarge(Picture(tuple(frames), FormatName.TIFF), deadline, timings).frames
    assert (
        timings.tiles_done
        == picture_upscaler.cost_of(Picture(tuple(frames), FormatName.TIFF)).tiles
        == sum(picture_upscaler.cost_of(Picture((frame,), FormatName.TIFF)).tiles for frame in frames)
    )
    for frame, enlarged in zip(frames, together, strict=True):
        assert (one_frame(picture_upscaler, frame.colour, frame.alpha).colour == enlarged.colour).all()
