"""Turn a weight file into what the service loads: IR in fp32 and int8, halo, known answer, `model.json`.

Needs TensorFlow, so it runs in a process of its own: `prepare` starts it for idealo's weights,
`make models` for the project's.
"""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from superscaling.conversion.quantisation import quantise
from superscaling.conversion.quantisation_loss import measure_acceptance
from superscaling.engines import EngineFacts, Pixels, available_cpus, infer_levels
from superscaling.engines.openvino import EngineOpenVino, save_ir
from superscaling.engines.tensorflow import EngineTensorFlow, export_isr, load_isr
from superscaling.models import (
    DESCRIPTION,
    INT8_IR,
    INT8_IR_WEIGHTS,
    IR,
    IR_WEIGHTS,
    KNOWN_ANSWER,
    Acceptance,
    ModelFiles,
    Weights,
    hash_file,
)

# Largest difference in 8-bit levels that a tile's border may show against the whole picture.
HALO_LIMIT = 0.01
# Halos that are tried, in px, before the receptive field.
HALOS = (8, 12, 16, 20, 24, 32, 40, 48, 64, 80)
# Edge of the square that halos are tried on, in px.
HALO_EDGE = 192
# Edge of the known answer's picture, in px.
KNOWN_ANSWER_EDGE = 32
# Largest differences in levels from the fp32 reference on a small photograph. A healthy engine stays far below
# (0.0001, 3 and 6.3 were seen), a broken one is off by tens.
TOLERANCES = {"fp32": 0.05, "bf16": 16.0, "int8": 24.0}
# Edge in px of the squares that int8 is calibrated on, and how many are taken from each picture.
CALIBRATION_EDGE = 96
CALIBRATION_SQUARES = 6
# Squares of nine colours each that have no or all of red, green, blue.
CALIBRATION_COLOURS = 8


def convert(
    weights: Weights, path: Path, target: Path, photographs: Sequence[Pixels], drawings: Sequence[Pixels]
) -> None:
    """Write a model's directory.

    Args:
        weights: the row of the table.
        path: the weight file, verified.
        target: the directory to fill; `model.json` is written last, so a broken run leaves no model.
        photographs: (h, w, 3) uint8, h and w at least `HALO_EDGE`: what the halo is measured on, and int8 calibrated.
        drawings: the same, for int8 only.
    """
    target.mkdir(parents=True, exist_ok=True)
    isr = load_isr(weights.architecture, path)
    with tempfile.TemporaryDirectory() as directory:
        graph = Path(directory) / "network.pb"
        export_isr(isr, graph)
        save_ir(graph, target / IR)
    engine = EngineTensorFlow(
        isr,
        EngineFacts(
            model=weights.name,
            engine="tensorflow",
            precision="fp32",
            threads=0,
            scale=weights.architecture.scale,
            halo=weights.architecture.receptive_field,
        ),
    )
    known = _centre(photographs[0], KNOWN_ANSWER_EDGE)
    np.savez_compressed(target / KNOWN_ANSWER, pixels=known, expected=infer_levels(engine, known))
    files = (IR, IR_WEIGHTS, INT8_IR, INT8_IR_WEIGHTS, KNOWN_ANSWER)
    acceptance = make_int8(weights, target, [*photographs, *drawings])
    description = {
        "name": weights.name,
        "architecture": asdict(weights.architecture),
        "halo": measure_halo(engine, [_centre(photograph, HALO_EDGE) for photograph in photographs]),
        "tolerances": TOLERANCES,
        "gates": {"int8": asdict(acceptance)},
        "sha256": {file: hash_file(target / file) for file in files},
    }
    (target / DESCRIPTION).write_text(json.dumps(description, indent=2) + "\n")


def make_int8(weights: Weights, target: Path, pictures: Sequence[Pixels]) -> Acceptance:
    """Write the int8 IR beside the fp32 one and measure what it costs.

    The upper half of each picture calibrates, the lower half is what it is measured on.
    """
    chance = np.random.default_rng(0)
    squares: list[Pixels] = []
    for pixels in pictures:
        upper = pixels[: len(pixels) // 2]
        for _ in range(CALIBRATION_SQUARES):
            top, left = (chance.integers(side - CALIBRATION_EDGE + 1) for side in upper.shape[:2])
            squares.append(upper[top : top + CALIBRATION_EDGE, left : left + CALIBRATION_EDGE])
    # Saturated colours, which photographs don't have: their activations are the largest.
    for _ in range(CALIBRATION_COLOURS):
        colours = 255 * chance.integers(2, size=(3, 3, 3), dtype=np.uint8)
        squares.append(colours.repeat(CALIBRATION_EDGE // 3, axis=0).repeat(CALIBRATION_EDGE // 3, axis=1))
    quantise(target / IR, target / INT8_IR, squares)
    model = ModelFiles(weights.name, target, weights.architecture, 0, {}, {}, Acceptance(0, 0, 0))
    fp32, int8 = (EngineOpenVino(model, precision, available_cpus()) for precision in ("fp32", "int8"))
    scale = weights.architecture.scale
    lower = [pixels[len(pixels) // 2 :] for pixels in pictures]
    return measure_acceptance(fp32, int8, [_cropped(pixels, scale) for pixels in lower])


def measure_halo(engine: EngineTensorFlow, photographs: Sequence[Pixels]) -> int:
    """The smallest halo with which a part of each photograph differs from the whole by less than `HALO_LIMIT` levels.

    Each one is cut once from top to bottom, and its left half enlarged with `halo` px of the right one.
    """
    scale, full = engine.facts.scale, engine.facts.halo
    halos = [halo for halo in HALOS if halo < full]
    for pixels in photographs:
        core = pixels.shape[1] // 2
        whole = infer_levels(engine, pixels)[:, : core * scale]
        while halos:
            part = infer_levels(engine, pixels[:, : core + halos[0]])[:, : core * scale]
            if np.abs(part - whole).max() < HALO_LIMIT:
                break
            halos.pop(0)
    return halos[0] if halos else full


def _cropped(pixels: Pixels, scale: int) -> Pixels:
    height, width = (side // scale * scale for side in pixels.shape[:2])
    return pixels[:height, :width]


def _centre(pixels: Pixels, edge: int) -> NDArray[np.uint8]:
    top, left = ((side - edge) // 2 for side in pixels.shape[:2])
    return np.ascontiguousarray(pixels[top : top + edge, left : left + edge])
