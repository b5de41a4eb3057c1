"""From a sharp picture to the small, compressed one that a user has."""

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
BLOCK = 16  # px: the grid of a JPEG with 4:2:0
SUBSAMPLINGS = {"4:4:4": 0, "4:2:0": 2}  # Pillow's numbers


@dataclass(frozen=True)
class Degradation:
    """What happens to a picture, in this order; every share is a probability. The model card quotes these numbers."""

    # The picture is reduced by one of Pillow's antialiased filters, chosen with these shares.
    bicubic: float = 0.75
    lanczos: float = 0.15
    box: float = 0.05
    bilinear: float = 0.05
    # This share of pictures is left as it is then: what is clean must stay as it is.
    clean: float = 0.3
    # Of the others, this share gets Gaussian noise, the same in no two pixels, with up to this standard deviation, in
    # levels of 255.
    noise: float = 0.15
    noise_most: float = 3.0
    # Then they are JPEGs: quality from a triangular distribution with this least, most frequent and largest value.
    quality_least: int = 30
    quality_usual: int = 80
    quality_most: int = 98
    # This share of the JPEGs has its colours in full resolution (4:4:4), the others in half (4:2:0).
    full_colour: float = 1 / 3
    # This share of the JPEGs was a JPEG before, of another quality and with its blocks elsewhere.
    twice: float = 0.15


def degrade(high: Pixels, scale: int, degradation: Degradation, random: np.random.Generator) -> Pixels:
    """Make the small picture that the network is given.

    Args:
        high: (h, w, 3), RGB; h and w are multiples of `scale`.
        scale: how much smaller.
        degradation: by which numbers.
        random: decides everything that is left to chance.

    Returns:
        (h / scale, w / scale, 3), RGB.
    """
    filters = list(FILTERS)
    shares = np.array([getattr(degradation, name) for name in filters])
    chosen = FILTERS[filters[random.choice(len(filters), p=shares / shares.sum())]]
    height, width, _ = high.shape
    low = np.asarray(Image.fromarray(high).resize((width // scale, height // scale), chosen))
    if random.random() < degradation.clean:
        return low
    if random.random() < degradation.noise:
        noise = random.standard_normal(low.shape, np.float32) * random.uniform(0, degradation.noise_most)
        low = np.clip(np.rint(low + noise), 0, 255).astype(np.uint8)
    for _ in range(2 if random.random() < degradation.twice else 1):
        low = _compress(low, degradation, random)
    return low


def _compress(low: Pixels, degradation: Degradation, random: np.random.Generator) -> Pixels:
    """Save as JPEG and read again; the grid of blocks starts anywhere, as in a picture that was cropped later."""
    quality = random.triangular(degradation.quality_least, degradation.quality_usual, degradation.quality_most)
    subsampling = SUBSAMPLINGS["4:4:4" if random.random() < degradation.full_colour else "4:2:0"]
    top, left = random.integers(BLOCK, size=2)
    file = io.BytesIO()
    shifted = np.pad(low, ((top, 0), (left, 0), (0, 0)), mode="edge")
    Image.fromarray(shifted).save(file, "JPEG", quality=round(quality), subsampling=subsampling)
    return np.asarray(Image.open(file, formats=("JPEG",)))[top:, left:]
