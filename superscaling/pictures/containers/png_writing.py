"""The writer of PNGs of 16 bits: Pillow writes them only in grey. (PNG specification)"""

import io

import pyvips

from superscaling.pictures.containers.chunks import png_chunks
from superscaling.pictures.containers.vips import to_vips
from superscaling.pictures.picture import Samples
from superscaling.recognition.formats import PNG_SIGNATURE

# Higher levels take twice the time and save no per cent. Paeth is the best single filter for photographs.
LEVEL, FILTER = 4, pyvips.enums.ForeignPngFilter.PAETH
PIXELS = (b"IHDR", b"IDAT", b"IEND")  # libvips adds a resolution that nobody has set


def write_png_16(file: io.BytesIO, colour: Samples, alpha: Samples | None) -> None:
    """Write a PNG of 16 bits, beginning with signature and header in one call.

    Args:
        file: empty.
        colour: (h, w, c) uint16, grey or RGB.
        alpha: (h, w) uint16.
    """
    image = to_vips(colour)
    if alpha is not None:  # joined row by row: a copy of the whole would take the picture's memory once more
        image = image.bandjoin(to_vips(alpha))
    data = image.pngsave_buffer(compression=LEVEL, filter=FILTER, bitdepth=16, keep="none")
    view = memoryview(data)
    chunks = (view[chunk.start - 8 : chunk.end + 4] for chunk in png_chunks(data) if chunk.name in PIXELS)
    file.write(PNG_SIGNATURE + bytes(next(chunks)))
    file.writelines(chunks)
