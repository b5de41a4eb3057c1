"""What the network gets slightly wrong and the service puts right: grey, flat and smooth areas."""

import io
import itertools

import numpy as np
import pytest
from conftest import Server, StartServer, encoded, opened, photograph
from fakes import noise, patience, upscaler_with
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from superscaling.engines import Pixels
from superscaling.enlarging.corrections import REACH, correct, is_flat
from superscaling.enlarging.tiling import cut
from superscaling.errors import ClientGone
from superscaling.geometry import whole_box
from superscaling.scheduling import Deadline, Timings

GREY = np.dstack([photograph(60, 80)[:, :, 1]] * 3)
SCALE = 2


@pytest.fixture(scope="module", params=["auto", "fp32"])
def any_server(request: pytest.FixtureRequest, shared_server: StartServer, server: Server) -> Server:
    """The real default network: in the precision that suits the machine, often int8, and in fp32."""
    return server if request.param == "auto" else shared_server(UPSCALER_PRECISION=request.param)


def answer(server: Server, data: bytes, **parameters: str) -> NDArray[np.int_]:
    response = server.upscale(data, **parameters)
    assert response.status_code == 200, response.text
    return np.asarray(opened(response.content)).astype(int)


def chroma(pixels: NDArray[np.int_]) -> NDArray[np.int_]:
    return np.asarray(np.ptp(pixels[:, :, :3], axis=2))


def animation(file_format: str) -> bytes:
    """Two frames, of which the second differs in a part."""
    second = GREY.copy()
    second[10:20, 10:20] = 255 - second[10:20, 10:20]
    frames = [Image.fromarray(each) for each in (GREY, second)]
    return encoded(frames[0], file_format, save_all=True, append_images=frames[1:], duration=100)


def text_page(height: int = 90, width: int = 200) -> Image.Image:
    """Black on white: lines of text, none at the border."""
    page = Image.new("RGB", (width, height), "white")
    for row, size in ((20, 9), (45, 16)):
        ImageDraw.Draw(page).text((30, row), "Paper, ink & 0123", fill="black", font=ImageFont.load_default(size))
    return page


def far_from(marked: NDArray[np.bool_], distance: int) -> NDArray[np.bool_]:
    """Pixels further than `distance` px from all marked ones, in rows, columns and diagonals."""
    height, width = marked.shape
    padded = np.pad(marked, distance)
    near = np.zeros_like(marked)
    for down in range(2 * distance + 1):
        for right in range(2 * distance + 1):
            near |= padded[down : down + height, right : right + width]
    return ~near


# Grey is grey


@pytest.mark.parametrize(
    ("data", "most"),
    [
        (encoded(GREY), 0),
        (encoded(text_page()), 0),
        (encoded(GREY, "JPEG", quality=70), 0),
        (encoded(GREY, "TIFF"), 0),
        (encoded(GREY, "BMP"), 0),
        (encoded(np.dstack((GREY, GREY[:, :, 0]))), 0),
        (encoded(GREY, "WEBP", quality=80), 1),  # YCbCr, whose grey is off by a level here and there
        (animation("PNG"), 0),
        (animation("GIF"), 0),
    ],
    ids=["png", "text", "jpeg", "tiff", "bmp", "alpha", "lossy webp", "apng", "gif"],
)
def test_grey_by_its_pixels_stays_grey(any_server: Server, data: bytes, most: int) -> None:
    response = any_server.upscale(data, format="png")
    assert response.status_code == 200, response.text
    with Image.open(io.BytesIO(response.content)) as image:
        for frame in range(getattr(image, "n_frames", 1)):
            image.seek(frame)
            assert chroma(np.asarray(image.convert("RGB")).astype(int)).max() <= most


def test_grey_by_its_pixels_is_grey_by_its_channels(any_server: Server) -> None:
    three, one = (answer(any_server, encoded(each)) for each in (GREY, GREY[:, :, 0]))
    assert (three == one[:, :, np.newaxis]).all()


def test_equal_inks_stay_equal(any_server: Server) -> None:
    inks = np.dstack((255 - GREY, np.zeros(GREY.shape[:2], np.uint8)))
    enlarged = answer(any_server, encoded(Image.fromarray(inks, "CMYK"), "TIFF"))
    assert enlarged.shape[2] == 4
    assert chroma(enlarged).max() == 0
    assert not enlarged[:, :, 3].any()


