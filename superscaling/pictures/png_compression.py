"""How zlib compresses the pixels of a large PNG.

Pillow's default searches long for repetitions, which enlarged photographs hardly have: it takes up to five times as
long as the ways below, and for a fast network longer than inference. Which of them suits a picture, a sample tells:
text and drawings need the search, and there it is cheap.
"""

import io
import zlib

import numpy as np
from PIL import Image

from superscaling.pictures.picture import Samples

# Pillow's options, the fastest first: no search but for runs of equal bytes, and shorter searches than the default.
# Level 3 and below take up to three times the bytes where a picture is flat.
FASTER = ({"compress_type": zlib.Z_RLE}, {"compress_level": 4}, {"compress_level": 5})
# How much longer than by default the sample may become. The file may differ from it by 1 %.
MAX_GROWTH = 1.04
# What becomes shorter than this share of its samples, such as a page of text, is quickly written by default.
MIN_SHARE = 0.1
# The sample: at least so many bands, of at least so many rows and bytes. Repetitions reach back 32 KiB at most, so that
# each band shows them.
MIN_BANDS, MIN_ROWS, MIN_BYTES = 16, 4, 1 << 16
# Rows from the start of a band to that of the next, or eight times a band's rows, if that is more.
SPACING = 64
# Largest part of a picture in the sample, which takes time, too. Where it would be more, the picture is small, or low.
MAX_PART = 1 / 4


def png_compression(pixels: Samples) -> dict[str, int]:
    """Choose Pillow's options for a PNG of `pixels`, (h, w) or (h, w, c) uint8: the fastest in `FASTER` that do."""
    height = len(pixels)
    rows = max(MIN_ROWS, -(-MIN_BYTES // pixels[0].nbytes))
    bands = max(MIN_BANDS, height // max(SPACING, 8 * rows))
    if bands * rows > MAX_PART * height:
        return {}
    # Unevenly spaced, one in each part of the picture: even bands may all miss the lines of a table.
    places = (np.arange(bands) + np.modf(np.arange(bands) * np.sqrt(2))[0]) / bands
    starts = (places * (height - rows)).astype(int)
    sample = np.concatenate([pixels[start : start + rows] for start in starts])
    image = Image.fromarray(sample)
    size = _size(image, {})
    if size < MIN_SHARE * sample.nbytes:
        return {}
    return next((options for options in FASTER if _size(image, options) <= MAX_GROWTH * size), {})


def _size(image: Image.Image, options: dict[str, int]) -> int:
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    return file.tell()
