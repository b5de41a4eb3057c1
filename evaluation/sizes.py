"""Measure sizes other than the network's own: x3 and x4 against Pillow's filters, and what scale=1 cleans.

    make sizes
    python -m evaluation.sizes FOLDER... --models noise-cancel-plain realesrgan-x4plus

FOLDER holds test images or folders of them (default: ../shared/eval). The inputs are the originals (`*_HR.png`, or all
images of the folder), cut to multiples of the factor and reduced with Pillow's bicubic filter. Every picture goes
through a request with `scale` and `model`; the first model is the default. Figures are means over the images: PSNR (dB)
of Y (ITU-R BT.601), without a border of `scale` px. For scale=1 the originals become JPEGs (Pillow's defaults), and
both the JPEG and the answer are compared with the original; "least" is the image that gains least. What the project's
default model gains on Set5 must reach `TWO_PASSES` and `CLEANED`; otherwise the exit status is 1.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluation.enlargers import filters
from evaluation.errors import MeasurementError, exit_status
from evaluation.metrics import Pixels, luma_psnr
from evaluation.pictures import Enlarge, as_jpeg, read_reduced
from evaluation.quality import FOLDER, find_sets
from evaluation.service import Service, running
from superscaling.settings import Settings, read_settings

FACTORS = (3, 4)
QUALITIES = (75, 50, 30)
# What the project's default model gains on this set at least, in dB.
CHECKED_SET = "Set5"
TWO_PASSES, CLEANED = 2.0, 1.0


@dataclass(frozen=True)
class Gains:
    """Of a model on a set, in dB: `two_passes`: of x4 over bicubic; `cleaned`: of scale=1 over JPEGs of quality 50."""

    two_passes: float
    cleaned: float

    def check(self) -> None:
        """Make sure that the model gains enough.

        Raises:
            MeasurementError: it doesn't.
        """
        for what, gain, least in (
            (f"x{FACTORS[-1]} over bicubic", self.two_passes, TWO_PASSES),
            (f"scale=1 over JPEG {QUALITIES[1]}", self.cleaned, CLEANED),
        ):
            if not gain >= least:
                raise MeasurementError(f"{CHECKED_SET}: {what} gains {gain:.2f} dB, and should at least {least:g}")


def measure(folders: Sequence[Path], models: Sequence[str]) -> None:
    """Print a table of enlargement and one of cleaning for each set.

    Raises:
        MeasurementError: the folders can't be used, or the project's default model gains too little on Set5.
        StartError: the models can't be used.
        EngineFailed: an engine does not reproduce its known answer.
    """
    sets = [each for folder in folders or [FOLDER] for each in find_sets(folder)]
    with running(models) as service:
        default, *_ = service.models
        gains = {folder.name: Gains(_enlarged(folder, service), _cleaned(folder, service, default)) for folder in sets}
    if default == Settings().model and CHECKED_SET in gains:
        gains[CHECKED_SET].check()


def _enlarged(folder: Path, service: Service) -> float:
    """Print PSNR in each factor; returns what the default gains over bicubic in the largest factor."""
    print(f"{folder.name}, clean: PSNR in dB\n\n| enlarged by |", *(f"x{scale} |" for scale in FACTORS))
    print("|---|" + "---|" * len(FACTORS), flush=True)
    rows, ways = {}, {scale: _ways(service, scale) for scale in FACTORS}
    for name in ways[FACTORS[0]]:
        rows[name] = [_psnr(folder, scale, ways[scale][name]) for scale in FACTORS]
        print(f"| {name} |", " | ".join(f"{decibels:.2f}" for decibels in rows[name]), "|", flush=True)
    print()
    default, *_ = service.models
    return float(rows[default][-1] - rows["bicubic"][-1])


def _ways(service: Service, scale: int) -> dict[str, Enlarge]:
    """Each enlarger in a factor, by name."""
    ways = {each.name: each.enlarge for each in filters(scale)}
    return ways | {model: service.enlarger(model, scale) for model in service.models}


def _psnr(folder: Path, scale: int, enlarge: Enlarge) -> float:
    return float(np.mean([luma_psnr(enlarge(pair.low), pair.high, scale) for pair in read_reduced(folder, scale)]))


def _cleaned(folder: Path, service: Service, model: str) -> float:
    """Print what scale=1 gains over JPEGs; returns the gain at `QUALITIES[1]`."""
    print(f"{folder.name}, scale=1 by {model}: PSNR in dB\n\n| JPEG quality | the JPEG | scale=1 | gain | least |")
    print("|---|---|---|---|---|", flush=True)
    gains = {}
    for quality in QUALITIES:
        scores = np.array([_cleaning(pair.high, quality, service, model) for pair in read_reduced(folder, 1)])
        before, after = scores.T
        gains[quality] = float((after - before).mean())
        print(
            f"| {quality} | {before.mean():.2f} | {after.mean():.2f} | {gains[quality]:+.2f} |"
            f" {(after - before).min():+.2f} |",
            flush=True,
        )
    print()
    return gains[QUALITIES[1]]


def _cleaning(original: Pixels, quality: int, service: Service, model: str) -> tuple[float, float]:
    jpeg = as_jpeg(original, quality)
    cleaned, _ = service.enlarge(jpeg, model, scale="1")
    return luma_psnr(jpeg, original, 1), luma_psnr(cleaned, original, 1)


def main(arguments: Sequence[str]) -> int:
    """Measure and return the exit status; an error prints one line."""
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.sizes", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER", help="test images")
    parser.add_argument("--models", nargs="+", metavar="NAME", help="models by name (default: the settings')")
    wanted = parser.parse_args(arguments)
    return exit_status("sizes", lambda: measure(wanted.folders, wanted.models or [read_settings().model]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
