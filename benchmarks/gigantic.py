"""Gigantic pictures: time and memory of cutting, enlarging and joining.

Cutting and joining run in processes of their own, as in a job; the peak is that of the process. Band by band, this
process enlarges all of the picture; what of it is resident is said before and after.
"""

import functools
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.inputs import as_file, photograph
from benchmarks.measuring import Target, say, table, target_list
from benchmarks.service import MEGABYTE
from superscaling.assembly import assemble
from superscaling.enlarging import BandUpscaler
from superscaling.format_name import FormatName
from superscaling.geometry import Box
from superscaling.isolation import run_isolated
from superscaling.metadata_choice import MetadataChoice
from superscaling.pictures import band_name, cut_bands, join_bands, piece_bytes
from superscaling.resident_memory import peak_resident_bytes
from superscaling.scheduling import Deadline, Timings
from superscaling.settings import Settings

MODEL = "noise-cancel-fast"
MEGAPIXELS = 100
SCALE = 2
ROWS_OF_PARTS = 2  # in a block
MAX_PEAK = 300.0  # MB, of a process that joins
MOST_PIXELS = 1 << 40
SECONDS = 3600.0


def measure(megapixels: float = MEGAPIXELS) -> str:
    """The section in Markdown."""
    height = width = round((megapixels * 1e6) ** 0.5)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        say(f"a JPEG of {height * width / 1e6:.0f} megapixels")
        (folder / "source").write_bytes(as_file(photograph(height, width)))
        peaks = dict[str, float]()
        rows = table(("step", "s", "peak, MB", "file, MB"), _rows(folder, height, width, peaks))
    targets = (Target(f"peak of joining, {step}", peak, MAX_PEAK, "MB") for step, peak in peaks.items())
    title = f"JPEG of {height * width / 1e6:.0f} megapixels, x{SCALE}, {MODEL}"
    return f"{title}.\n\n{rows}\n{target_list(targets)}"


def measured(task: Callable[[], object]) -> tuple[object, int]:
    """Run a task; returns its value, and the peak of its process in bytes."""
    return task(), peak_resident_bytes()


def _rows(folder: Path, height: int, width: int, peaks: dict[str, float]) -> Iterator[list[str]]:
    assembly = assemble(Settings(model=MODEL))
    pieces = list[Path]()
    try:
        model = assembly.models.default.picture_upscaler
        model.upscaler.measure_speed(Deadline())
        bands = BandUpscaler(model.upscaler, (height, width), (SCALE * height, SCALE * width))
        runs = [(at, min(at + ROWS_OF_PARTS, len(bands.rows))) for at in range(0, len(bands.rows), ROWS_OF_PARTS)]
        spans = [bands.shown(*run) for run in runs]
        source, crop = folder / "source", Box(0, 0, height, width)
        say("cut")
        (_, peak), seconds = _isolated(functools.partial(cut_bands, source, crop, spans, folder, MOST_PIXELS))
        yield _row("cut", seconds, peak, sum((folder / band_name(span)).stat().st_size for span in spans))
        say("enlarge")
        began = time.monotonic()
        rest, size = b"", 0
        length = piece_bytes(3 * SCALE * width)
        for run, span in zip(runs, spans, strict=True):
            band = np.fromfile(folder / band_name(span), np.uint8).reshape(span[1] - span[0], width, 3)
            rest += bands.enlarge(*run, band, (0, 255), Deadline(), Timings()).tobytes()
            is_last = run is runs[-1]
            while len(rest) >= length or (is_last and rest):
                pieces.append(folder / f"piece-{len(pieces)}")
                size += pieces[-1].write_bytes(rest[:length])
                rest = rest[length:]
        yield _row(f"enlarge, {len(runs)} blocks", time.monotonic() - began, peak_resident_bytes(), size)
    finally:
        assembly.decoders.close()
    for name in (FormatName.JPEG, FormatName.PNG, FormatName.TIFF):
        say(f"join as {name}")
        result, large = folder / "result", (SCALE * height, SCALE * width)
        of_file = (source, crop, pieces, large, False, name, 90, MetadataChoice.KEEP, result, MOST_PIXELS)
        (_, peak), seconds = _isolated(functools.partial(join_bands, *of_file))
        peaks[name] = peak / MEGABYTE
        yield _row(f"join as {name}", seconds, peak, result.stat().st_size)


def _isolated(task: Callable[[], object]) -> tuple[Any, float]:
    began = time.monotonic()
    return run_isolated(functools.partial(measured, task), SECONDS, lambda: None), time.monotonic() - began


def _row(step: str, seconds: float, peak: int, size: int) -> list[str]:
    return [step, f"{seconds:.1f}", f"{peak / MEGABYTE:.0f}", f"{size / MEGABYTE:.0f}"]
