"""How zlib compresses the pixels of a large PNG.

Pillow's default searches long for repetitions, which enlarged photographs hardly have: it takes two to five times as
long as the ways below, and for a fast network longer than inference. Which of them suits a picture, a sample tells:
text and drawings need the search, and there it is cheap.
"""

import io
import zlib

import numpy as np
from PIL import Image

from superscaling.pictures.picture import Samples

# Pillow's options, the fastest first: no search but for runs of equal bytes, and shorter searches than the default.
FASTER = ({"compress_type": zlib.Z_RLE}, {"compress_level": 3}, {"compress_level": 4})
# How much longer than by default the file may become.
MAX_GROWTH = 1.05
# Below so many pixels, the time is too short to matter.
MIN_PIXELS = 1_000_000
# The sample: so many bands of so many rows, evenly spaced.
BANDS, ROWS = 8, 8


def png_compression(pixels: Samples) -> dict[str, int]:
    """Choose Pillow's options for a PNG of `pixels`, (h, w) or (h, w, c) uint8: the fastest in `FASTER` that do."""
    height, width = pixels.shape[:2]
    if height * width < MIN_PIXELS or height < BANDS * ROWS:
        return {}
    starts = np.linspace(0, height - ROWS, BANDS).astype(int)
    sample = Image.fromarray(np.concatenate([pixels[start : start + ROWS] for start in starts]))
    most = MAX_GROWTH * _size(sample, {})
    return next((options for options in FASTER if _size(sample, options) <= most), {})


def _size(image: Image.Image, options: dict[str, int]) -> int:
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    return file.tell()
