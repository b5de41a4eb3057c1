"""Scores of a network on a test set, as the training prints them."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import keras
import numpy as np

from evaluation.errors import MeasurementError
from evaluation.metrics import luma_psnr
from evaluation.pictures import Enlarge, as_jpeg, consistency, read_pairs
from training.degradation import Pixels
from training.errors import TrainingError

JPEG_QUALITY = 75  # Pillow's default


@dataclass(frozen=True)
class Scores:
    """Means over the images of a test set, in dB.

    `clean`, `jpeg`: Y-PSNR (BT.601, range 16 to 235, without a border of `scale` px) against the original, with the
    clean input and with the input as a JPEG of quality 75. `consistency`: PSNR over RGB between the clean input and its
    enlargement, reduced again with Pillow's bicubic filter.
    """

    clean: float
    jpeg: float
    consistency: float

    def __str__(self) -> str:
        return ", ".join(f"{field.name} {getattr(self, field.name):.2f}" for field in fields(self))


def evaluate(enlarge: Enlarge, folder: Path, scale: int) -> Scores:
    """Score `enlarge`, which maps (h, w, 3) to (h * scale, w * scale, 3), uint8, on the test images of a folder.

    Raises:
        TrainingError: there are no images, or one can't be used.
    """
    scores = []
    try:
        for pair in read_pairs(folder, scale):
            enlarged, from_jpeg = enlarge(pair.low), enlarge(as_jpeg(pair.low, JPEG_QUALITY))
            fidelity = [luma_psnr(each, pair.high, scale) for each in (enlarged, from_jpeg)]
            scores.append((*fidelity, consistency(enlarged, pair.low, scale)))
    except MeasurementError as exc:
        raise TrainingError(f"can't evaluate: {exc}") from exc
    return Scores(*np.mean(scores, axis=0).tolist())


def network_enlarger(network: Any) -> Enlarge:
    """Return a function that enlarges with a network: uint8 in, uint8 out, rounded and clipped."""

    def enlarge(low: Pixels) -> Pixels:
        output = network(low[np.newaxis].astype(np.float32) / 255, training=False)
        levels = np.rint(keras.ops.convert_to_numpy(output)[0] * 255)
        return np.asarray(np.clip(levels, 0, 255), np.uint8)

    return enlarge
