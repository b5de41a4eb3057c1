"""Peak resident memory of each architecture while it works on one tile, by precision.

    make memory

Weights are random: memory does not depend on them. The tile is what `UPSCALER_TILE=256` gives with a halo of 16 px: a
window of 288 x 288 px. Each network runs in a process of its own.
"""

import resource
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from benchmarks.networks import ARCHITECTURES, random_model, write_random
from super_resolution.cpus import available_cpus
from super_resolution.engine import infer_levels
from super_resolution.engine_openvino import EngineOpenVino, supported_precisions
from super_resolution.weights import Architecture

EDGE = 256 + 2 * 16  # px


def write_ir(architecture: Architecture, directory: Path) -> None:
    """Write a network with random weights. (In a process of its own: TensorFlow's memory must not count.)"""
    write_random(architecture, directory)


def peak(architecture: Architecture, directory: Path, precision: str) -> int:
    """Enlarge one tile; the peak of this process's resident memory in MB."""
    engine = EngineOpenVino(random_model(architecture, directory), precision, available_cpus())
    infer_levels(engine, np.zeros((EDGE, EDGE, 3), np.uint8))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    """Print a table in Markdown."""
    precisions = supported_precisions()
    print(f"peak resident memory in MB for a tile of {EDGE} x {EDGE} px\n")
    print("| network |", *(f"{name} |" for name in precisions))
    print("|---|" + "---|" * len(precisions))
    for name, architecture in ARCHITECTURES.items():
        with tempfile.TemporaryDirectory() as directory:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as child:
                child.submit(write_ir, architecture, Path(directory)).result()
            peaks = []
            for precision in precisions:
                with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as child:
                    peaks.append(child.submit(peak, architecture, Path(directory), precision).result())
        print(f"| {name} |", *(f"{megabytes} |" for megabytes in peaks), flush=True)


if __name__ == "__main__":
    main()
