"""Peak resident memory: of the service with large images, and of each network with one tile.

The tile is that of `UPSCALER_TILE=256` with a halo of 16 px. Each network runs in its own process.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.children import child
from benchmarks.inputs import LARGEST, POSTER, as_file, photograph
from benchmarks.isr_networks import C6_D20, HALO, ISR_NETWORKS, write_isr_network
from benchmarks.measuring import Target, say, table, target_list
from benchmarks.networks import DEFAULT, OWN, Network, served_network
from benchmarks.service import memory_of, running_service, upscale
from superscaling.engines import infer_levels
from superscaling.engines.openvino import supported_precisions

EDGE = 256 + 2 * HALO  # px
MAX_PICTURES = {POSTER: 1200.0, LARGEST: 3500.0}  # MB


def measure() -> str:
    """The section in Markdown."""
    rows, targets = [], []
    for (height, width), most in MAX_PICTURES.items():
        megapixels = f"{height * width / 1e6:.0f} megapixels"
        say(f"an image of {megapixels}")
        with running_service(UPSCALER_TIMEOUT="3600") as service:
            started = service.resident
            upscale(service.client, as_file(photograph(height, width)))
            peak = service.peak_resident
        rows.append((f"peak for a JPEG of {width} x {height} px", f"{peak:.0f}"))
        targets.append(Target(megapixels, peak, most, "MB"))
    precisions = supported_precisions()
    return (
        table((f"the service with {DEFAULT}", "MB"), [("after the start", f"{started:.0f}"), *rows])
        + f"\nPeak in MB of a process that runs only the network, on a tile of {EDGE} x {EDGE} px:\n\n"
        + table(("network", *precisions), _rows(precisions))
        + "\n"
        + target_list(targets)
    )


def _rows(precisions: list[str]) -> Iterator[list[str]]:
    for name in (*OWN, C6_D20):
        with tempfile.TemporaryDirectory() as directory:
            with child() as process:  # TensorFlow's memory must not count
                network = process.submit(_find, name, Path(directory)).result()
            row = [name]
            for precision in precisions:
                if precision not in network.precisions:
                    row.append("-")
                    continue
                say(f"a tile: {name} {precision}")
                with child() as process:
                    row.append(f"{process.submit(_peak, network, precision).result():.0f}")
        yield row


def _find(name: str, directory: Path) -> Network:
    if name in OWN:
        return served_network(name)
    return write_isr_network(name, ISR_NETWORKS[name](), directory)


def _peak(network: Network, precision: str) -> float:
    """Enlarge one tile; returns this process's peak resident memory in MB."""
    infer_levels(network.open(precision), np.zeros((EDGE, EDGE, 3), np.uint8))
    return memory_of(os.getpid(), "VmHWM")  # getrusage's peak is inherited from the parent
