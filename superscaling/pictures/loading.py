"""Pillow's images to frames of arrays."""

import re

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from superscaling.errors import UnsupportedMode
from superscaling.format_name import FormatName
from superscaling.pictures.formats import READ_MODES
from superscaling.pictures.limits import Limits
from superscaling.pictures.opening import open_image, tiff_tags
from superscaling.pictures.picture import Frame, to_8_bits

# Pillow's names of 16-bit samples. ("BGR;16" is a pixel of 16 bits.)
WIDE = re.compile(";16[BLN]")
READ_AS_8_BITS = "16 bits were read as 8"
# TIFF tags that say how numbers are stored, and the values that Pillow misreads. (TIFF 6.0)
BITS_PER_SAMPLE, PLANES, EXTRA_SAMPLES, SAMPLE_FORMAT = 258, 284, 338, 339
SEPARATE, UNSPECIFIED, SIGNED = 2, 0, 2
# TIFF tag that says what black is, and its value for inverted pictures. (TIFF 6.0)
PHOTOMETRIC, WHITE_IS_ZERO = 262, 0


def check_mode(image: Image.Image) -> None:
    """Make sure that the mode of an image is supported.

    Raises:
        UnsupportedMode: it is not.
    """
    if image.mode not in READ_MODES:
        supported = ", ".join(READ_MODES)
        raise UnsupportedMode(f"mode {image.mode} of {image.format} is not supported (supported: {supported})")
    tags = tiff_tags(image)
    if SIGNED in _numbers(tags.get(SAMPLE_FORMAT)):
        raise UnsupportedMode("TIFF with signed samples is not supported")
    if tags.get(PLANES) == SEPARATE and max(_numbers(tags.get(BITS_PER_SAMPLE)), default=1) > 8:
        raise UnsupportedMode("TIFF with more than 8 bits in separate planes is not supported")


def reading_notes(image: ImageFile.ImageFile) -> tuple[str, ...]:
    """What Pillow drops when it decodes the current page, in words. To be called before it is loaded."""
    notes = [READ_AS_8_BITS] if _is_reduced_to_8_bits(image) else []
    if UNSPECIFIED in _numbers(tiff_tags(image).get(EXTRA_SAMPLES)):
        notes.append("a channel that is neither colour nor alpha was left out")
    return tuple(notes)


def load_frame(image: ImageFile.ImageFile) -> Frame:
    """Decode the current frame or page of `image`, as it is stored and without metadata.

    Raises:
        UnsupportedMode: its mode is not supported.
        Exception: whatever a decoder raises for damaged bytes.
    """
    check_mode(image)
    raw = raw_mode(image)
    _scale_transparency(image, raw)
    image.load()
    # Pillow opens 16-bit grey with alpha as RGBA.
    opaque_mode, transparent_mode = READ_MODES["LA" if raw.startswith("LA;16") else image.mode]
    if opaque_mode == "I;16":
        return _grey_16(image, raw)
    mode = transparent_mode if image.has_transparency_data else opaque_mode
    channels = np.asarray(image.convert(mode))
    if channels.ndim == 2:
        channels = channels[:, :, np.newaxis]
    return split_alpha(channels) if mode.endswith("A") else Frame(channels)


def split_alpha(channels: NDArray[np.uint8]) -> Frame:
    """A frame from an array (h, w, c) whose last channel is alpha."""
    return Frame(channels[:, :, :-1], channels[:, :, -1])


def rgba_of(data: bytes, name: FormatName, limits: Limits) -> NDArray[np.uint8]:
    """Decode a file with one picture to (h, w, 4) RGBA.

    Raises:
        UnsupportedMode, UnsupportedImage, ImageTooLarge: it can't be read.
        Exception: whatever a decoder raises for damaged bytes.
    """
    frame = load_frame(open_image(data, name, limits))
    colour = to_8_bits(frame.colour)
    alpha = np.full(colour.shape[:2], 255, np.uint8) if frame.alpha is None else frame.alpha
    if colour.shape[2] == 1:
        colour = colour.repeat(3, axis=2)
    return np.dstack((colour, alpha))


def raw_mode(image: ImageFile.ImageFile) -> str:
    """How the pixels are stored in the file, by Pillow's names; of an image that is not loaded yet."""
    if not image.tile:
        return ""
    arguments = image.tile[0].args
    return str(arguments[0] if isinstance(arguments, tuple) and arguments else arguments)


def _is_reduced_to_8_bits(image: ImageFile.ImageFile) -> bool:
    """Whether Pillow reads 8 of the file's 16 bits: of colour, and of grey with transparency."""
    keeps_16 = READ_MODES.get(image.mode, ("",))[0] == "I;16" and not image.has_transparency_data
    return WIDE.search(raw_mode(image)) is not None and not keeps_16


def _scale_transparency(image: Image.Image, raw: str) -> None:
    """Scale the transparent value of a PNG with 2 or 4 bits of grey to 8 bits, like the samples once loaded."""
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
    return Frame(to_8_bits(frame.colour), np.where(grey == transparent, 0, 255).astype(np.uint8))


def _numbers(value: object) -> tuple[int, ...]:
    """The numbers of a tag, which may have one or several; empty if it is of another type."""
    return tuple(each for each in (value if isinstance(value, tuple) else (value,)) if isinstance(each, int))
