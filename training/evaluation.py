"""How well a network enlarges the pictures of a test set, and how well bicubic enlargement does."""

import io
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.degradation import Pixels
from training.errors import TrainingError

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
JPEG_QUALITY = 75  # Pillow's default

Enlarge = Callable[[Pixels], Pixels]


@dataclass(frozen=True)
class Scores:
    """Means over the pictures of a set, in dB.

    `clean`, `jpeg`: Y-PSNR (BT.601 with the range 16 to 235, borders of `scale` px cut) against the original, when the
    small picture is given as it is, or as a JPEG of quality 75. `consistency`: PSNR over RGB of the enlarged clean
    picture, reduced again by Pillow's bicubic filter, against what was given.
    """

    clean: float
    jpeg: float
    consistency: float

    def __str__(self) -> str:
        return ", ".join(f"{field.name} {getattr(self, field.name):.2f}" for field in fields(self))


def evaluate(enlarge: Enlarge, folder: Path, scale: int) -> Scores:
    """Measure how well `enlarge`, from (h, w, 3) to (h * scale, w * scale, 3), does on the pictures of a folder.

    Raises:
        TrainingError: there are none.
    """
    scores = []
    for low, high in _pairs(folder, scale):
        file = io.BytesIO()
        Image.fromarray(low).save(file, "JPEG", quality=JPEG_QUALITY)
        enlarged = enlarge(low)
        reduced = np.asarray(Image.fromarray(enlarged).resize(low.shape[1::-1], Image.Resampling.BICUBIC))
        from_jpeg = enlarge(np.asarray(Image.open(file)))
        scores.append((luma_psnr(enlarged, high, scale), luma_psnr(from_jpeg, high, scale), psnr(reduced, low)))
    if not scores:
        raise TrainingError(f"there is no picture in {folder} to evaluate with")
    return Scores(*np.mean(scores, axis=0).tolist())


def network_enlarger(network: Any) -> Enlarge:
    """Enlarge with a network: levels from 0 to 255 in, levels out, rounded."""

    def enlarge(low: Pixels) -> Pixels:
        output = network(low[np.newaxis].astype(np.float32) / 255, training=False)
        levels = np.rint(keras.ops.convert_to_numpy(output)[0] * 255)
        return np.asarray(np.clip(levels, 0, 255), np.uint8)

    return enlarge


def bicubic_enlarger(scale: int) -> Enlarge:
    """Enlarge with Pillow's bicubic filter."""

    def enlarge(low: Pixels) -> Pixels:
        size = (low.shape[1] * scale, low.shape[0] * scale)
        return np.asarray(Image.fromarray(low).resize(size, Image.Resampling.BICUBIC))

    return enlarge


def psnr(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Peak signal-to-noise ratio in dB, for levels up to 255."""
    error = float(np.mean((one.astype(np.float64) - other.astype(np.float64)) ** 2))
    return 10 * math.log10(255**2 / max(error, 1e-6))  # equal pictures: 108 dB, which can be averaged


def luma_psnr(one: Pixels, other: Pixels, border: int) -> float:
    """PSNR of the Y of ITU-R BT.601, in dB, without `border` px on each side: as super-resolution is compared."""
    inside = slice(border, -border)
    weights = np.array((65.481, 128.553, 24.966)) / 255  # + 16, which a difference does not see
    return psnr(one[inside, inside] @ weights, other[inside, inside] @ weights)


def _pairs(folder: Path, scale: int) -> Iterator[tuple[Pixels, Pixels]]:
    """Small picture and original: `*_LR.png` and `*_HR.png`, or each picture and its bicubic reduction."""
    originals = sorted(folder.glob("*_HR.png"))
    for path in originals:
        yield _read(path.with_name(path.name.replace("_HR.png", "_LR.png"))), _read(path)
    if originals:
        return
    for path in sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES):
        high = _read(path)
        height, width = high.shape[0] // scale, high.shape[1] // scale
        high = high[: height * scale, : width * scale]
        yield np.asarray(Image.fromarray(high).resize((width, height), Image.Resampling.BICUBIC)), high


def _read(path: Path) -> Pixels:
    try:
        return np.asarray(Image.open(path).convert("RGB"))
    except OSError as exc:
        raise TrainingError(f"can't read {path}: {exc}") from exc
