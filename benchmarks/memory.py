"""Resident memory: of the service while it enlarges a large picture, and of each network while it works on one tile.

A network's tile is what `UPSCALER_TILE=256` gives with a halo of 16 px. Each runs in a process of its own.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.children import child
from benchmarks.inputs import POSTER, as_file, photograph
from benchmarks.measuring import Target, say, table, target_list
from benchmarks.networks import ARCHITECTURES, DEFAULT, HALO, open_network, write_network
from benchmarks.service import memory_of, running_service, upscale
from superscaling.engines import available_cpus, infer_levels
from superscaling.engines.openvino import supported_precisions

EDGE = 256 + 2 * HALO  # px
MAX_PICTURE = 1200.0  # MB for the picture of 12 megapixels


def measure() -> str:
    """The section in Markdown."""
    say("a picture of 12 megapixels")
    with running_service(UPSCALER_TIMEOUT="600") as service:
        started = service.resident
        upscale(service.client, as_file(photograph(*POSTER)))
        peak = service.peak_resident
    precisions = supported_precisions()
    height, width = POSTER
    return (
        table(
            (f"the service with {DEFAULT}", "MB"),
            [("when started", f"{started:.0f}"), (f"peak for a JPEG of {width} x {height} px", f"{peak:.0f}")],
        )
        + f"\nPeak in MB of a network's own process for a tile of {EDGE} x {EDGE} px:\n\n"
        + table(("network", *precisions), _rows(precisions))
        + "\n"
        + target_list([Target("12 megapixels", peak, MAX_PICTURE, "MB")])
    )


def _rows(precisions: list[str]) -> Iterator[list[str]]:
    for name in ARCHITECTURES:
        with tempfile.TemporaryDirectory() as directory:
            with child() as process:  # TensorFlow's memory must not count
                process.submit(_write, name, Path(directory)).result()
            row = [name]
            for precision in precisions:
                say(f"a tile: {name} {precision}")
                with child() as process:
                    row.append(f"{process.submit(_peak, name, Path(directory), precision).result():.0f}")
        yield row


def _write(name: str, directory: Path) -> None:
    write_network(name, directory)  # its result can't leave the process


def _peak(name: str, directory: Path, precision: str) -> float:
    """Enlarge one tile; the peak of this process's resident memory in MB."""
    engine = open_network(name, directory, precision, available_cpus())
    infer_levels(engine, np.zeros((EDGE, EDGE, 3), np.uint8))
    return memory_of(os.getpid(), "VmHWM")  # getrusage's would begin with the parent's
