"""Animations and pages keep their frames and durations."""

import dataclasses
import io
import struct
import time
import zlib
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from conftest import Server, StartServer, encoded, photograph, png_chunk, psnr
from fakes import models_with, patience, upscaler_with
from numpy.typing import NDArray
from PIL import Image

from message_protocol import UpscaleInput
from resource_upscale import ResourceUpscale
from superscaling.errors import (
    EstimateOverDeadline,
    FormatCannotHold,
    ImageCorrupt,
    ImageTooLarge,
    ServiceError,
    TooManyFrames,
    UnsupportedImage,
)
from superscaling.format_name import FormatName
from superscaling.isolation import InThisProcess
from superscaling.pictures import Frame, Limits, Picture, check_can_hold, decode, encode
from superscaling.scheduling import Admission

LIMITS = Limits(pixels=1_000_000, frames=100)
HEIGHT, WIDTH = 30, 40
TIMES = [100, 50, 70, 200]
RED, GREEN, BLUE, CLEAR = (255, 0, 0, 255), (0, 255, 0, 255), (0, 0, 255, 255), (0, 0, 0, 0)
COLOURS = [RED, GREEN, BLUE]


def moving_box(count: int = 4, has_alpha: bool = False) -> list[Image.Image]:
    """A box of few colours moving over a photograph; with alpha, also a growing hole and a translucent area."""
    images = []
    for index in range(count):
        pixels = np.asarray(Image.fromarray(photograph(HEIGHT, WIDTH)).quantize(60).convert("RGB")).copy()
        pixels[5 + index * 4 : 12 + index * 4, 8 + index * 5 : 20 + index * 5] = (255 - 40 * index, 30 * index, 0)
        if has_alpha:
            alpha = np.full((HEIGHT, WIDTH), 255, np.uint8)
            alpha[: 8 + index * 2, :10] = 0
            alpha[20:, 30:] = 128
            pixels = np.dstack((pixels, alpha))
        images.append(Image.fromarray(pixels))
    return images


def animated(images: Sequence[Image.Image], file_format: str, **options: Any) -> bytes:
    return encoded(images[0], file_format, save_all=True, append_images=images[1:], duration=TIMES, **options)


def rgba(frame: Frame) -> NDArray[np.uint8]:
    colour = frame.colour if frame.colour.shape[2] == 3 else frame.colour.repeat(3, axis=2)
    alpha = np.full(colour.shape[:2], 255) if frame.alpha is None else frame.alpha
    return np.dstack((colour, alpha)).astype(np.uint8)


def seen_by_opencv(data: bytes) -> tuple[list[NDArray[np.uint8]], list[int], int]:
    """Return the frames as RGBA, their durations in ms, and the number of loops."""
    is_read, animation = cv2.imdecodeanimation(np.frombuffer(data, np.uint8))
    assert is_read
    frames = []
    for frame in animation.frames:
        code = {1: cv2.COLOR_GRAY2RGBA, 3: cv2.COLOR_BGR2RGBA, 4: cv2.COLOR_BGRA2RGBA}[np.atleast_3d(frame).shape[2]]
        frames.append(np.asarray(cv2.cvtColor(frame, code), np.uint8))
    return frames, [round(each) for each in animation.durations], animation.loop_count


ANIMATED = {
    "gif": animated(moving_box(), "GIF", loop=2),
    "gif-cleared": animated(moving_box(has_alpha=True), "GIF", loop=0, disposal=2),
    "webp": animated(moving_box(), "WEBP", lossless=True, loop=3),
    "webp-alpha": animated(moving_box(has_alpha=True), "WEBP", lossless=True, exact=True, loop=0),
    "png": animated(moving_box(), "PNG", loop=3),
    "png-alpha-cleared": animated(moving_box(has_alpha=True), "PNG", loop=0, disposal=1),
    "png-alpha-blended": animated(moving_box(has_alpha=True), "PNG", loop=5, blend=1),
    "png-grey": animated([image.convert("L") for image in moving_box()], "PNG", loop=1),
    "gif-once": animated(moving_box(), "GIF"),
}
PLAYS = {"gif": 3, "webp": 3, "png": 3, "png-alpha-blended": 5, "png-grey": 1, "gif-once": 1}


