"""GIFs as other decoders read them: exact colours, transparency, nothing that flickers, nothing on the disk."""

import io
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from conftest import ROOT, Server, encoded, photograph, psnr
from numpy.typing import NDArray
from PIL import Image, ImageSequence

from superscaling.format_name import FormatName
from superscaling.pictures import Frame, Limits, Picture, decode, encode

Rgba = NDArray[np.uint8]
HEIGHT, WIDTH = 48, 64
EVERYTHING = Limits(10**8, 10_000)
OPAQUE, CLEAR = 255, 0


def gif_of(frames: Sequence[Frame], plays: int = 0) -> bytes:
    return encode(Picture(tuple(frames), FormatName.GIF, plays), FormatName.GIF, None, 100).data


def by_pillow(data: bytes) -> list[Rgba]:
    return [np.asarray(frame.convert("RGBA")) for frame in ImageSequence.Iterator(Image.open(io.BytesIO(data)))]


def by_opencv(data: bytes) -> list[Rgba]:
    is_read, animation = cv2.imdecodeanimation(np.frombuffer(data, np.uint8))
    assert is_read
    codes = {3: cv2.COLOR_BGR2RGBA, 4: cv2.COLOR_BGRA2RGBA}
    return [np.asarray(cv2.cvtColor(each, codes[each.shape[2]]), np.uint8) for each in animation.frames]


def by_us(data: bytes) -> list[Rgba]:
    frames = decode(data, EVERYTHING).frames
    return [np.asarray(rgba(frame), np.uint8) for frame in frames]


