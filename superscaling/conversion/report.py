"""Says in words what was found out about a model, with its speed and memory on this machine."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from superscaling.conversion.halo import HALO_LIMIT
from superscaling.engines import available_cpus, infer_levels, precision_of
from superscaling.engines.openvino import EngineOpenVino
from superscaling.models import ModelFiles
from superscaling.settings import Settings

# Edge in px of the picture on which speed and memory are measured.
EDGE = 128
RUNS = 2
SEAM_VISIBLE = 1.0  # levels


def parameters(network: Any) -> int:
    """Number of values in the constants of an `openvino.Model`."""
    constants = (each for each in network.get_ops() if each.get_type_name() == "Constant")
    return sum(int(np.prod(each.get_output_shape(0))) for each in constants)


def describe(model: ModelFiles, settings: Settings) -> dict[str, str]:
    """What a model does and needs: name of a fact -> words."""
    precision = precision_of("openvino", "auto", model)
    tile = settings.tile + 2 * model.halo
    seconds, memory = _measure(model, precision, settings.threads or available_cpus(), tile)
    overhead = (tile / settings.tile) ** 2
    return {
        "enlarges": f"{model.scale} times, {model.kind}",
        "sides": _sides(model),
        "halo": _halo(model),
        "precisions": f"{', '.join(model.tolerances)}; here {precision}",
        "speed": f"{seconds:.3g} s per megapixel, {seconds * overhead:.3g} s in tiles of {settings.tile} px",
        "memory": f"about {memory / 1e6:.0f} MB with a tile of {settings.tile} px and its halo",
    }


def _sides(model: ModelFiles) -> str:
    if model.multiple == model.least == 1:
        return "any"
    return f"multiples of {model.multiple} px, at least {model.least}; others are mirrored up to that and cut again"


def _halo(model: ModelFiles) -> str:
    if model.seam < HALO_LIMIT:
        return f"{model.halo} px: with it, tiles differed from whole photographs by less than {HALO_LIMIT} levels"
    advice = "seams may be seen" if model.seam >= SEAM_VISIBLE else "that is not seen"
    return (
        f"{model.halo} px; WARNING: the network looks farther than any halo: on photographs, tiles differed from the"
        f" whole by up to {model.seam:.2g} levels; {advice}"
    )


def _measure(model: ModelFiles, precision: str, threads: int, edge: int) -> tuple[float, float]:
    """Seconds per megapixel, and bytes that the network takes with a picture of `edge` px, both from a smaller one."""
    at_first = _status("VmRSS")
    engine = EngineOpenVino(model, precision, threads)
    loaded = _status("VmRSS")
    noise = np.random.default_rng(0).integers(0, 256, (EDGE, EDGE, 3), np.uint8)
    _forget_peak()
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        infer_levels(engine, noise)
        times.append(time.perf_counter() - start)
    memory = max(0, loaded - at_first) + max(0, _status("VmHWM") - loaded) * edge**2 / EDGE**2
    return min(times) / EDGE**2 * 1e6, memory


def _forget_peak() -> None:
    """Let the kernel measure the peak of the resident memory anew."""
    Path("/proc/self/clear_refs").write_text("5")


def _status(key: str) -> int:
    """A line of this process's status, in bytes."""
    text = Path("/proc/self/status").read_text()
    return int(text.partition(f"{key}:")[2].split()[0]) * 1024