@pytest.mark.parametrize("name", ANIMATED)
def test_what_is_shown_is_what_opencv_shows(name: str) -> None:
    picture = decode(ANIMATED[name], LIMITS)
    frames, times, plays = seen_by_opencv(ANIMATED[name])
    assert [frame.milliseconds for frame in picture.frames] == times == TIMES
    assert picture.plays == plays == PLAYS.get(name, 0)
    for frame, seen in zip(picture.frames, frames, strict=True):
        visible = seen[:, :, 3] > 0
        assert np.abs(rgba(frame).astype(int) - seen)[visible].max() <= 1
        assert ((rgba(frame)[:, :, 3] > 0) == visible).all()


@pytest.mark.parametrize("target", ["gif", "webp", "png"])
@pytest.mark.parametrize("name", ANIMATED)
def test_through_the_service(server: Server, name: str, target: str) -> None:
    """Each frame equals the enlarged still of the same pixels, except for rounding; durations and loops are kept."""
    picture = decode(ANIMATED[name], LIMITS)
    answer = server.upscale(ANIMATED[name], format=target)
    assert answer.status_code == 200, answer.text
    frames, times, plays = seen_by_opencv(answer.content)
    assert times == TIMES
    assert plays == picture.plays
    for frame, seen in zip(picture.frames, frames, strict=True):
        still = server.upscale(
            encoded(np.ascontiguousarray(rgba(frame) if frame.alpha is not None else frame.colour.squeeze()))
        )
        expected = np.asarray(Image.open(io.BytesIO(still.content)).convert("RGBA"))
        assert seen.shape == expected.shape == (2 * HEIGHT, 2 * WIDTH, 4)
        visible = expected[:, :, 3] >= 128
        if target == "gif":
            assert ((seen[:, :, 3] > 0) == visible).all()
        else:
            assert (seen[:, :, 3] == expected[:, :, 3]).all()
        if target == "png":
            assert psnr(seen[visible][:, :3], expected[visible][:, :3]) > 60
        else:
            assert psnr(seen[visible][:, :3], expected[visible][:, :3]) > 25
    own = Image.open(io.BytesIO(answer.content))
    assert (getattr(own, "n_frames", 1), own.size) == (4, (2 * WIDTH, 2 * HEIGHT))


def gif(parts: Sequence[tuple[Any, int, int, int, int]], size: tuple[int, int] = (4, 4), behind: bytes = b";") -> bytes:
    """A GIF with the palette red, green, blue, transparent (3). Parts: indices, left, top, time in 10 ms, disposal."""
    file = struct.pack("<6sHHBBB", b"GIF89a", *size, 0x81, 1, 0) + bytes(b for c in COLOURS for b in c[:3]) + bytes(3)
    for indices, left, top, hundredths, disposal in parts:
        pixels = np.array(indices, np.uint8)
        saved = encoded(Image.fromarray(pixels), "GIF", optimize=False, interlace=0)
        file += b"!\xf9\4" + struct.pack("<BHBB", disposal << 2 | 1, hundredths, 3, 0)
        file += struct.pack("<sHHHHB", b",", left, top, pixels.shape[1], pixels.shape[0], 0) + saved[13 + 768 + 10 : -1]
    return file + behind


FULL = [[0] * 4] * 4
DOT = [[1]]
HOLE = [[3, 2], [2, 3]]


