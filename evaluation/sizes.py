"""Measure sizes other than the network's own: x3 and x4 against Pillow's filters, and what scale=1 cleans.

    make sizes
    python -m evaluation.sizes FOLDER... --models noise-cancel-lite realesrgan-x4plus

FOLDER holds test images or folders of them (default: ../shared/eval). The inputs are the originals (`*_HR.png`, or all
images of the folder), cut to multiples of the factor and reduced with Pillow's bicubic filter. Every picture goes
through a request with `scale` and `model`; the first model is the default. Figures are means over the images: PSNR (dB)
of Y (ITU-R BT.601), without a border of `scale` px. For scale=1 the originals become JPEGs (Pillow's defaults), and
both the JPEG and the answer are compared with the original; "least" is the image that gains least.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from evaluation.enlargers import filters
from evaluation.errors import exit_status
from evaluation.metrics import Pixels, luma_psnr
from evaluation.pictures import Enlarge, as_jpeg, read_reduced
from evaluation.quality import FOLDER, find_sets
from evaluation.service import Service, running
from superscaling.settings import read_settings

FACTORS = (3, 4)
QUALITIES = (75, 50, 30)
# What the default model should gain, in dB: by two passes over bicubic on clean Set5, and by scale=1 over a JPEG of
# quality 50.
TWO_PASSES, CLEANED = 2.0, 1.0


def measure(folders: Sequence[Path], models: Sequence[str]) -> None:
    """Print a table of enlargement and one of cleaning, and what is gained beside what is wanted.

    Raises:
        MeasurementError, StartError: the folders or models can't be used.
        EngineFailed: an engine does not reproduce its known answer.
    """
    sets = [each for folder in folders or [FOLDER] for each in find_sets(folder)]
    with running(models) as service:
        default, *_ = service.models
        gains = {folder.name: _enlarged(folder, service) for folder in sets}
        cleaned = {folder.name: _cleaned(folder, service, default) for folder in sets}
    for name, gain in gains.items():
        print(
            f"{name}: x{FACTORS[-1]} gains {gain:.2f} dB over bicubic (on Set5 at least {TWO_PASSES:g} are wanted),",
            end=" ",
        )
        print(f"scale=1 gains {cleaned[name]:.2f} dB over JPEG {QUALITIES[1]} (at least {CLEANED:g} are wanted)")


def _enlarged(folder: Path, service: Service) -> float:
    """Print PSNR in each factor; returns what the default gains over bicubic in the largest factor."""
    print(f"{folder.name}, clean: PSNR in dB\n\n| enlarged by |", *(f"x{scale} |" for scale in FACTORS))
    print("|---|" + "---|" * len(FACTORS), flush=True)
    rows = {}
    for place, (name, *_) in enumerate(_ways(service, FACTORS[0])):
        rows[name] = [_psnr(folder, scale, [*_ways(service, scale)][place][1]) for scale in FACTORS]
        print(f"| {name} |", " | ".join(f"{decibels:.2f}" for decibels in rows[name]), "|", flush=True)
    print()
    default, *_ = service.models
    return float(rows[default][-1] - rows["bicubic"][-1])


def _ways(service: Service, scale: int) -> Iterator[tuple[str, Enlarge]]:
    """Name and function of each enlarger in a factor."""
    for each in filters(scale):
        yield each.name, each.enlarge
    for model in service.models:
        yield model, lambda low, model=model: service.enlarge(low, model, scale=str(scale))[0]  # type: ignore[misc]


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
