"""The TIFF writer. (TIFF 6.0; Deflate with a predictor, by Adobe's Photoshop TIFF Technical Notes.)

The directories are Pillow's. The pixels are written here, because Pillow's compressing writer loses the EXIF tags.
"""

import io
import itertools
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import TiffImagePlugin, TiffTags

from superscaling.errors import FormatCannotHold
from superscaling.pictures.formats import mode_in_8_bits
from superscaling.pictures.metadata import describing_tags, loaded_exif
from superscaling.pictures.picture import Metadata, Samples

HEADER = b"II*\0"
END = bytes(4)  # ends the chain of directories
# Offsets have 32 bits; some room is left for the directory.
MAX_BYTES = 2**32 - 2**24
# Bytes of a strip before compression.
STRIP = 1 << 18
# zlib's default level takes twice the time and saves a few per cent.
LEVEL = 4
DEFLATE, DIFFERENCED, INCH, ONE_AFTER_ANOTHER, TRUE_ALPHA = 8, 2, 2, 1, 2
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
        directory = _directory(page, [len(strip) for strip in strips])
        file.write(directory.tobytes(start))
        file.writelines(strips)
        link = start + struct.calcsize("<H") + len(directory) * struct.calcsize("<HHII")
    return file.getvalue()


def _directory(page: Page, lengths: list[int]) -> TiffImagePlugin.ImageFileDirectory_v2:
    """The tags. Strips follow the directory: `tobytes` adds its length to their offsets."""
    height, width, channels = page.shape
    directory = TiffImagePlugin.ImageFileDirectory_v2(b"II*\0\0\0\0\0")
    for tag, value in describing_tags(loaded_exif(page.metadata.exif)).items():
        directory[tag] = value
    directory[TiffImagePlugin.IMAGEWIDTH] = width
    directory[TiffImagePlugin.IMAGELENGTH] = height
    directory[TiffImagePlugin.BITSPERSAMPLE] = (page.colour.itemsize * 8,) * channels
    directory[TiffImagePlugin.SAMPLESPERPIXEL] = channels
    directory[TiffImagePlugin.PHOTOMETRIC_INTERPRETATION] = PHOTOMETRIC[mode_in_8_bits(page.mode)]
    directory[TiffImagePlugin.PLANAR_CONFIGURATION] = ONE_AFTER_ANOTHER
    directory[TiffImagePlugin.COMPRESSION] = DEFLATE
    directory[TiffImagePlugin.PREDICTOR] = DIFFERENCED
    if "A" in page.mode:
        directory[TiffImagePlugin.EXTRASAMPLES] = TRUE_ALPHA
    directory[TiffImagePlugin.ROWSPERSTRIP] = page.rows_per_strip
    directory[TiffImagePlugin.STRIPBYTECOUNTS] = tuple(lengths)
    directory[TiffImagePlugin.STRIPOFFSETS] = tuple(itertools.accumulate(lengths[:-1], initial=0))
    for tag in (TiffImagePlugin.STRIPBYTECOUNTS, TiffImagePlugin.STRIPOFFSETS):
        directory.tagtype[tag] = TiffTags.LONG
    if page.metadata.dpi:
        directory[TiffImagePlugin.RESOLUTION_UNIT] = INCH
        directory[TiffImagePlugin.X_RESOLUTION], directory[TiffImagePlugin.Y_RESOLUTION] = page.metadata.dpi
    if page.metadata.icc:
        directory[TiffImagePlugin.ICCPROFILE] = page.metadata.icc
    if page.metadata.xmp:
        directory[TiffImagePlugin.XMP] = page.metadata.xmp
    return directory


def _strips(page: Page) -> Iterator[bytes]:
    """Compressed strips of some rows each, of differences from the pixel on the left."""
    rows = page.rows_per_strip
    for top in range(0, len(page.colour), rows):
        strip = page.colour[top : top + rows].copy()
        if page.alpha is not None:
            strip = np.dstack((strip, page.alpha[top : top + rows]))
        strip[:, 1:] -= strip[:, :-1].copy()
        yield zlib.compress(strip.astype(strip.dtype.newbyteorder("<")).tobytes(), LEVEL)
