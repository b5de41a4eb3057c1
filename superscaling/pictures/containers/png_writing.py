"""The writer of PNGs of 16 bits: Pillow writes them only in grey. (PNG specification)

libvips compresses the pixels. The chunks that describe the picture are those that Pillow writes for the same options.
"""

import io
from collections.abc import Iterator
from typing import Any

import pyvips
from PIL import Image

from superscaling.pictures.containers.chunks import PNG_SIGNATURE, png_chunks
from superscaling.pictures.containers.vips import to_vips
from superscaling.pictures.picture import Samples

# Higher levels take twice the time and save no per cent. Paeth is the best single filter for photographs.
LEVEL, FILTER = 4, pyvips.enums.ForeignPngFilter.PAETH
PIXELS = (b"IHDR", b"IDAT", b"IEND")


def write_png_16(colour: Samples, alpha: Samples | None, options: dict[str, Any]) -> bytes:
    """Write a PNG of 16 bits.

    Args:
        colour: (h, w, c) uint16, grey or RGB.
        alpha: (h, w) uint16.
        options: Pillow's for writing PNG, with the metadata.
    """
    image = to_vips(colour)
    if alpha is not None:  # joined row by row: a copy of the whole would take the picture's memory once more
        image = image.bandjoin(to_vips(alpha))
    head, *body = _chunks(image.pngsave_buffer(compression=LEVEL, filter=FILTER, bitdepth=16, keep="none"), True)
    return b"".join((PNG_SIGNATURE, head, *_chunks(_smallest(options), False), *body))


def _smallest(options: dict[str, Any]) -> bytes:
    """A PNG of one pixel with all that the options add."""
    file = io.BytesIO()
    Image.new("RGB", (1, 1)).save(file, "PNG", **options)
    return file.getvalue()


def _chunks(data: bytes, of_pixels: bool) -> Iterator[memoryview]:
    """The chunks of a PNG, whole, that hold its pixels, or those that don't."""
    for chunk in png_chunks(data):
        if (chunk.name in PIXELS) == of_pixels:
            yield memoryview(data)[chunk.start - 8 : chunk.end + 4]