def test_a_grey_scan_with_a_coloured_stamp(any_server: Server) -> None:
    """The paper and the print stay grey up to 2 px from the stamp, which keeps its colour."""
    scan = np.clip(np.asarray(text_page()).astype(int) * 0.9 + noise(90, 200)[:, :, :1] * 0.03, 0, 255).astype(np.uint8)
    scan[30:50, 60:120] = (190, 30, 40)
    enlarged = answer(any_server, encoded(scan))
    is_grey = far_from(chroma(scan.astype(int)) > 0, 2).repeat(SCALE, axis=0).repeat(SCALE, axis=1)
    assert not chroma(enlarged)[is_grey].any()
    assert chroma(enlarged)[70:90, 130:230].min() > 140


# Flat areas stay as they are


def test_paper_stays_paper(any_server: Server) -> None:
    """8 px of the result from ink, and up to the border."""
    page = text_page()
    enlarged = answer(any_server, encoded(page))
    ink = (np.asarray(page.convert("L")) < 255).repeat(SCALE, axis=0).repeat(SCALE, axis=1)
    paper = far_from(ink, 7)
    assert paper.mean() > 0.3
    assert (enlarged[paper] == 255).all()


def test_noise_of_jpeg_near_ink_is_still_cleaned(any_server: Server) -> None:
    """The paper beside strongly compressed text becomes clearly whiter: it is not smooth, so the network cleans it."""
    page = text_page()
    given = np.asarray(Image.open(io.BytesIO(encoded(page, "JPEG", quality=50)))).astype(int)
    enlarged = answer(any_server, encoded(given.astype(np.uint8)))
    ink = np.asarray(page.convert("L")) < 255
    beside = far_from(ink, 1) & ~far_from(ink, 4)
    before = 255 - given[beside].mean()
    after = 255 - enlarged[beside.repeat(SCALE, axis=0).repeat(SCALE, axis=1)].mean()
    assert before > 2
    assert after < 0.8 * before


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 255, 255), (0, 0, 255), (255, 210, 0), (255, 255, 254), (1, 2, 3)])
def test_flat_colours_stay_exact_up_to_the_border(any_server: Server, colour: tuple[int, int, int]) -> None:
    pixels = np.full((40, 50, 3), colour, np.uint8)
    pixels[18:22, 20:30] = 128
    enlarged = answer(any_server, encoded(pixels))
    marked = (pixels == 128).all(axis=2).repeat(SCALE, axis=0).repeat(SCALE, axis=1)
    assert (enlarged[far_from(marked, 7)] == colour).all()


# Smooth areas have no bands


@pytest.mark.parametrize("kind", ["across", "down", "diagonal"])
@pytest.mark.parametrize("length", [300, 700])
def test_gradients_of_sixteen_bits_have_no_bands(any_server: Server, kind: str, length: int) -> None:
    down, right = np.mgrid[:40, :length]
    position = right + down if kind == "diagonal" else right
    grey = np.rint(position / position.max() * 65535).astype(np.uint16)
    enlarged = answer(any_server, encoded(Image.fromarray(grey.T if kind == "down" else grey)))
    assert enlarged.max() - enlarged.min() > 65000
    assert max(np.abs(np.diff(enlarged, axis=axis)).max() for axis in (0, 1)) <= 65535 / 512


def test_gradients_of_eight_bits_have_steps_of_one_level(any_server: Server) -> None:
    position = np.add(*np.mgrid[:60, :300])
    pixels = np.rint(position[:, :, np.newaxis] / position.max() * (40, 120, 250)).astype(np.uint8)
    enlarged = answer(any_server, encoded(pixels))
    assert max(np.abs(np.diff(enlarged, axis=axis)).max() for axis in (0, 1)) == 1


# The corrections alone


def corrected(levels: NDArray[np.float32], pixels: Pixels) -> NDArray[np.float32]:
    levels = levels.copy()
    correct(levels, pixels, whole_box(pixels))
    return levels


def wrong(pixels: Pixels, scale: int, seed: int = 0) -> NDArray[np.float32]:
    """What a network made of `pixels` that is wrong everywhere."""
    shape = (pixels.shape[0] * scale, pixels.shape[1] * scale, 3)
    return np.random.default_rng(seed).uniform(0, np.iinfo(pixels.dtype).max, shape).astype(np.float32)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_straight_gradients_are_exact(scale: int, dtype: type[np.uint8 | np.uint16]) -> None:
    down, right = np.mgrid[:30, :40]
    pixels = (2 * down + 3 * right)[:, :, np.newaxis].astype(dtype) + np.array((0, 20, 40), dtype)
    result = corrected(wrong(pixels, scale), pixels)
    down, right = ((np.arange(size * scale) + 0.5) / scale - 0.5 for size in (30, 40))
    expected = (2 * down[:, np.newaxis] + 3 * right)[:, :, np.newaxis] + (0, 20, 40)
    inside = np.s_[scale:-scale, scale:-scale]
    np.testing.assert_allclose(result[inside], expected[inside], atol=0.05)


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 1), (3, 3), (1, 90), (70, 2)])
def test_small_pictures(shape: tuple[int, int]) -> None:
    pixels = np.full((*shape, 3), (9, 99, 199), np.uint8)
    np.testing.assert_allclose(corrected(wrong(pixels, SCALE), pixels)[0, 0], (9, 99, 199), atol=1e-3)


