"""Pillow's images to frames of arrays."""

import re

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from superscaling.errors import UnsupportedMode
from superscaling.format_name import FormatName
from superscaling.pictures.opening import open_image, raw_mode, tiff_tags
from superscaling.pictures.picture import Frame, Samples, in_8_bits
from superscaling.pictures.sixteen_bits import is_colour_16, samples_16
from superscaling.recognition.formats import READ_MODES
from superscaling.recognition.limits import Limits

# Pillow's names of 16-bit samples. ("BGR;16" is a pixel of 16 bits.)
WIDE = re.compile(";16[BLN]")
LACKS_END_MARK = "the file lacks its end mark; the picture is complete"
# TIFF tags that say what black is, and what further channels are, and the values of inverted pictures and of channels
# that are neither colour nor alpha. (TIFF 6.0)
PHOTOMETRIC, EXTRA_SAMPLES = 262, 338
WHITE_IS_ZERO, UNSPECIFIED = 0, 0


def check_mode(image: Image.Image) -> None:
    """Make sure that the mode of an image is supported.

    Raises:
        UnsupportedMode: it is not.
    """
    if image.mode not in READ_MODES:
        supported = ", ".join(READ_MODES)
        raise UnsupportedMode(f"mode {image.mode} of {image.format} is not supported (supported: {supported})")


def reading_notes(image: ImageFile.ImageFile) -> tuple[str, ...]:
    """What Pillow drops when it decodes the current page, in words. To be called before it is loaded."""
    notes = [read_as_8_bits(16)] if _is_reduced_to_8_bits(image) else []
    if UNSPECIFIED in _numbers(tiff_tags(image).get(EXTRA_SAMPLES)):
        notes.append("a channel that is neither colour nor alpha was left out")
    return tuple(notes)


def read_as_8_bits(bits: int) -> str:
    """That samples of so many bits were reduced, in words."""
    return f"{bits} bits were read as 8"


def load_frame(image: ImageFile.ImageFile) -> Frame:
    """Decode the current frame or page of `image`, as it is stored and without metadata.

    Raises:
        UnsupportedMode: its mode is not supported.
        Exception: whatever a decoder raises for damaged bytes.
    """
    check_mode(image)
    raw = raw_mode(image)
    if is_colour_16(image):
        return _with_transparency(samples_16(image), image)
    _scale_transparency(image, raw)
    image.load()
    opaque_mode, transparent_mode = READ_MODES[image.mode]
    if opaque_mode == "I;16":
        return _with_transparency(_grey_16(image, raw), image)
    mode = transparent_mode if image.has_transparency_data else opaque_mode
    channels = np.asarray(image.convert(mode))
    if channels.ndim == 2:
        channels = channels[:, :, np.newaxis]
    return split_alpha(channels) if mode.endswith("A") else Frame(channels)


def split_alpha(channels: Samples) -> Frame:
    """A frame from an array (h, w, c) whose last channel is alpha."""
    return Frame(channels[:, :, :-1], channels[:, :, -1])


def rgba_of(data: bytes, name: FormatName, limits: Limits) -> NDArray[np.uint8]:
    """Decode a file with one picture to (h, w, 4) RGBA.

    Raises:
        UnsupportedMode, UnsupportedImage, ImageTooLarge: it can't be read.
        Exception: whatever a decoder raises for damaged bytes.
    """
    frame = in_8_bits(load_frame(open_image(data, name, limits)))
    colour = frame.colour
    alpha = np.full(colour.shape[:2], 255, np.uint8) if frame.alpha is None else frame.alpha
    if colour.shape[2] == 1:
        colour = colour.repeat(3, axis=2)
    return np.dstack((colour, alpha))


def _is_reduced_to_8_bits(image: ImageFile.ImageFile) -> bool:
    """Whether Pillow reads 8 of the file's 16 bits, as with inks."""
    is_grey = image.mode in READ_MODES and READ_MODES[image.mode][0] == "I;16"
    return WIDE.search(raw_mode(image)) is not None and not is_grey and not is_colour_16(image)


def _scale_transparency(image: Image.Image, raw: str) -> None:
    """Scale the transparent value of a PNG with 2 or 4 bits of grey to 8 bits, like the samples once loaded."""
    factor = {"L;2": 255 // 3, "L;4": 255 // 15}.get(raw)
    if factor and isinstance(image.info.get("transparency"), int):
        image.info["transparency"] *= factor


def _grey_16(image: Image.Image, raw: str) -> NDArray[np.uint16]:
    grey = np.asarray(image).astype(np.uint16)
    if raw.startswith("I;12"):  # Pillow leaves 12 bits as they are, 16 times too dark
        grey = np.asarray(grey << 4 | grey >> 8, np.uint16)
    if tiff_tags(image).get(PHOTOMETRIC) == WHITE_IS_ZERO:  # Pillow inverts 8 bits only
        grey = np.uint16(65_535) - grey
    return grey[:, :, np.newaxis]


def _with_transparency(samples: NDArray[np.uint16], image: Image.Image) -> Frame:
    """A frame from (h, w, c) of 16 bits, whose last channel may be alpha.

    The one colour or grey that a PNG declares transparent counts with all its bits. (PNG specification, 11.3.1.1)
    """
    if samples.shape[2] % 2 == 0:
        return split_alpha(samples)
    transparent = image.info.get("transparency")
    if transparent is None:
        return Frame(samples)
    is_opaque = (samples != np.array(transparent)).any(axis=2)
    return Frame(samples, np.where(is_opaque, np.uint16(65_535), np.uint16(0)))


def _numbers(value: object) -> tuple[int, ...]:
    """The numbers of a tag, which may have one or several; empty if it is of another type."""
    return tuple(each for each in (value if isinstance(value, tuple) else (value,)) if isinstance(each, int))
