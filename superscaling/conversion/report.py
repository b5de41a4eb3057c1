"""Says in words what was found out about a model, with its speed and memory on this machine."""

import importlib.util
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

import numpy as np

from superscaling.conversion.halo import halo_limit
from superscaling.conversion.last_line import last_line
from superscaling.engines import EngineFacts, available_cpus, infer_levels, precision_of
from superscaling.engines.openvino import EngineOpenVino, supported_precisions
from superscaling.errors import ModelUnavailable, SettingInvalid
from superscaling.models import ModelFiles
from superscaling.resident_memory import peak_resident_bytes, resident_bytes
from superscaling.settings import Settings

# Edge in px of the picture on which speed and memory are measured.
EDGE = 128
RUNS = 2
# From this difference in levels on, a seam may be seen.
SEAM_VISIBLE = 1.0


def describe(model: ModelFiles, settings: Settings) -> dict[str, str]:
    """What a model does and needs: name of a fact -> words.

    Raises:
        ModelUnavailable: it can't be run.
    """
    precision, chosen = _precision(model, settings)
    threads = settings.threads or available_cpus()
    facts = EngineFacts.of(model, "openvino", precision, threads)
    tile = facts.tile_edge(settings.tile)
    window = tile + 2 * facts.context
    # In a process of its own: here the conversion has left memory that a measurement would not see.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as child:
        try:
            seconds, memory = child.submit(measure, model, precision, threads, window).result()
        except BrokenProcessPool as exc:
            raise ModelUnavailable(f"running it on {EDGE} x {EDGE} px failed: is there too little memory?") from exc
        except (RuntimeError, MemoryError) as exc:
            raise ModelUnavailable(f"running it on {EDGE} x {EDGE} px failed: {last_line(exc)}") from exc
    overhead = (window / tile) ** 2
    return {
        "enlarges": f"{model.scale} times, {model.kind}",
        "sides": _sides(model),
        "halo": _halo(model),
        "precisions": f"{_precisions(model)}; here {chosen}",
        "speed": f"{seconds:.3g} s per megapixel, {seconds * overhead:.3g} s in tiles of {tile} px",
        "memory": f"about {memory / 1e6:.0f} MB with a tile of {tile} px and its halo",
    }


def measure(model: ModelFiles, precision: str, threads: int, edge: int) -> tuple[float, float]:
    """Seconds per megapixel, and bytes that a model takes with a picture of `edge` px, both from a smaller one."""
    at_first = resident_bytes()
    engine = EngineOpenVino(model, precision, threads)
    loaded = resident_bytes()
    noise = np.random.default_rng(0).integers(0, 256, (EDGE, EDGE, 3), np.uint8)
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        infer_levels(engine, noise)
        times.append(time.perf_counter() - start)
    memory = loaded - at_first + max(0, peak_resident_bytes() - loaded) * edge**2 / EDGE**2
    return min(times) / EDGE**2 * 1e6, memory


def _precision(model: ModelFiles, settings: Settings) -> tuple[str, str]:
    """The precision in which these settings run a model, also in words; the fastest one if theirs is not possible."""
    try:
        precision = precision_of("openvino", settings.precision, model)
    except SettingInvalid as exc:
        precision = precision_of("openvino", "auto", model)
        return precision, f"{precision}, as {exc.reason}"
    return precision, precision


def _sides(model: ModelFiles) -> str:
    if model.multiple == model.least == 1:
        return "any"
    return f"multiples of {model.multiple} px, at least {model.least}; others are mirrored up to that and cut again"


def _halo(model: ModelFiles) -> str:
    if model.seam < (limit := halo_limit(model.kind)):
        return f"{model.halo} px: with it, tiles differed from whole photographs by less than {limit} levels"
    advice = "seams may be seen" if model.seam >= SEAM_VISIBLE else "that is not seen"
    return (
        f"{model.halo} px; WARNING: the network looks farther than any halo: on photographs, tiles differed from the"
        f" whole by up to {model.seam:.2g} levels; {advice}"
    )


def _precisions(model: ModelFiles) -> str:
    refused = model.acceptance is not None and not model.acceptance.passed
    usable = [precision for precision in model.tolerances if not (refused and precision == "int8")]
    notes = [f"not int8, which is {model.acceptance}"] if refused else []
    if "bf16" not in (*usable, *supported_precisions()):
        notes.append("bf16: not tried, this processor has none")
    if "int8" not in model.tolerances and importlib.util.find_spec("nncf") is None:
        notes.append("int8: not tried, needs NNCF (requirements.txt)")
    return "; ".join((", ".join(usable), *notes))
