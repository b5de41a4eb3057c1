"""Degradation: from an original to the small, compressed image that a user has."""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]

FILTERS = {
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
}
BLOCK = 16  # px: block grid of a JPEG with 4:2:0
SUBSAMPLINGS = {"4:4:4": 0, "4:2:0": 2}  # Pillow's numbers


@dataclass(frozen=True)
class Degradation:
    """The steps of the degradation, in order. All shares are probabilities. The model cards quote these values."""

    # Reduction with one of Pillow's antialiased filters.
    bicubic: float = 0.75
    lanczos: float = 0.15
    box: float = 0.05
    bilinear: float = 0.05
    # Share that stays clean: no noise, no JPEG. The network must not change clean images.
    clean: float = 0.3
    # Share of the others with Gaussian noise, independent per pixel, and its maximum standard deviation in levels.
    noise: float = 0.15
    noise_max: float = 3.0
    # JPEG quality of the others: a triangular distribution.
    quality_min: int = 30
    quality_mode: int = 80
    quality_max: int = 98
    # Share of JPEGs with 4:4:4 chroma; the others have 4:2:0.
    full_colour: float = 1 / 3
    # Share of JPEGs that are compressed twice, with different qualities and block grids.
    twice: float = 0.15


def degrade(high: Pixels, scale: int, degradation: Degradation, random: np.random.Generator) -> Pixels:
    """Make the network's input from an original.

    Args:
        high: (h, w, 3), RGB, uint8; h and w are multiples of `scale`.
        scale: reduction factor.
        degradation: parameters.
        random: source of all randomness; the same state gives the same result.

    Returns:
        (h / scale, w / scale, 3), RGB, uint8.
    """
    filters = list(FILTERS)
    shares = np.array([getattr(degradation, name) for name in filters])
    chosen = FILTERS[filters[random.choice(len(filters), p=shares / shares.sum())]]
    height, width, _ = high.shape
    low = np.asarray(Image.fromarray(high).resize((width // scale, height // scale), chosen))
    if random.random() < degradation.clean:
        return low
    if random.random() < degradation.noise:
        noise = random.standard_normal(low.shape, np.float32) * random.uniform(0, degradation.noise_max)
        low = np.clip(np.rint(low + noise), 0, 255).astype(np.uint8)
    for _ in range(2 if random.random() < degradation.twice else 1):
        low = _compress(low, degradation, random)
    return low


def _compress(low: Pixels, degradation: Degradation, random: np.random.Generator) -> Pixels:
    """Encode as JPEG and decode; the block grid has a random offset, as in an image that was cropped later."""
    quality = random.triangular(degradation.quality_min, degradation.quality_mode, degradation.quality_max)
    subsampling = SUBSAMPLINGS["4:4:4" if random.random() < degradation.full_colour else "4:2:0"]
    top, left = random.integers(BLOCK, size=2)
    file = io.BytesIO()
    shifted = np.pad(low, ((top, 0), (left, 0), (0, 0)), mode="edge")
    Image.fromarray(shifted).save(file, "JPEG", quality=round(quality), subsampling=subsampling)
    return np.asarray(Image.open(file, formats=("JPEG",)))[top:, left:]