def rgba(frame: Frame) -> Rgba:
    colour = frame.colour.repeat(3 // frame.colour.shape[2], axis=2)
    alpha = np.full(colour.shape[:2], OPAQUE) if frame.alpha is None else frame.alpha
    return np.dstack((colour, alpha)).astype(np.uint8)


READERS = (by_us, by_pillow, by_opencv)


def many_coloured(colours: int, seed: int = 0, is_grey: bool = False) -> NDArray[np.uint8]:
    """A frame in which exactly so many colours occur, dark and similar ones among them."""
    random = np.random.default_rng(seed)
    numbers = np.arange(colours) if is_grey else random.choice(1 << 24, colours, replace=False)
    palette = np.stack(
        [numbers, numbers, numbers] if is_grey else [numbers >> 16, numbers >> 8 & 255, numbers & 255], 1
    )
    if not is_grey:
        similar = min(colours, 27)
        palette[:similar] = np.stack(np.unravel_index(np.arange(similar), (3, 3, 3)), 1)
    which = random.integers(0, colours, HEIGHT * WIDTH)
    which[:colours] = np.arange(colours)
    return palette[which].reshape(HEIGHT, WIDTH, 3).astype(np.uint8)


def a_hole(radius: float) -> NDArray[np.uint8]:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return np.where(np.hypot(rows - HEIGHT / 2, columns - WIDTH / 2) < radius, CLEAR, OPAQUE).astype(np.uint8)


EXACT = {
    "one": [Frame(many_coloured(1))],
    "black and white": [Frame(many_coloured(2) // 255 * 255), Frame(255 - many_coloured(2, is_grey=True) * 255)],
    "grey": [Frame(many_coloured(256, is_grey=True))],
    "grey by mode": [Frame(many_coloured(256, is_grey=True)[:, :, :1])],
    "256": [Frame(many_coloured(256))],
    "255": [Frame(many_coloured(255))],
    "254 and clear": [Frame(many_coloured(254), a_hole(9))],
    "255 in each": [Frame(many_coloured(255, seed), None, 50) for seed in range(4)],
    "254 and clear in each": [Frame(many_coloured(254, seed), a_hole(seed * 3 % 10), 50) for seed in range(6)],
}


@pytest.mark.parametrize("name", EXACT)
def test_few_colours_are_exact(name: str) -> None:
    frames = EXACT[name]
    data = gif_of(frames)
    for read in READERS:
        for frame, seen in zip(frames, read(data), strict=True):
            visible = rgba(frame)[:, :, 3] == OPAQUE
            assert ((seen[:, :, 3] == OPAQUE) == visible).all()
            assert (seen[visible] == rgba(frame)[visible]).all()


def test_grey_of_all_levels_moves_by_one_level_at_most() -> None:
    """libvips keeps one of 256 colours free in each frame of an animation; grey stays grey."""
    frames = [Frame(many_coloured(256, seed, is_grey=True)[:, :, :1], None, 50) for seed in range(3)]
    for frame, seen in zip(frames, by_opencv(gif_of(frames)), strict=True):
        assert (seen[:, :, 0] == seen[:, :, 1]).all()
        assert (seen[:, :, 0] == seen[:, :, 2]).all()
        assert np.abs(seen[:, :, :1].astype(int) - frame.colour).max() <= 1


def test_a_photograph() -> None:
    """By median cut and k-means it would be 35.8 dB."""
    colour = photograph(200, 300)
    assert psnr(by_opencv(gif_of([Frame(colour)]))[0][:, :, :3], colour) > 37


def test_stills_are_dithered() -> None:
    """From a distance a gradient shows colours that the palette does not have; without dithering it would be 39 dB."""
    rows, columns = np.mgrid[:200, :300]
    colour = np.stack((columns * 0.8, rows * 1.1, (rows + columns) * 0.4), axis=2).astype(np.uint8)
    seen = by_opencv(gif_of([Frame(colour)]))[0][:, :, :3]
    assert psnr(*(cv2.GaussianBlur(each.astype(np.float32), (0, 0), 2) for each in (seen, colour))) > 45


def test_what_does_not_change_does_not_flicker() -> None:
    """A box of ever new colours moves over a photograph: around it every frame shows the very same levels."""
    frames = []
    for index in range(6):
        colour = photograph(HEIGHT, WIDTH).copy()
        colour[4 + 5 * index : 14 + 5 * index, 8 * index : 8 * index + 12] = many_coloured(120, index)[:10, :12]
        frames.append(Frame(colour, None, 40))
    for read in READERS:
        seen = read(gif_of(frames))
        for before, frame, shown_before, shown in zip(frames, frames[1:], seen, seen[1:], strict=False):
            same = (before.colour == frame.colour).all(axis=2)
            differing = (shown_before[same] != shown[same]).any(axis=1)
            # Few pixels between changed ones are written again, where that is shorter.
            assert differing.mean() < 0.01


@pytest.mark.parametrize("plays", [0, 1, 3])
def test_holes_that_grow_and_shrink(plays: int) -> None:
    """Also where a frame is all transparent; alpha is thresholded at one half."""
    alphas = [a_hole(radius) for radius in (0, 6, 12, 5, 4, 100, 0, 3)]
    alphas += [np.full((HEIGHT, WIDTH), alpha, np.uint8) for alpha in (127, 128)]
    frames = [Frame(photograph(HEIGHT, WIDTH, index // 3), alpha, 50) for index, alpha in enumerate(alphas)]
    data = gif_of(frames, plays)
    for read in READERS:
        for alpha, seen in zip(alphas, read(data), strict=True):
            assert ((seen[:, :, 3] == OPAQUE) == (alpha >= 128)).all()
    for frame, seen in zip(frames, by_opencv(data), strict=True):
        if (visible := rgba(frame)[:, :, 3] >= 128).any():
            assert psnr(seen[visible][:, :3], frame.colour[visible]) > 30
    assert decode(data, EVERYTHING).plays == plays


@pytest.mark.parametrize(
    ("height", "width", "count"), [(1, 1, 1), (1, 1, 3), (2, 65_535, 1), (65_535, 1, 2), (8, 8, 1000)]
)
def test_extremes(height: int, width: int, count: int) -> None:
    random = np.random.default_rng(0)
    frames = [Frame(random.integers(0, 256, (height, width, 3), np.uint8), None, 100 / 3) for _ in range(count)]
    seen = by_us(gif_of(frames))
    assert [each.shape for each in seen] == [(height, width, 4)] * count
    if count > 1:
        total = sum(frame.milliseconds for frame in decode(gif_of(frames), EVERYTHING).frames)
        assert total == pytest.approx(100 / 3 * count, abs=10)


def test_equal_frames_keep_their_times() -> None:
    """Two frames of the longest time can't become one."""
    frames = [Frame(np.full((8, 8, 3), 9, np.uint8), None, 655_350)] * 2
    assert [frame.milliseconds for frame in decode(gif_of(frames), EVERYTHING).frames] == [655_350] * 2


def test_threads_do_not_disturb_each_other() -> None:
    stories = [[Frame(photograph(HEIGHT, WIDTH, 7 * one + two), None, 50) for two in range(3)] for one in range(8)]
    alone = [gif_of(frames) for frames in stories]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(gif_of, stories * 3)) == alone * 3


def test_nothing_is_written_to_the_disk_or_the_terminal() -> None:
    """A process that may not write files, and has no place for temporary ones, writes a large animation."""
    code = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
import numpy as np
from superscaling.format_name import FormatName
from superscaling.pictures import Frame, Picture, encode
rows, columns = np.ogrid[:3000, :4000]
frames = tuple(Frame(((rows // 9 + columns // 7 + shift) % 200).astype(np.uint8)[:, :, np.newaxis], None, 50)
               for shift in range(3))
data = encode(Picture(frames, FormatName.GIF), FormatName.GIF, None, 100).data
assert len(data) > 100_000, len(data)
"""
    environ = {"PYTHONPATH": str(ROOT), "TMPDIR": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, timeout=170, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_grey_gif_through_the_service_is_exactly_the_png(server: Server) -> None:
    grey = np.add.outer(np.arange(64), np.arange(64) * 3).astype(np.uint8)
    answers = [server.upscale(encoded(grey), format=target) for target in ("gif", "png")]
    gif, png = (np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB")) for answer in answers)
    assert len(np.unique(png)) > 200
    assert (gif == png).all()


def test_libvips_says_nothing_in_the_log(server: Server) -> None:
    assert server.upscale(encoded(photograph(40, 40)), format="gif").status_code == 200
    assert "vips" not in server.logged()


@pytest.mark.parametrize("colours", [1, 2, 200, 256, 257, 340])
@pytest.mark.parametrize("spread", [1, 30])
def test_an_opaque_still_announces_no_transparency(colours: int, spread: int) -> None:
    """Also if the colours are very similar."""
    numbers = np.resize(np.arange(colours), HEIGHT * WIDTH)
    colour = np.stack(np.unravel_index(numbers, (7, 7, 7)), 1).reshape(HEIGHT, WIDTH, 3).astype(np.uint8) * spread
    with Image.open(io.BytesIO(gif_of([Frame(colour)]))) as image:
        assert "transparency" not in image.info
