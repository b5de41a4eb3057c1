"""Compare models, in one run and in turns: fidelity, consistency, perceptual measures, and time.

    make compare
    python -m evaluation.compare FOLDER... --models noise-cancel-plain realesr-animevideov3-x4 --scale 4

FOLDER holds test images or folders of them (default: ../shared/eval); the inputs are made of them as
`evaluation.sizes` does, clean and as JPEGs. Every picture goes through a request with `scale` and `model`. Figures are
means over the images: PSNR (dB) of Y (ITU-R BT.601), without a border of `scale` px; "consistency", the PSNR over RGB
between the clean input and the result, reduced again with Pillow's bicubic filter; ST-LPIPS (0: equal), HaarPSI (1:
equal) and SSIMULACRA2 (100: equal), which `evaluation.perceptual` explains; seconds of inference per megapixel of
input.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import openvino

from evaluation.enlargers import filters
from evaluation.errors import exit_status
from evaluation.metrics import Pixels, luma_psnr
from evaluation.perceptual import Perceptual, perceptual_measures
from evaluation.pictures import Pair, as_jpeg, consistency, read_reduced
from evaluation.quality import FOLDER, find_sets
from evaluation.service import Service, running
from superscaling.engines import available_cpus
from superscaling.settings import read_settings

QUALITIES = (None, 75, 50, 30)  # of JPEG; None: clean
SHOWN = (None, 50)  # the inputs for which perceptual measures are shown
Scores = dict[str, list[list[float]]]


def measure(folders: Sequence[Path], models: Sequence[str], scale: int) -> None:
    """Print a Markdown table for each set.

    Raises:
        MeasurementError, StartError: the folders, models or the environment can't be used.
        EngineFailed: an engine does not reproduce its known answer.
    """
    sets = [each for folder in folders or [FOLDER] for each in find_sets(folder)]
    threads = read_settings().threads or available_cpus()
    with running(models) as service, perceptual_measures(threads) as perceptual:
        processor = openvino.Core().get_property("CPU", "FULL_DEVICE_NAME")
        print(f"{processor}, {threads} threads:", ", ".join(str(facts) for facts in service.models.values()))
        for folder in sets:
            _print_table(folder, scale, service, perceptual)


def _print_table(folder: Path, scale: int, service: Service, perceptual: Perceptual) -> None:
    inputs = ["clean" if quality is None else f"JPEG {quality}" for quality in QUALITIES]
    shown = [
        f"{name}, {title}"
        for quality, title in zip(QUALITIES, inputs, strict=True)
        if quality in SHOWN
        for name in perceptual.names
    ]
    columns = ["enlarged by", *inputs, "consistency", *shown, "s/MP"]
    print(f"\n{folder.name}, x{scale}\n\n| {' | '.join(columns)} |\n|" + "---|" * len(columns), flush=True)
    scores: Scores = defaultdict(list)
    for pair in read_reduced(folder, scale):
        for name, row in _of_pair(pair, scale, service, perceptual):
            scores[name].append(row)
    for name, rows in scores.items():
        *figures, pixels, seconds = np.array(rows).T
        cells = [_cell(each.mean()) for each in figures]
        pace = seconds.sum() / pixels.sum() * 1e6
        print(f"| {name} |", " | ".join(cells), f"| {pace:.3g} |" if name in service.models else "| - |", flush=True)


def _cell(figure: float) -> str:
    """Decibels and points with two decimals, what lies between 0 and 1 with four."""
    return f"{figure:.2f}" if abs(figure) > 1 else f"{figure:.4f}"


def _of_pair(pair: Pair, scale: int, service: Service, perceptual: Perceptual) -> Iterator[tuple[str, list[float]]]:
    """Every enlarger's figures on one picture: in the order of the columns, then px and seconds of all inputs."""
    answers: dict[str, list[Pixels]] = defaultdict(list)
    seconds: dict[str, float] = defaultdict(float)
    for quality in QUALITIES:
        low = pair.low if quality is None else as_jpeg(pair.low, quality)
        for enlarger in filters(scale):
            answers[enlarger.name].append(enlarger.enlarge(low))
        for model in service.models:  # in turns: what else the machine does then slows them alike
            answer, taken = service.enlarge(low, model, scale=str(scale))
            answers[model].append(answer)
            seconds[model] += taken
    for name, enlarged in answers.items():
        figures = [luma_psnr(each, pair.high, scale) for each in enlarged]
        figures.append(consistency(enlarged[0], pair.low, scale))
        for quality, each in zip(QUALITIES, enlarged, strict=True):
            if quality in SHOWN:
                figures += perceptual.of(each, pair.high)
        height, width, _ = pair.low.shape
        yield name, [*figures, len(QUALITIES) * height * width, seconds[name]]


def main(arguments: Sequence[str]) -> int:
    """Measure and return the exit status; an error prints one line."""
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.compare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER", help="test images")
    parser.add_argument("--models", nargs="+", metavar="NAME", help="models by name (default: the settings')")
    parser.add_argument("--scale", type=int, default=4, choices=range(2, 9), help="the factor (default: 4)")
    wanted = parser.parse_args(arguments)
    return exit_status(
        "compare", lambda: measure(wanted.folders, wanted.models or [read_settings().model], wanted.scale)
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