def canvas(**dots: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """A red frame; `r12=colour` sets the pixel in row 1 and column 2."""
    pixels = np.full((4, 4, 4), RED, np.uint8)
    for place, colour in dots.items():
        pixels[int(place[1]), int(place[2])] = colour
    return pixels


@pytest.mark.parametrize(
    ("parts", "shown"),
    [
        # Keep.
        (
            [(FULL, 0, 0, 1, 1), (DOT, 2, 1, 1, 1), (DOT, 3, 3, 1, 1)],
            [{}, {"p12": GREEN}, {"p12": GREEN, "p33": GREEN}],
        ),
        # Unspecified means keep.
        (
            [(FULL, 0, 0, 1, 0), (DOT, 2, 1, 1, 0), (DOT, 3, 3, 1, 0)],
            [{}, {"p12": GREEN}, {"p12": GREEN, "p33": GREEN}],
        ),
        # Restore to background: transparent, whatever the file's background colour is.
        (
            [(FULL, 0, 0, 1, 1), (DOT, 2, 1, 1, 2), (DOT, 3, 3, 1, 1)],
            [{}, {"p12": GREEN}, {"p12": CLEAR, "p33": GREEN}],
        ),
        # Restore to previous.
        ([(FULL, 0, 0, 1, 1), (DOT, 2, 1, 1, 3), (DOT, 3, 3, 1, 1)], [{}, {"p12": GREEN}, {"p33": GREEN}]),
        # Transparent pixels do not change the canvas.
        ([(FULL, 0, 0, 1, 1), (HOLE, 1, 1, 1, 1)], [{}, {"p12": BLUE, "p21": BLUE}]),
        # Parts beyond the canvas are clipped.
        ([(FULL, 0, 0, 1, 1), (HOLE, 3, 2, 1, 1)], [{}, {"p33": BLUE}]),
        ([(FULL, 0, 0, 1, 1), (HOLE, 300, 200, 1, 1), (DOT, 0, 0, 1, 1)], [{}, {"p00": GREEN}]),
    ],
    ids=["keep", "unspecified", "clear", "restore", "transparent", "cut", "outside"],
)
def test_partial_frames_of_a_gif(parts: list[Any], shown: list[dict[str, Any]]) -> None:
    frames = decode(gif(parts), LIMITS).frames
    for frame, dots in zip(frames, shown, strict=True):
        assert (rgba(frame) == canvas(**dots)).all()


def test_what_no_frame_covers_is_transparent() -> None:
    picture = decode(gif([(DOT, 2, 1, 5, 1)]), LIMITS)
    expected = np.zeros((4, 4, 4), np.uint8)
    expected[1, 2] = GREEN
    assert (rgba(picture.frames[0]) == expected).all()


def test_a_first_frame_larger_than_the_screen_is_the_screen() -> None:
    assert decode(gif([(FULL, 0, 0, 1, 1)], size=(0, 0)), LIMITS).width == 4


def test_equal_neighbours_become_one_and_keep_their_time() -> None:
    frames = decode(gif([(FULL, 0, 0, 7, 1), (FULL, 0, 0, 9, 1), (DOT, 0, 0, 1, 1)]), LIMITS).frames
    assert [frame.milliseconds for frame in frames] == [160, 10]


@pytest.mark.parametrize("behind", [b"", b"\0", b"\0\0garbage", b";garbage"])
def test_ends_of_gifs_in_the_wild(behind: bytes) -> None:
    assert len(decode(gif([(FULL, 0, 0, 7, 1), (DOT, 0, 0, 1, 1)], behind=behind), LIMITS).frames) == 2


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (gif([(FULL, 0, 0, 1, 1), (DOT, 0, 0, 1, 1)])[:-6], ImageCorrupt),
        (gif([(FULL, 0, 0, 1, 1)])[:30], ImageCorrupt),
        (gif([]), ImageCorrupt),
        (gif([])[:9], ImageCorrupt),
        (gif([(FULL, 0, 0, 1, 1)]).replace(b",\0\0\0\0\4\0\4\0", b",\0\0\0\0\0\0\4\0"), ImageCorrupt),
        (gif([(DOT, 0, 0, 1, 1)] * 101), TooManyFrames),
        (gif([(FULL, 0, 0, 1, 1), (DOT, 0, 0, 1, 1)], size=(1000, 501)), ImageTooLarge),
        (gif([(FULL, 0, 0, 1, 1)]).replace(b",\0\0\0\0\4\0\4\0", b",\0\0\0\0\xff\xff\xff\xff"), ImageTooLarge),
        (gif([(FULL, 65_000, 65_000, 1, 1)]), ImageTooLarge),
        (gif([(DOT, 0, 0, 1, 1), *[(np.zeros((800, 800), np.uint8), 0, 0, 1, 1)] * 2], size=(1, 1)), ImageTooLarge),
    ],
    ids=[
        "second cut",
        "first cut",
        "empty",
        "head cut",
        "no width",
        "frames",
        "pixels",
        "huge part",
        "far part",
        "large parts",
    ],
)
def test_bad_gifs(data: bytes, error: type[ServiceError]) -> None:
    with pytest.raises(error):
        decode(data, LIMITS)


