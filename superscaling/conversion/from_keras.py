"""Converts a weight file to a model: IR in fp32 and int8, halo, known answer, `model.json`.

Needs TensorFlow, so it runs in its own process: `prepare` starts it for idealo's weights, `make models` for the
project's.
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

# Largest difference in 8-bit levels between a tile and the whole picture.
HALO_LIMIT = 0.01
# Halos to try, in px, before the receptive field.
HALOS = (8, 12, 16, 20, 24, 32, 40, 48, 64, 80)
# Edge in px of the squares on which halos are tried.
HALO_EDGE = 192
# Edge in px of the known answer's picture.
KNOWN_ANSWER_EDGE = 32
# Largest differences in levels from the fp32 reference on a small photograph. Working engines are far below (0.0001, 3
# and 6.3 were seen), broken ones are off by tens.
TOLERANCES = {"fp32": 0.05, "bf16": 16.0, "int8": 24.0}
# Edge in px of the squares for the calibration of int8, and their number per picture.
CALIBRATION_EDGE = 96
CALIBRATION_SQUARES = 6
# Number of squares with nine saturated colours each.
CALIBRATION_COLOURS = 8


def convert(
    weights: Weights, path: Path, target: Path, photographs: Sequence[Pixels], drawings: Sequence[Pixels]
) -> None:
    """Write a model's directory.

    Args:
        weights: the row of the table.
        path: the weight file, verified.
        target: the directory to fill; `model.json` is written last, so an aborted run leaves no model.
        photographs: (h, w, 3) uint8, h and w at least `HALO_EDGE`, for the halo and int8.
        drawings: likewise, for int8 only.
    """
    target.mkdir(parents=True, exist_ok=True)
    isr = load_isr(weights.architecture, path)
    with tempfile.TemporaryDirectory() as directory:
        graph = Path(directory) / "network.pb"
        export_isr(isr, graph)
        save_ir(graph, target / IR)
    model = ModelFiles.unmeasured(weights.name, target, weights.architecture)
    engine = EngineTensorFlow(isr, EngineFacts.of(model, "tensorflow", "fp32", threads=0))
    known = _centre(photographs[0], KNOWN_ANSWER_EDGE)
    np.savez_compressed(target / KNOWN_ANSWER, pixels=known, expected=infer_levels(engine, known))
    files = (IR, IR_WEIGHTS, INT8_IR, INT8_IR_WEIGHTS, KNOWN_ANSWER)
    acceptance = make_int8(model, [*photographs, *drawings])
    description = {
        "name": weights.name,
        "scale": weights.architecture.scale,
        "kind": weights.kind,
        "licence": weights.licence,
        "weights_sha256": weights.sha256,
        "multiple": 1,
        "architecture": asdict(weights.architecture),
        "halo": measure_halo(engine, [_centre(photograph, HALO_EDGE) for photograph in photographs]),
        "tolerances": TOLERANCES,
        "acceptance": {"int8": asdict(acceptance)},
        "sha256": {file: hash_file(target / file) for file in files},
    }
    (target / DESCRIPTION).write_text(json.dumps(description, indent=2) + "\n")


def make_int8(model: ModelFiles, pictures: Sequence[Pixels]) -> Acceptance:
    """Write the int8 IR beside the fp32 one, and measure what it loses.

    The upper half of each picture is used for calibration, the lower half for the measurement.
    """
    chance = np.random.default_rng(0)
    squares: list[Pixels] = []
    for pixels in pictures:
        upper = pixels[: len(pixels) // 2]
        for _ in range(CALIBRATION_SQUARES):
            top, left = (chance.integers(side - CALIBRATION_EDGE + 1) for side in upper.shape[:2])
            squares.append(upper[top : top + CALIBRATION_EDGE, left : left + CALIBRATION_EDGE])
    # Photographs lack saturated colours, which have the largest activations.
    for _ in range(CALIBRATION_COLOURS):
        colours = 255 * chance.integers(2, size=(3, 3, 3), dtype=np.uint8)
        squares.append(colours.repeat(CALIBRATION_EDGE // 3, axis=0).repeat(CALIBRATION_EDGE // 3, axis=1))
    quantise(model.directory / IR, model.directory / INT8_IR, squares)
    fp32, int8 = (EngineOpenVino(model, precision, available_cpus()) for precision in ("fp32", "int8"))
    scale = model.scale
    lower = [pixels[len(pixels) // 2 :] for pixels in pictures]
    return measure_acceptance(fp32, int8, [_cropped(pixels, scale) for pixels in lower])


def measure_halo(engine: EngineTensorFlow, photographs: Sequence[Pixels]) -> int:
    """The smallest halo with which a part of each photograph differs from the whole by less than `HALO_LIMIT` levels.

    Each photograph is cut once from top to bottom, and its left half is enlarged with `halo` px of context.
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
