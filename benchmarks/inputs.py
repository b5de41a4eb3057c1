"""Test images: crops of a sample photograph, in any size and number."""

import base64
import io

import numpy as np
from PIL import Image

from evaluation.metrics import Pixels
from superscaling.settings import ROOT

SAMPLE = ROOT / "sample-images" / "coffee-artefacts.jpg"
POSTER = (3000, 4000)  # height and width in px: 12 megapixels
LARGEST = (8000, 8000)  # UPSCALER_MAX_PIXELS


def photograph(height: int, width: int, seed: int = 0) -> Pixels:
    """Return (height, width, 3), uint8: the sample, mirrored where it is too small, and shifted by the seed."""
    with Image.open(SAMPLE) as image:
        pixels = np.roll(np.asarray(image), (37 * seed, 53 * seed), (0, 1))
    missing = ((0, max(0, height - pixels.shape[0])), (0, max(0, width - pixels.shape[1])), (0, 0))
    return np.ascontiguousarray(np.pad(pixels, missing, mode="symmetric")[:height, :width])


def as_file(pixels: Pixels, file_format: str = "JPEG") -> bytes:
    """Encode an image; JPEG with quality 90."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, file_format, quality=90)
    return file.getvalue()


def as_message(file: bytes) -> bytes:
    """Wrap an image file in a JSON request body."""
    return b'{"imageBase64": "' + base64.b64encode(file) + b'"}'
