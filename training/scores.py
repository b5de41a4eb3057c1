"""Scores of an enlarger on test images."""

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch

from evaluation.errors import MeasurementError
from evaluation.metrics import Pixels, luma_psnr
from evaluation.pictures import Enlarge, as_jpeg, consistency, read_pairs
from training.errors import TrainingError
from training.files import SCALE
from training.weight_files import Network


@dataclass(frozen=True)
class Scores:
    """Means over the images of a test set, in dB.

    `clean`, `jpeg75`, `jpeg30`: Y-PSNR (BT.601, range 16 to 235, without a border of 2 px) against the original, with
    the clean input and with the input as a JPEG of that quality. `consistency`: PSNR over RGB between the clean input
    and its enlargement, reduced again with Pillow's bicubic filter.
    """

    clean: float
    jpeg75: float
    jpeg30: float
    consistency: float

    def __str__(self) -> str:
        return ", ".join(f"{field.name} {getattr(self, field.name):.2f}" for field in fields(self))


def check_test_set(folder: Path) -> None:
    """Make sure, before hours of work, that `evaluate` can read a folder.

    Raises:
        TrainingError: there are no images, or one can't be used.
    """
    try:
        for _ in read_pairs(folder, SCALE):
            pass
    except MeasurementError as exc:
        raise TrainingError(f"can't evaluate: {exc}") from exc


def evaluate(enlarge: Enlarge, folder: Path) -> Scores:
    """Score `enlarge`, which maps (h, w, 3) to (2 h, 2 w, 3), uint8, on the test images of a folder.

    Raises:
        TrainingError: there are no images, or one can't be used.
    """
    scores = []
    try:
        for pair in read_pairs(folder, SCALE):
            enlarged = enlarge(pair.low)
            results = [enlarged, *(enlarge(as_jpeg(pair.low, quality)) for quality in (75, 30))]
            fidelity = [luma_psnr(each, pair.high, SCALE) for each in results]
            scores.append((*fidelity, consistency(enlarged, pair.low, SCALE)))
    except MeasurementError as exc:
        raise TrainingError(f"can't evaluate: {exc}") from exc
    return Scores(*np.mean(scores, axis=0).tolist())


def network_enlarger(network: Network) -> Enlarge:
    """Return a function that enlarges with a network, in float32: uint8 in, uint8 out, rounded and clipped."""

    def enlarge(low: Pixels) -> Pixels:
        device = next(network.parameters()).device
        pixels = torch.from_numpy(low.copy()).permute(2, 0, 1)[None].float().to(device) / 255
        with torch.no_grad():
            output = network(pixels)[0].clamp(0, 1).mul(255).round().permute(1, 2, 0)
        return np.asarray(output.to("cpu", torch.uint8))

    return enlarge


def passes_checks(scores: dict[Path, tuple[Scores, Scores, Scores]], tolerance: float) -> bool:
    """Compare the scores of bicubic, start and end of each test set; print them and the result.

    `tolerance`: dB that a score may fall below that of the start.
    """
    if not scores:
        print("not evaluated; --evaluate names folders of test images")
        return True
    for folder, each in scores.items():
        for title, score in zip(("bicubic", "start", "end"), each, strict=True):
            print(f"{title:8} {folder.name}: {score}")
    compared = scores.values()
    checks = {
        "better than bicubic, clean and as JPEGs": all(
            end.clean > bicubic.clean and end.jpeg75 > bicubic.jpeg75 and end.jpeg30 > bicubic.jpeg30
            for bicubic, _, end in compared
        ),
        f"nothing more than {tolerance:g} dB below the start": all(
            getattr(end, name) >= getattr(start, name) - tolerance
            for _, start, end in compared
            for name in ("clean", "jpeg75", "jpeg30", "consistency")
        ),
    }
    for text, holds in checks.items():
        print(f"{'holds' if holds else 'DOES NOT HOLD'}: {text}")
    return all(checks.values())