def without(data: bytes, name: bytes, which: int) -> bytes:
    """Remove a chunk from a PNG."""
    place, seen = 8, 0
    while place < len(data):
        end = place + 12 + int.from_bytes(data[place : place + 4])
        if data[place + 4 : place + 8] == name:
            if seen == which:
                return data[:place] + data[end:]
            seen += 1
        place = end
    raise AssertionError(f"no {name!r}")


def changed(data: bytes, name: bytes, offset: int, value: bytes) -> bytes:
    """Change bytes in the first chunk `name` of a PNG, and correct its checksum."""
    place = data.index(name)
    length = int.from_bytes(data[place - 4 : place])
    content = bytearray(data[place + 4 : place + 4 + length])
    content[offset : offset + len(value)] = value
    return data[: place - 4] + png_chunk(name, bytes(content)) + data[place + 8 + length :]


@pytest.mark.parametrize(
    "data",
    [
        without(ANIMATED["png"], b"fdAT", 1),
        without(ANIMATED["png"], b"fcTL", 2),
        changed(ANIMATED["png"], b"fcTL", 4, struct.pack(">I", 41)),
        changed(ANIMATED["png"], b"fcTL", 24, b"\7"),
        changed(ANIMATED["png"], b"acTL", 0, struct.pack(">I", 9)),
        ANIMATED["png"].replace(b"fdAT", b"fdAT" + b"\0"),
        ANIMATED["png"][:-300],
        animated(moving_box()[:1] * 2 + moving_box()[1:3], "PNG")[:60],
        ANIMATED["png"][:33] + png_chunk(b"PLTE", bytes(771)) + ANIMATED["png"][33:],
        ANIMATED["png"][:33] + png_chunk(b"tRNS", bytes(257)) + ANIMATED["png"][33:],
    ],
    ids=[
        "no fdAT",
        "no fcTL",
        "too wide",
        "disposal",
        "9 frames",
        "misplaced",
        "cut",
        "head",
        "palette",
        "transparency",
    ],
)
def test_bad_apngs(data: bytes) -> None:
    with pytest.raises((ImageCorrupt, UnsupportedImage)):
        decode(data, LIMITS)


def test_an_apng_whose_default_image_is_no_frame() -> None:
    data = encoded(
        Image.new("RGB", (WIDTH, HEIGHT), "red"),
        "PNG",
        save_all=True,
        append_images=moving_box(),
        default_image=True,
        duration=TIMES,
    )
    picture = decode(data, LIMITS)
    assert (rgba(picture.frames[0])[:, :, :3] == np.asarray(moving_box()[0])).all()
    assert len(picture.frames) == 4
    assert picture.notes == ("the default image for viewers without animation was left out",)


@pytest.mark.parametrize("name", ["gif", "webp", "png", "tiff"])
def test_frame_and_pixel_limits(shared_server: StartServer, name: str) -> None:
    server = shared_server(UPSCALER_MAX_FRAMES="3", UPSCALER_MAX_PIXELS="2000")
    images = moving_box()
    problem = server.upscale(encoded(images[0], name, save_all=True, append_images=images[1:], duration=100)).json()
    assert (problem["status"], problem["code"], problem["limit"]) == (422, "too_many_frames", 3)
    assert problem["setting"] == "UPSCALER_MAX_FRAMES"
    problem = server.upscale(encoded(images[0], name, save_all=True, append_images=images[1:2], duration=100)).json()
    assert (problem["code"], problem["limit"], problem["actual"]) == ("image_too_large", 2000, 2 * HEIGHT * WIDTH)
    assert server.upscale(encoded(images[0], name)).status_code == 200


@pytest.mark.parametrize("target", ["jpeg", "bmp", "tiff"])
def test_an_animation_fits_no_format_without_one(server: Server, target: str) -> None:
    problem = server.upscale(ANIMATED["gif"], format=target).json()
    assert (problem["status"], problem["code"]) == (422, "format_cannot_hold")
    assert "4 frames" in problem["detail"]
    assert "png, webp or gif" in problem["detail"]


