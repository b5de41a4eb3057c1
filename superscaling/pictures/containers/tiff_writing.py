"""The TIFF writer. (TIFF 6.0; Deflate with a predictor, by Adobe's Photoshop TIFF Technical Notes.)

Written here, because Pillow's compressing writer loses the EXIF tags, and all of its writers the types of tags.
"""

import io
import itertools
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import TiffImagePlugin

from superscaling.errors import FormatCannotHold
from superscaling.pictures.containers.directory_writing import write_directories
from superscaling.pictures.metadata.writing import tiff_tags
from superscaling.pictures.picture import Metadata, Samples
from superscaling.recognition.directories import LONG, SHORT, Entry
from superscaling.recognition.formats import mode_in_8_bits

HEADER = b"II*\0"
END = bytes(4)  # ends the chain of directories
# Offsets have 32 bits; some room is left for the directory.
MAX_BYTES = 2**32 - 2**24
# Bytes of a strip before compression.
STRIP = 1 << 18
# zlib's default level takes twice the time and saves a few per cent.
LEVEL = 4
DEFLATE, DIFFERENCED, ONE_AFTER_ANOTHER, TRUE_ALPHA = 8, 2, 1, 2
# Mode, in 8 bits -> photometric interpretation.
BLACK_IS_ZERO, RGB, SEPARATED = 1, 2, 5
PHOTOMETRIC = {
    "L": BLACK_IS_ZERO,
    "LA": BLACK_IS_ZERO,
    "RGB": RGB,
    "RGBA": RGB,
    "CMYK": SEPARATED,
}


@dataclass(frozen=True)
class Page:
    """`colour`: (h, w, c); `alpha`: (h, w), of the same type; `mode`: one that TIFF stores."""

    colour: Samples
    alpha: Samples | None
    mode: str
    metadata: Metadata

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height and width in px, and number of channels."""
        height, width, channels = self.colour.shape
        return height, width, channels + (self.alpha is not None)

    @property
    def rows_per_strip(self) -> int:
        """Rows of a strip, all but the last."""
        _, width, channels = self.shape
        return max(1, STRIP // (width * channels * self.colour.itemsize))


def write_tiff(pages: Sequence[Page]) -> bytes:
    """Write a lossless TIFF.

    Args:
        pages: at least one, each with its own size, mode and metadata.

    Raises:
        FormatCannotHold: the file would be too large.
    """
    file = io.BytesIO(HEADER + END)
    link = len(HEADER)  # offset of the field with the next directory's offset
    for page in pages:
        start = file.seek(0, io.SEEK_END)
        if start % 2:
            start += file.write(b"\0")
        file.seek(link)
        file.write(struct.pack("<I", start))
        file.seek(start)
        strips = list(_strips(page))
        if start + sum(map(len, strips)) > MAX_BYTES:
            raise FormatCannotHold("the TIFF would have more than 4 GiB: ask for png or webp")
        directory, tags = _directory(page, [len(strip) for strip in strips], start)
        file.write(directory)
        file.writelines(strips)
        link = start + struct.calcsize("<H") + tags * struct.calcsize("<HHII")
    return file.getvalue()


def _tags(page: Page, lengths: list[int]) -> dict[int, Entry]:
    """The tags that say how the pixels are stored, with offsets of strips from the end of the directory."""
    height, width, channels = page.shape
    tags = {
        TiffImagePlugin.IMAGEWIDTH: _numbers(width, kind=LONG),
        TiffImagePlugin.IMAGELENGTH: _numbers(height, kind=LONG),
        TiffImagePlugin.BITSPERSAMPLE: _numbers(*(page.colour.itemsize * 8,) * channels),
        TiffImagePlugin.SAMPLESPERPIXEL: _numbers(channels),
        TiffImagePlugin.PHOTOMETRIC_INTERPRETATION: _numbers(PHOTOMETRIC[mode_in_8_bits(page.mode)]),
        TiffImagePlugin.PLANAR_CONFIGURATION: _numbers(ONE_AFTER_ANOTHER),
        TiffImagePlugin.COMPRESSION: _numbers(DEFLATE),
        TiffImagePlugin.PREDICTOR: _numbers(DIFFERENCED),
        TiffImagePlugin.ROWSPERSTRIP: _numbers(page.rows_per_strip, kind=LONG),
        TiffImagePlugin.STRIPBYTECOUNTS: _numbers(*lengths, kind=LONG),
    }
    if page.alpha is not None:
        tags[TiffImagePlugin.EXTRASAMPLES] = _numbers(TRUE_ALPHA)
    return tags


def _directory(page: Page, lengths: list[int], start: int) -> tuple[bytes, int]:
    """The directory at `start`, which the strips follow, and the number of its tags."""
    described, inner = tiff_tags(page.metadata)
    tags = described | _tags(page, lengths)

    def written(first: int) -> bytes:
        offsets = itertools.accumulate(lengths[:-1], initial=first)
        tags[TiffImagePlugin.STRIPOFFSETS] = _numbers(*offsets, kind=LONG)
        return write_directories(tags, inner, "<", start)

    return written(start + len(written(0))), len(tags)


def _numbers(*values: int, kind: int = SHORT) -> Entry:
    return Entry(kind, struct.pack(f"<{len(values)}{'H' if kind == SHORT else 'I'}", *values))


def _strips(page: Page) -> Iterator[bytes]:
    """Compressed strips of some rows each, of differences from the pixel on the left."""
    rows = page.rows_per_strip
    for top in range(0, len(page.colour), rows):
        strip = page.colour[top : top + rows].copy()
        if page.alpha is not None:
            strip = np.dstack((strip, page.alpha[top : top + rows]))
        strip[:, 1:] -= strip[:, :-1].copy()
        yield zlib.compress(strip.astype(strip.dtype.newbyteorder("<")).tobytes(), LEVEL)
