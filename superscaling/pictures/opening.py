"""Image files to Pillow's images, and those to pixels."""

import contextlib
import io
import re
import traceback
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError

from superscaling.errors import ImageCorrupt, ServiceError, UnsupportedImage, UnsupportedMode
from superscaling.format_name import FormatName
from superscaling.pictures.formats import FORMATS, READ_MODES
from superscaling.pictures.limits import Limits
from superscaling.pictures.metadata import drop_odd_blocks
from superscaling.pictures.picture import Frame, Samples

# More than any real picture has; Pillow itself refuses twice as many.
MAX_PIXELS = 1 << 31
# Pillow's names of samples of 16 bits. ("BGR;16" is a pixel of 16 bits.)
WIDE = re.compile(";16[BLN]")
# What a decoder may raise for damaged bytes, and this package's own code only where it is wrong.
DEFECTS = (AttributeError, TypeError, NameError, AssertionError)
# TIFF's tags of how its numbers are to be read, and what Pillow reads as something else. (TIFF 6.0)
BITS_PER_SAMPLE, PLANES, EXTRA_SAMPLES, SAMPLE_FORMAT = 258, 284, 338, 339
SEPARATE, UNSPECIFIED, SIGNED = 2, 0, 2
# TIFF's tag of what black is, and its value for pictures that count from white. (TIFF 6.0)
PHOTOMETRIC, WHITE_IS_ZERO = 262, 0


def limit_pillow() -> None:
    """Set Pillow's own limits, once, before any picture is opened.

    `open_image` checks the header's pixels against the service's limit, with an error that says so. Pillow's check
    runs a moment earlier; it is left as the last resort for sizes that no real picture has. Pillow's warnings, on
    large pictures and on blocks that it skips, are silenced here, because a filter can't be changed safely while
    other threads decode.
    """
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


@contextlib.contextmanager
def decoder_errors() -> Iterator[None]:
    """Whatever a decoder raises inside, for bytes that it can't make sense of, becomes ImageCorrupt."""
    try:
        yield
    except (ServiceError, MemoryError):  # running out of memory is no fault of the picture's
        raise
    except Exception as exc:
        if isinstance(exc, DEFECTS) and _is_raised_here(exc):
            raise
        raise ImageCorrupt(f"the image is truncated or corrupt: {exc}") from exc


def _is_raised_here(exc: Exception) -> bool:
    """Whether this package itself raised it, and not a decoder that it calls."""
    *_, (frame, _) = traceback.walk_tb(exc.__traceback__)
    return Path(__file__).parent in Path(frame.f_code.co_filename).parents


def open_image(data: bytes, name: FormatName, limits: Limits) -> ImageFile.ImageFile:
    """Read the header of a file of the format `name`; no other decoder is tried.

    Raises:
        UnsupportedImage: it only begins like one.
        ImageTooLarge: see `Limits`.
        Exception: whatever a decoder raises for bytes it can't make sense of.
    """
    try:
        image = Image.open(io.BytesIO(data), formats=[FORMATS[name].pillow])
    except UnidentifiedImageError as exc:
        raise UnsupportedImage(
            f"the bytes begin like {name} and are no image, or of a variant that is not read"
        ) from exc
    except Image.DecompressionBombError as exc:
        raise limits.too_large("more pixels than any picture") from exc
    limits.check_pixels(image.width, image.height)
    return image


def frame_count(image: Image.Image) -> int:
    """Frames, pages or pictures in the file."""
    return int(getattr(image, "n_frames", 1))


def tiff_tags(image: Image.Image) -> Mapping[int, Any]:
    """The tags of the page that a TIFF stands at; none for other formats."""
    return getattr(image, "tag_v2", {})


def check_mode(image: Image.Image) -> None:
    """Make sure that the image is of a mode that is read.

    Raises:
        UnsupportedMode: it is not.
    """
    if image.mode not in READ_MODES:
        raise UnsupportedMode(f"{image.format} of mode {image.mode} is not read (read are {', '.join(READ_MODES)})")
    tags = tiff_tags(image)
    if SIGNED in _numbers(tags.get(SAMPLE_FORMAT)):
        raise UnsupportedMode("TIFF of signed numbers is not read")
    if tags.get(PLANES) == SEPARATE and max(_numbers(tags.get(BITS_PER_SAMPLE)), default=1) > 8:
        raise UnsupportedMode("TIFF of more than 8 bits in separate planes is not read")


