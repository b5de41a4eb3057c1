"""Reads colour of 16 bits. Pillow has no mode for it: one pass unpacks the high bytes, another the low ones.

Exact, for all that its decoders decompress. (PNG specification; TIFF 6.0, section 18 for premultiplied alpha.)
"""

import io
import re
import sys
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, TiffImagePlugin

from superscaling.pictures.opening import raw_mode, tiff_tags

# Raw modes that are read here: grey with another channel, RGB, and RGB with another channel. "A" is alpha, "a" alpha
# that colour was multiplied with, "X" a channel that is neither.
RAW = re.compile("(LA|La|LX|RGB|RGBA|RGBa|RGBX);16[BLN]")
# Raw modes that unpack the byte at the lower and at the higher address of each sample.
FIRST, SECOND = ";16B", ";16L"
# A pixel of grey and alpha of 16 bits takes as many bytes as one of this mode.
FOUR_BYTES = "RGBA"
BAND = 64  # rows computed at a time, to save memory

WIDTH, HEIGHT = 256, 257  # TIFF tags


def is_colour_16(image: ImageFile.ImageFile) -> bool:
    """Whether an image, not loaded yet, has several channels of 16 bits that `samples_16` reads."""
    return RAW.fullmatch(raw_mode(image)) is not None


def samples_16(image: ImageFile.ImageFile) -> NDArray[np.uint16]:
    """The samples of the current page, for which `is_colour_16` is true: (h, w, c), alpha last if there is alpha.

    A PNG is loaded. A TIFF is not: Pillow would turn it upright.

    Raises:
        Exception: whatever a decoder raises for damaged bytes.
    """
    kind = raw_mode(image).partition(";")[0]
    samples = _tiff_samples(image, kind) if image.format == "TIFF" else _png_samples(image, kind)
    if kind.endswith("X"):
        return samples[:, :, :-1]
    return _unmultiplied(samples) if kind.endswith("a") else samples


def _png_samples(image: ImageFile.ImageFile, kind: str) -> NDArray[np.uint16]:
    data = cast(io.BytesIO, image.fp).getvalue()
    if kind.startswith("L"):
        image.tile = [image.tile[0]._replace(args=FOUR_BYTES)]
        image.load()
        return np.asarray(image).view(">u2").astype(np.uint16)
    image.load()
    low = Image.open(io.BytesIO(data), formats=["PNG"])
    low.tile = [low.tile[0]._replace(args=kind + SECOND)]
    return _joined(image, low)


def _tiff_samples(image: ImageFile.ImageFile, kind: str) -> NDArray[np.uint16]:
    """Decoded by libtiff, which gives samples in the byte order of the machine."""
    data, tags = cast(io.BytesIO, image.fp).getvalue(), cast(TiffImagePlugin.ImageFileDirectory_v2, tiff_tags(image))
    size = tags[WIDTH], tags[HEIGHT]

    def decoded(mode: str, raw: str) -> Image.Image:
        return Image.frombytes(mode, size, data, "libtiff", raw, False, tags.offset)

    if kind.startswith("L"):
        return np.asarray(decoded(FOUR_BYTES, FOUR_BYTES)).view(np.uint16)
    mode = kind if kind == "RGB" else "RGBA"
    first, second = decoded(mode, mode + FIRST), decoded(mode, mode + SECOND)
    return _joined(second, first) if sys.byteorder == "little" else _joined(first, second)


def _joined(high: Image.Image, low: Image.Image) -> NDArray[np.uint16]:
    samples = np.asarray(high).astype(np.uint16)
    samples <<= 8
    samples |= np.asarray(low)
    return samples


def _unmultiplied(samples: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Divide colour by alpha, which it was multiplied with; rounded. Transparent pixels become black."""
    result = samples.copy()
    for top in range(0, len(samples), BAND):
        band = samples[top : top + BAND].astype(np.uint64)
        alpha = np.maximum(band[:, :, -1:], 1)
        colour = (band[:, :, :-1] * 65_535 + alpha // 2) // alpha
        result[top : top + BAND, :, :-1] = np.where(band[:, :, -1:] > 0, np.minimum(colour, 65_535), 0)
    return result