def test_what_is_neither_smooth_nor_grey_is_the_networks() -> None:
    pixels = noise(70, 80)
    levels = wrong(pixels, SCALE)
    assert (corrected(levels, pixels) == levels).all()


@pytest.mark.parametrize(("levels", "share"), [(0, 1), (1, 0.5), (2, 0), (40, 0)])
def test_the_share_of_interpolation_falls_with_roughness(levels: int, share: float) -> None:
    """In levels of 255: a row that alternates between two levels bends by twice their difference."""
    pixels = np.full((21, 20, 3), (10_000, 20_000, 30_000), np.uint16)
    pixels[10, ::2, 1] += np.uint16(levels * 257)
    network = np.full((42, 40, 3), 0, np.float32)
    blue = corrected(network, pixels)[20:22, 10:30, 2]
    np.testing.assert_allclose(blue, 30_000 * share, atol=60)


def mixed() -> NDArray[np.uint8]:
    """Grey and coloured, smooth and rough areas, with all their borders."""
    pixels = photograph(150, 190, 1).copy()
    pixels[20:90, 30:100] = pixels[20:90, 30:100, :1]
    pixels[60:130, 80:150] = 255
    pixels[70:72, 90:140] = (0, 0, 90)
    return pixels


@pytest.mark.parametrize("tile", [30, 64, 128])
def test_tiles_are_corrected_as_the_whole(tile: int) -> None:
    pixels = mixed()
    levels = wrong(pixels, SCALE)
    whole = corrected(levels, pixels)
    assert (whole != levels).any()
    height, width, _ = pixels.shape
    for each in cut(height, width, tile, 16):
        part = levels[each.core.scaled(SCALE).slices].copy()
        around = each.core.grown(REACH).within(whole_box(pixels))
        correct(part, pixels[around.slices], each.core.seen_from(around))
        np.testing.assert_allclose(part, whole[each.core.scaled(SCALE).slices], atol=1e-3)


def test_the_transition_is_soft() -> None:
    """Beside an edge, no two neighbours differ by as much as the network and the interpolation."""
    pixels = np.full((40, 40, 3), (200, 100, 50), np.uint8)
    pixels[:, :10] = (20, 30, 40)
    network = np.full((80, 80, 3), 0, np.float32)
    row = corrected(network, pixels)[40, 20:, 0]
    assert row[0] == 0
    assert row[-1] == 200
    assert np.diff(row).max() <= 100
    assert (np.diff(row) >= 0).all()


# Tiles of one colour


def test_tiles_of_one_colour_need_no_network() -> None:
    """They count as done, so that progress reaches its end."""
    calls: list[tuple[int, ...]] = []
    upscaler = upscaler_with(lambda batch: calls.append(batch.shape), tile=16)
    deadline, timings = patience()
    upscaler.check(deadline, timings)
    pixels = np.full((60, 80, 3), (7, 8, 9), np.uint8)
    pixels[3, 4] = 255
    asked = len(calls)
    enlarged = upscaler.enlarge(pixels, deadline, timings)
    assert len(calls) - asked == 1, "only the tile with the dot"
    assert timings.tiles_done == upscaler.cost_of(60, 80).tiles > 1
    assert (enlarged[20:] == (7, 8, 9)).all()


def test_a_hang_up_is_noticed_between_tiles_of_one_colour() -> None:
    asked = itertools.count(1)
    deadline = Deadline(60, None, lambda: next(asked) > 5)
    timings = Timings()
    with pytest.raises(ClientGone):
        upscaler_with(tile=16).enlarge(np.zeros((200, 200, 3), np.uint8), deadline, timings)
    assert timings.tiles_done < 10


@pytest.mark.parametrize(
    ("place", "expected"), [(None, True), ((0, 0), False), ((0, 5), False), ((9, 0), False), ((9, 7), False)]
)
def test_flat(place: tuple[int, int] | None, expected: bool) -> None:
    pixels = np.full((10, 8, 3), (1, 2, 3), np.uint16)
    if place is not None:
        pixels[place][2] += 1
    assert is_flat(pixels) == expected