def has_channels_left_out(image: Image.Image) -> bool:
    """Whether a TIFF has channels that are neither colour nor alpha, which Pillow skips."""
    return UNSPECIFIED in _numbers(tiff_tags(image).get(EXTRA_SAMPLES))


def _numbers(value: object) -> tuple[int, ...]:
    """Of a tag: one number or several, or none where it is of another type."""
    return tuple(each for each in (value if isinstance(value, tuple) else (value,)) if isinstance(each, int))


def load_frame(image: ImageFile.ImageFile) -> Frame:
    """Decode the picture that `image` stands at, without its metadata and as it is stored.

    Raises:
        UnsupportedMode: see `check_mode`.
        Exception: see `open_image`.
    """
    check_mode(image)
    drop_odd_blocks(image)
    raw = raw_mode(image)
    _scale_transparency(image, raw)
    image.load()
    drop_odd_blocks(image)  # what stands behind the pixels
    # Grey of 16 bits with alpha is read as RGBA.
    opaque_mode, transparent_mode = READ_MODES["LA" if raw.startswith("LA;16") else image.mode]
    if opaque_mode == "I;16":
        return _grey_16(image, raw)
    mode = transparent_mode if image.has_transparency_data else opaque_mode
    channels = np.asarray(image.convert(mode))
    if channels.ndim == 2:
        channels = channels[:, :, np.newaxis]
    return split_alpha(channels) if mode.endswith("A") else Frame(channels)


def split_alpha(channels: NDArray[np.uint8]) -> Frame:
    """(h, w, c) with alpha last."""
    return Frame(channels[:, :, :-1], channels[:, :, -1])


def rgba_of(data: bytes, name: FormatName, limits: Limits) -> NDArray[np.uint8]:
    """Decode a single picture to (h, w, 4) RGBA.

    Raises:
        UnsupportedMode, UnsupportedImage, ImageTooLarge, Exception: see `open_image` and `load_frame`.
    """
    frame = load_frame(open_image(data, name, limits))
    colour = _to_8_bits(frame.colour) if frame.mode == "I;16" else frame.colour
    alpha = np.full(colour.shape[:2], 255, np.uint8) if frame.alpha is None else frame.alpha
    if colour.shape[2] == 1:
        colour = colour.repeat(3, axis=2)
    return np.dstack((colour, alpha))


def raw_mode(image: ImageFile.ImageFile) -> str:
    """How the pixels lie in the file, in Pillow's words; of an image that is not loaded yet."""
    if not image.tile:
        return ""
    arguments = image.tile[0].args
    return str(arguments[0] if isinstance(arguments, tuple) and arguments else arguments)


def is_reduced_to_8_bits(image: ImageFile.ImageFile) -> bool:
    """Whether Pillow reads 8 of the file's 16 bits: of colour, and of grey with transparency."""
    keeps_16 = READ_MODES.get(image.mode, ("",))[0] == "I;16" and not image.has_transparency_data
    return WIDE.search(raw_mode(image)) is not None and not keeps_16


def _scale_transparency(image: Image.Image, raw: str) -> None:
    """Make the transparent value of a PNG's grey of 2 or 4 bits one of 8 bits, as its samples are once it is loaded."""
    factor = {"L;2": 255 // 3, "L;4": 255 // 15}.get(raw)
    if factor and isinstance(image.info.get("transparency"), int):
        image.info["transparency"] *= factor


def _grey_16(image: Image.Image, raw: str) -> Frame:
    grey = np.asarray(image).astype(np.uint16)
    if raw.startswith("I;12"):  # Pillow leaves 12 bits as they are, 16 times too dark
        grey = np.asarray(grey << 4 | grey >> 8, np.uint16)
    if tiff_tags(image).get(PHOTOMETRIC) == WHITE_IS_ZERO:  # Pillow inverts 8 bits only
        grey = np.uint16(65_535) - grey
    frame = Frame(grey[:, :, np.newaxis])
    transparent = image.info.get("transparency")
    if transparent is None:
        return frame
    return Frame(_to_8_bits(frame.colour), np.where(grey == transparent, 0, 255).astype(np.uint8))


def _to_8_bits(samples: Samples) -> NDArray[np.uint8]:
    return ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)
