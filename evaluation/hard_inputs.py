"""Inputs that are hard to enlarge: soft, noisy, resized and compressed more than once, made from sharp originals.

Real tools make them: Pillow's filters, libjpeg and libwebp, as phones, web sites and messengers have them. Nothing is
shared with the degradations of the training, so that a network is not measured by what it was shown. Each takes an
original (h, w, 3), RGB, uint8, whose sides are multiples of `SCALE`, and returns the small picture, the same each time.
"""

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from evaluation.metrics import Pixels
from evaluation.pictures import SCALE, as_jpeg, reduce

SEED = 21  # of the noise, the same in every picture
BLOTCH = 6  # px: coarseness of chroma noise
SHIFT = (3, 5)  # px by which the blocks of the second JPEG lie elsewhere

Resampling = Image.Resampling


def soft(original: Pixels) -> Pixels:
    """Out of focus, or enlarged before: a Gaussian blur of 1.6 px; JPEG 80."""
    return as_jpeg(reduce(_blurred(original, 1.6), SCALE), 80)


def noisy(original: Pixels) -> Pixels:
    """A phone in dim light: a little soft, noise in brightness and colour; JPEG 85."""
    return as_jpeg(_with_noise(reduce(_blurred(original, 0.8), SCALE), sensor=6.0, chroma=7.0), 85)


def twice(original: Pixels) -> Pixels:
    """Saved as JPEG 50, cropped, and saved again as JPEG 75, so that two grids of blocks lie across each other."""
    low = reduce(original, SCALE)
    (top, left), (height, width, _) = SHIFT, low.shape
    once = as_jpeg(np.pad(low, ((top, 0), (left, 0), (0, 0)), "edge"), 50)
    return as_jpeg(np.ascontiguousarray(once[top : top + height, left : left + width]), 75)


def resized(original: Pixels) -> Pixels:
    """A thumbnail that somebody enlarged: reduced to 60 %, JPEG 80, enlarged with a bilinear filter, JPEG 85."""
    low = reduce(original, SCALE)
    return as_jpeg(_resized(as_jpeg(_resized(low, 0.6), 80), low.shape, Resampling.BILINEAR), 85)


def webp(original: Pixels) -> Pixels:
    """WebP of quality 40, then JPEG 85, as sites that convert for old browsers do."""
    return as_jpeg(_as_webp(reduce(original, SCALE), 40), 85)


def worn(original: Pixels) -> Pixels:
    """All of it: soft, noisy, JPEG 60, reduced to 80 %, WebP 50, enlarged again, JPEG 75."""
    low = reduce(_blurred(original, 1.0), SCALE)
    once = as_jpeg(_with_noise(low, sensor=4.0, chroma=4.0), 60)
    return as_jpeg(_resized(_as_webp(_resized(once, 0.8), 50), low.shape, Resampling.BICUBIC), 75)


HARD: dict[str, Callable[[Pixels], Pixels]] = {
    each.__name__: each for each in (soft, noisy, twice, resized, webp, worn)
}


def _blurred(pixels: Pixels, radius: float) -> Pixels:
    """`radius`: the standard deviation in px."""
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius)))


def _resized(pixels: Pixels, size: float | tuple[int, ...], resampling: Resampling = Resampling.BICUBIC) -> Pixels:
    """`size`: a factor, or the shape of the result."""
    shape = size if isinstance(size, tuple) else [max(1, round(side * size)) for side in pixels.shape]
    return np.asarray(Image.fromarray(pixels).resize((shape[1], shape[0]), resampling))


def _as_webp(pixels: Pixels, quality: int) -> Pixels:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "WEBP", quality=quality)
    return np.asarray(Image.open(file, formats=("WEBP",)).convert("RGB"))


def _with_noise(pixels: Pixels, sensor: float, chroma: float) -> Pixels:
    """Add noise whose standard deviation is `sensor` levels in black and twice that in white, and blotches of colour.

    Args:
        pixels: (h, w, 3), RGB, uint8.
        sensor: in levels.
        chroma: standard deviation of Cb and Cr in levels, in blotches of about `BLOTCH` px.
    """
    random = np.random.default_rng(SEED)
    shot = sensor * np.sqrt(1 + 3 * pixels / 255)
    noisy = _levels(pixels + shot * random.standard_normal(pixels.shape))
    height, width, _ = pixels.shape
    luma, *colours = (np.asarray(plane) for plane in Image.fromarray(noisy).convert("YCbCr").split())
    blotched = [_levels(plane + chroma * _blotches(height, width, random)) for plane in colours]
    planes = [Image.fromarray(plane) for plane in (luma, *blotched)]
    return np.asarray(Image.merge("YCbCr", planes).convert("RGB"))


def _blotches(height: int, width: int, random: np.random.Generator) -> NDArray[np.float64]:
    """(height, width) smooth noise with the standard deviation 1."""
    coarse = random.standard_normal((height // BLOTCH + 2, width // BLOTCH + 2)).astype(np.float32)
    noise: NDArray[np.float64] = np.asarray(Image.fromarray(coarse).resize((width, height), Resampling.BICUBIC), float)
    noise /= noise.std()
    return noise


def _levels(values: NDArray[np.float64]) -> Pixels:
    return np.clip(values.round(), 0, 255).astype(np.uint8)
