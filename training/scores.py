"""How well a network enlarges the pictures of a test set: the few numbers that a training watches."""

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
        TrainingError: there are none, or one can't be used.
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
    """Enlarge with a network: levels from 0 to 255 in, levels out, rounded."""

    def enlarge(low: Pixels) -> Pixels:
        output = network(low[np.newaxis].astype(np.float32) / 255, training=False)
        levels = np.rint(keras.ops.convert_to_numpy(output)[0] * 255)
        return np.asarray(np.clip(levels, 0, 255), np.uint8)

    return enlarge