def test_the_deadline_counts_all_frames() -> None:
    """A still meets the deadline. A hundred frames of its size would not, and are rejected before inference."""
    upscaler = upscaler_with(lambda batch: time.sleep(1e-5 * batch[0, :, :, 0].size), tile=256)
    upscale = ResourceUpscale(models_with(upscaler), Admission(10**9), LIMITS, 100, InThisProcess())
    images = [Image.fromarray(photograph(60, 60, seed)) for seed in range(100)]
    still = UpscaleInput.from_bytes(encoded(images[0], "WEBP"), {})
    animation = UpscaleInput.from_bytes(encoded(images[0], "WEBP", save_all=True, append_images=images[1:]), {})
    upscale.main(still, *patience(2.0))
    with pytest.raises(EstimateOverDeadline, match="60 x 60 px in 100 frames"):
        upscale.main(animation, *patience(2.0))


def test_times_are_rounded_to_what_gif_has_without_drifting() -> None:
    frames = [dataclasses.replace(Frame(np.asarray(each)), milliseconds=100 / 3) for each in moving_box() * 6]
    gif_file = encode(Picture(tuple(frames), FormatName.PNG), FormatName.GIF, None, 100).data
    times = [frame.milliseconds for frame in decode(gif_file, LIMITS).frames]
    assert set(times) == {30, 40}
    assert sum(times) == 800


# Pages of different sizes and modes.
PAGES = [
    Image.fromarray(photograph(20, 30)).convert("1"),
    Image.fromarray(photograph(30, 20)),
    Image.fromarray(photograph(16, 16)).convert("CMYK"),
]


def pages_file(**options: Any) -> bytes:
    return encoded(PAGES[0], "TIFF", save_all=True, append_images=PAGES[1:], **options)


def test_pages_stay_what_they_are(server: Server) -> None:
    answer = server.upscale(pages_file())
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/tiff")
    with tifffile.TiffFile(io.BytesIO(answer.content)) as file:
        assert [page.shape for page in file.pages] == [(40, 60), (60, 40, 3), (32, 32, 4)]
    still = server.upscale(encoded(np.asarray(PAGES[1])))
    second = Image.open(io.BytesIO(answer.content))
    second.seek(1)
    assert (np.asarray(second) == np.asarray(Image.open(io.BytesIO(still.content)))).all()
    problem = server.upscale(pages_file(), format="gif").json()
    assert "3 pages, which gif can't hold: ask for tiff" in problem["detail"]


def test_each_page_has_its_own_profile_and_resolution() -> None:
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for index, icc in enumerate([b"\0" * 16 + b"RGB " + b"\1" * 110, None]):
            writer.write(
                photograph(16, 16), photometric="rgb", iccprofile=icc, resolution=(100 + index, 100), resolutionunit=2
            )
    picture = decode(file.getvalue(), LIMITS)
    again = decode(encode(picture, FormatName.TIFF, None, 100).data, LIMITS)
    for each in (picture, again):
        assert [len(frame.metadata.icc or b"") for frame in each.frames] == [130, 0]
        assert [frame.metadata.dpi for frame in each.frames] == [(100, 100), (101, 100)]


def test_previews_in_a_tiff_are_no_pages() -> None:
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(photograph(16, 16), photometric="rgb")
        writer.write(photograph(8, 8), photometric="rgb", subfiletype=1)
    picture = decode(file.getvalue(), LIMITS)
    assert (len(picture.frames), picture.width) == (1, 16)
    assert picture.notes == ("1 previews or masks were left out",)


