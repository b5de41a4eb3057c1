"""Measure the corrections of the settings' model: the change of PSNR, the steps of gradients, and the time they take.

    python -m evaluation.corrections
    python -m evaluation.corrections FOLDER...

FOLDER is as for `evaluation.quality`. PSNR (dB) is that of Y without a border, as there, before the corrections and the
change by them; the last column is the change of the image that loses most. Gradients have 16 bits and run through the
whole range over so many px: the largest step between neighbouring pixels of the result, in 1/512 of the range, before
the corrections, after them, and half the largest step of the input. The time is that of pictures of 256 px.
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.errors import exit_status
from evaluation.metrics import luma
from evaluation.pictures import as_jpeg, read_pairs
from evaluation.quality import FOLDER, find_sets
from superscaling.conversion import psnr
from superscaling.engines import Engine, Pixels, available_cpus, infer_levels, open_engine
from superscaling.engines.openvino import supported_precisions
from superscaling.enlarging import correct, write_levels
from superscaling.geometry import whole_box
from superscaling.models import directory_of, read_model_files, weight_file_of
from superscaling.settings import read_settings

QUALITIES = (None, 75, 30)  # of JPEG; None: clean
LENGTHS = (256, 1024, 4096)  # of gradients in px
EDGE = 256  # px of the pictures that are timed
TURNS = 9


def measure(folders: Sequence[Path]) -> None:
    """Print three Markdown tables.

    Raises:
        MeasurementError: there are no images in the folders.
        StartError: the settings' model is not there.
    """
    settings = read_settings()
    model = read_model_files(directory_of(settings))
    engines = [
        open_engine("openvino", model, lambda: weight_file_of(settings), precision, available_cpus())
        for precision in supported_precisions()
    ]
    sets = [each for folder in folders for each in find_sets(folder)]
    print("| set | input | precision | PSNR | change | worst |\n|---|---|---|---|---|---|")
    for folder in sets:
        for quality in QUALITIES:
            for engine in engines:
                print(f"| {folder.name} |", " | ".join(_psnr_row(folder, quality, engine)), "|", flush=True)
    print("\n| gradient | px | precision | before | after | input |\n|---|---|---|---|---|---|")
    for kind in ("across", "diagonal", "radial"):
        for length in LENGTHS:
            for engine in engines:
                print(f"| {kind} | {length} |", " | ".join(_step_row(_gradient(kind, length), engine)), "|", flush=True)
    print("\n| picture | precision | inference, ms | corrections, ms | share |\n|---|---|---|---|---|")
    first = next(iter(read_pairs(sets[0], 2))).high[:EDGE, :EDGE]
    for title, pixels in (("photograph", first), ("all smooth", _gradient("diagonal", EDGE))):
        for engine in engines:
            print(f"| {title} |", " | ".join(_cost_row(pixels, engine)), "|", flush=True)


def _rounded(levels: NDArray[np.float32], pixels: Pixels) -> NDArray[Any]:
    rounded = np.empty(levels.shape, pixels.dtype)
    write_levels(levels.copy(), rounded)
    return rounded


def _enlarged(pixels: Pixels, engine: Engine) -> tuple[NDArray[Any], NDArray[Any]]:
    """The whole picture, without and with corrections."""
    levels = infer_levels(engine, pixels)
    before = _rounded(levels, pixels)
    correct(levels, pixels, whole_box(pixels))
    return before, _rounded(levels, pixels)


def _psnr_row(folder: Path, quality: int | None, engine: Engine) -> list[str]:
    scale, scores = engine.facts.scale, []
    for pair in read_pairs(folder, scale):
        original = luma(pair.high, scale)
        low = pair.low if quality is None else as_jpeg(pair.low, quality)
        scores.append([psnr(luma(each, scale), original) for each in _enlarged(low, engine)])
    before, after = np.array(scores).T
    change = after - before
    title = "clean" if quality is None else f"JPEG {quality}"
    return [title, engine.facts.precision, f"{before.mean():.3f}", f"{change.mean():+.4f}", f"{change.min():+.4f}"]


def _gradient(kind: str, length: int) -> NDArray[np.uint16]:
    """A gradient of a strip `length` px long: one channel through the whole range, the others through parts of it."""
    height = min(length, 128)
    down, right = np.mgrid[:height, :length]
    if kind == "radial":
        position = np.hypot(right - length / 2, down - height / 2)
    else:
        position = right + down if kind == "diagonal" else right
    levels = (position - position.min())[:, :, np.newaxis] / np.ptp(position) * (65535, 40000, 15000)
    gradient: NDArray[np.uint16] = np.rint(levels).astype(np.uint16)
    return gradient


def _largest_step(pixels: NDArray[Any]) -> float:
    signed = pixels.astype(np.int64)
    return max(float(np.abs(np.diff(signed, axis=axis)).max()) for axis in (0, 1)) / 65535 * 512


def _step_row(pixels: NDArray[np.uint16], engine: Engine) -> list[str]:
    steps = [_largest_step(each) for each in _enlarged(pixels, engine)]
    ideal = _largest_step(pixels) / engine.facts.scale
    return [engine.facts.precision, *(f"{step:.3f}" for step in (*steps, ideal))]


def _cost_row(pixels: Pixels, engine: Engine) -> list[str]:
    """Medians: the machine may be busy."""
    inference, corrections = [], []
    for _ in range(TURNS):
        start = time.perf_counter()
        levels = infer_levels(engine, pixels)
        middle = time.perf_counter()
        correct(levels, pixels, whole_box(pixels))
        inference.append(middle - start)
        corrections.append(time.perf_counter() - middle)
    slow, quick = float(np.median(inference)), float(np.median(corrections))
    return [engine.facts.precision, f"{1000 * slow:.0f}", f"{1000 * quick:.1f}", f"{quick / slow:.1%}"]


def main(arguments: Sequence[str]) -> int:
    """Measure and return the exit status; an error prints one line."""
    return exit_status("corrections", lambda: measure([Path(each) for each in arguments] or [FOLDER]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
