"""Test images: pairs in folders, and their degradation and enlargement by Pillow."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from evaluation.errors import MeasurementError
from evaluation.metrics import WINDOW, Pixels
from superscaling.conversion import psnr

SCALE = 2  # of the project's own networks
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
HIGH, LOW = "_HR.png", "_LR.png"  # suffixes of the two files of a pair

Enlarge = Callable[[Pixels], Pixels]


@dataclass(frozen=True)
class Pair:
    """A low-resolution image (h, w, 3) and the original (h * scale, w * scale, 3), RGB, uint8."""

    name: str
    low: Pixels
    high: Pixels


def read_pairs(folder: Path, scale: int) -> Iterator[Pair]:
    """Read the pairs `*_LR.png` and `*_HR.png` of a folder.

    A folder without such pairs yields each image (cut to multiples of `scale`) and its bicubic reduction.

    Raises:
        MeasurementError: there are no images, or one is unreadable, too small, or of the wrong size.
    """
    if not folder.is_dir():
        raise MeasurementError(f"there is no folder {folder}")
    highs, lows = ({path.name.removesuffix(end) for path in folder.glob(f"*{end}")} for end in (HIGH, LOW))
    for name in sorted(highs ^ lows):
        raise MeasurementError(f"{folder / name}{HIGH} and {LOW} belong together, and one is missing")
    for name in sorted(highs):
        yield _checked(
            folder, Pair(name, read_picture(folder / f"{name}{LOW}"), read_picture(folder / f"{name}{HIGH}")), scale
        )
    if highs:
        return
    files = picture_files(folder)
    if not files:
        raise MeasurementError(f"there is no picture in {folder}")
    for path in files:
        yield _reduced(folder, path, scale)


def read_reduced(folder: Path, scale: int) -> Iterator[Pair]:
    """Read each original of a folder, cut to multiples of `scale`, and its bicubic reduction.

    Originals are the files `*_HR.png`, or all images if there are none of these.

    Raises:
        MeasurementError: there are no images, or one is unreadable or too small.
    """
    files = sorted(folder.glob(f"*{HIGH}")) or picture_files(folder)
    if not files:
        raise MeasurementError(f"there is no picture in {folder}")
    for path in files:
        yield _reduced(folder, path, scale)


def _reduced(folder: Path, path: Path, scale: int) -> Pair:
    high = read_picture(path)
    height, width = (side // scale * scale for side in high.shape[:2])
    high = np.ascontiguousarray(high[:height, :width])
    low = reduce(high, scale) if height and width else high
    return _checked(folder, Pair(path.name, low, high), scale)


def picture_files(folder: Path) -> list[Path]:
    """The files in a folder with an image extension, sorted."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())


def jpeg_file(pixels: Pixels, quality: int) -> bytes:
    """Encode as JPEG of this quality with Pillow's defaults (4:2:0)."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return file.getvalue()


def as_jpeg(pixels: Pixels, quality: int) -> Pixels:
    """Encode as JPEG, and decode."""
    return np.asarray(Image.open(io.BytesIO(jpeg_file(pixels, quality)), formats=("JPEG",)))


def reduce(pixels: Pixels, scale: int) -> Pixels:
    """Reduce with Pillow's antialiased bicubic filter. Both sides must be multiples of `scale`."""
    size = (pixels.shape[1] // scale, pixels.shape[0] // scale)
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))


def filter_enlarger(scale: int, resampling: Image.Resampling) -> Enlarge:
    """Return a function that enlarges with one of Pillow's filters."""

    def enlarge(low: Pixels) -> Pixels:
        size = (low.shape[1] * scale, low.shape[0] * scale)
        return np.asarray(Image.fromarray(low).resize(size, resampling))

    return enlarge


def consistency(enlarged: Pixels, low: Pixels, scale: int) -> float:
    """PSNR in dB over RGB between the input and the result, bicubically reduced again. Low if colours drift."""
    return psnr(reduce(enlarged, scale), low)


def on_white(image: Image.Image) -> Pixels:
    """Convert to RGB, on a white background."""
    if not image.has_transparency_data:
        return np.asarray(image.convert("RGB"))
    white = Image.new("RGBA", image.size, "white")
    return np.asarray(Image.alpha_composite(white, image.convert("RGBA")).convert("RGB"))


def read_picture(path: Path) -> Pixels:
    """Read a picture upright, as RGB on white.

    Raises:
        MeasurementError: it is unreadable.
    """
    try:
        with Image.open(path) as image:
            return on_white(ImageOps.exif_transpose(image))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as exc:
        raise MeasurementError(f"{path} is not readable as a picture ({type(exc).__name__}: {exc})") from exc


def _checked(folder: Path, pair: Pair, scale: int) -> Pair:
    """Return the pair if its sizes can be measured; raises MeasurementError otherwise."""
    (low_height, low_width), (height, width) = pair.low.shape[:2], pair.high.shape[:2]
    minimum = WINDOW + 2 * scale  # SSIM's window has to fit between the cut borders
    if min(height, width) < minimum:
        raise MeasurementError(
            f"{folder / pair.name}: {width} x {height} px are too few, {minimum} x {minimum} are needed"
        )
    if (height, width) != (low_height * scale, low_width * scale):
        raise MeasurementError(
            f"{folder / pair.name}: {low_width} x {low_height} px enlarged by {scale} are not {width} x {height} px"
        )
    return pair