@pytest.mark.parametrize("name", ["PNG", "WEBP"])
def test_an_animation_is_turned_upright(name: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    options = {"lossless": True} if name == "WEBP" else {}
    picture = decode(animated(moving_box(), name, exif=exif.tobytes(), **options), LIMITS)
    assert (picture.width, picture.height) == (HEIGHT, WIDTH)
    for frame, image in zip(picture.frames, moving_box(), strict=True):
        assert (rgba(frame)[:, :, :3] == np.rot90(np.asarray(image), -1)).all()
    assert Image.open(io.BytesIO(encode(picture, picture.format, None, 100).data)).getexif()[0x0112] == 1


def shown_for(*milliseconds: float, plays: int = 1) -> Picture:
    frames = [
        Frame(np.full((16, 16, 3), 200 * (index % 2), np.uint8), None, each) for index, each in enumerate(milliseconds)
    ]
    return Picture(tuple(frames), FormatName.GIF, plays)


@pytest.mark.parametrize("name", [FormatName.GIF, FormatName.WEBP, FormatName.PNG])
@pytest.mark.parametrize("milliseconds", [0, 0.2, 1000 / 3, 999.9, 50_000.123, 65_536, 66_001, 100_001, 655_350])
def test_times_of_every_length(name: FormatName, milliseconds: float) -> None:
    picture = shown_for(milliseconds, 100)
    check_can_hold(picture, picture.sizes, name)
    frames = decode(encode(picture, name, 100, 100).data, LIMITS).frames
    assert frames[0].milliseconds == pytest.approx(milliseconds, abs=6)


@pytest.mark.parametrize(
    ("name", "milliseconds"), [(FormatName.GIF, 655_360), (FormatName.WEBP, 2**24), (FormatName.PNG, 65_536_000)]
)
def test_times_that_are_too_long(name: FormatName, milliseconds: float) -> None:
    with pytest.raises(FormatCannotHold, match="a frame is shown for"):
        check_can_hold(picture := shown_for(milliseconds, 100), picture.sizes, name)
    with pytest.raises(FormatCannotHold, match="all frames are shown for"):
        check_can_hold(picture := shown_for(*[60_000_000] * 40), picture.sizes, FormatName.PNG)


@pytest.mark.parametrize(
    ("name", "most"), [(FormatName.GIF, 65_536), (FormatName.WEBP, 65_535), (FormatName.PNG, 2**31 - 1)]
)
def test_more_plays_than_a_format_counts(name: FormatName, most: int) -> None:
    for plays in (0, 1, 2, most, most + 1, 2**32 - 1):
        encoded_file = encode(shown_for(100, 100, plays=plays), name, 100, 100)
        assert decode(encoded_file.data, LIMITS).plays == min(plays, most)
        assert encoded_file.notes == ((f"the animation runs {most} times instead of {plays}",) if plays > most else ())


def test_no_frame_is_rounded_to_what_browsers_slow_down() -> None:
    """Browsers show frames of up to 10 ms for 100 ms."""
    assert set(times_in_gif([1000 / 60] * 30)) == {20}
    assert times_in_gif([10] * 3) == [10] * 3
    assert times_in_gif([15, 15, 100]) == [20, 20, 90]


def times_in_gif(milliseconds: Sequence[float]) -> list[float]:
    data = encode(shown_for(*milliseconds), FormatName.GIF, None, 100).data
    return [frame.milliseconds for frame in decode(data, LIMITS).frames]


def test_grey_of_sixteen_bits_with_alpha() -> None:
    """In an animation, it is read as 8-bit grey, with a note."""
    control = struct.pack(">IIIIIHHBB", 0, 2, 1, 0, 0, 1, 10, 0, 0)
    pixels = zlib.compress(bytes([0, 10, 0, 255, 255, 200, 0, 127, 255]))
    second = struct.pack(">IIIIIHHBB", 1, 2, 1, 0, 0, 1, 10, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        png_chunk(name, content)
        for name, content in (
            (b"IHDR", struct.pack(">IIBBBBB", 2, 1, 16, 4, 0, 0, 0)),
            (b"acTL", struct.pack(">II", 2, 0)),
            (b"fcTL", control),
            (b"IDAT", pixels),
            (b"fcTL", second),
            (b"fdAT", struct.pack(">I", 2) + zlib.compress(bytes([0, 90, 0, 255, 255, 80, 0, 255, 255]))),
            (b"IEND", b""),
        )
    )
    picture = decode(data, LIMITS)
    assert [frame.mode for frame in picture.frames] == ["LA", "LA"]
    assert picture.notes == ("16 bits were read as 8",)
