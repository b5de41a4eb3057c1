"""Seconds per megapixel of each architecture on this machine, by engine and precision.

    make seconds

The weights are random: the time does not depend on them. Ours and ISR's own `predict` take turns on a photograph of
384 x 240 px; printed are medians of the network's time, whole picture at once, without HTTP.
"""

import functools
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from benchmarks.networks import ARCHITECTURES, random_model, write_random
from image_codec import Limits, decode
from settings import ROOT
from super_resolution.cpus import available_cpus
from super_resolution.engine import Pixels, infer_levels
from super_resolution.engine_openvino import EngineOpenVino, supported_precisions

HEIGHT, WIDTH = 240, 384  # px
RUNS = 3


def main() -> None:
    """Print a table in Markdown."""
    keras.utils.disable_interactive_logging()  # `predict` would draw a progress bar into the table
    file = (ROOT / "sample-images" / "coffee-artefacts.jpg").read_bytes()
    sample = decode(file, Limits(pixels=1_000_000, frames=1)).frames[0].colour
    pixels: Pixels = np.ascontiguousarray(sample[:HEIGHT, :WIDTH])
    precisions = supported_precisions()
    print(f"{available_cpus()} threads; seconds per megapixel of input\n")
    print("| network | ISR `predict` |", *(f"OpenVINO {name} |" for name in precisions))
    print("|---|---|" + "---|" * len(precisions))
    for name, architecture in ARCHITECTURES.items():
        with tempfile.TemporaryDirectory() as directory:
            isr = write_random(architecture, Path(directory))
            model = random_model(architecture, Path(directory))
            engines = [EngineOpenVino(model, precision, available_cpus()) for precision in precisions]
        calls: list[Callable[[], object]] = [functools.partial(isr.predict, pixels)]
        calls += [functools.partial(infer_levels, engine, pixels) for engine in engines]
        print(f"| {name} |", *(f"{seconds:.3g} |" for seconds in medians(calls)), flush=True)


def medians(calls: list[Callable[[], object]]) -> list[float]:
    """Seconds per megapixel of each call, measured in turns, after one run that does not count."""
    times: list[list[float]] = [[] for _ in calls]
    for run in range(RUNS + 1):
        for call, own in zip(calls, times, strict=True):
            start = time.perf_counter()
            call()
            if run:
                own.append((time.perf_counter() - start) / (HEIGHT * WIDTH) * 1e6)
    return [statistics.median(own) for own in times]


if __name__ == "__main__":
    main()
