"""Writes what every converted model has: a known answer, the int8 form, and `model.json`."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np
from numpy.typing import NDArray

from superscaling.conversion.calibration import calibration_squares
from superscaling.conversion.ir import Ends
from superscaling.conversion.quantisation_loss import measure_acceptance
from superscaling.engines import Engine, Pixels, available_cpus, infer_levels
from superscaling.engines.openvino import EngineOpenVino
from superscaling.models import (
    DESCRIPTION,
    INT8_IR,
    INT8_IR_WEIGHTS,
    IR,
    IR_WEIGHTS,
    KNOWN_ANSWER,
    Acceptance,
    ModelFiles,
    hash_file,
)

# Edge in px of the known answer's picture.
KNOWN_ANSWER_EDGE = 32
# Largest differences in levels from the fp32 reference on a small photograph. Working engines are far below (0.0001, 3
# and 6.3 were seen), broken ones are off by tens.
TOLERANCES = {"fp32": 0.05, "bf16": 16.0, "int8": 24.0}


def write_known_answer(model: ModelFiles, reference: Engine, photograph: Pixels) -> None:
    """Write the reference's answer to the centre of a photograph."""
    known = _centre(photograph, KNOWN_ANSWER_EDGE)
    np.savez_compressed(model.directory / KNOWN_ANSWER, pixels=known, expected=infer_levels(reference, known))


def write_int8(model: ModelFiles, pictures: Sequence[Pixels], ends: Ends) -> Acceptance:
    """Write the int8 IR beside the fp32 one, and measure what it loses. Needs NNCF.

    The upper half of each picture, (h, w, 3) uint8, is used for calibration, the lower half for the measurement. `ends`
    are not quantised.
    """
    from superscaling.conversion.quantisation import quantise  # late: it imports NNCF, which may be missing

    quantise(model.directory / IR, model.directory / INT8_IR, calibration_squares(pictures), ends)
    fp32, int8 = (EngineOpenVino(model, precision, available_cpus()) for precision in ("fp32", "int8"))
    lower = [pixels[len(pixels) // 2 :] for pixels in pictures]
    return measure_acceptance(fp32, int8, [_cropped(pixels, model.scale) for pixels in lower])


def write_description(model: ModelFiles) -> ModelFiles:
    """Write `model.json`, last of all: a directory without it is no model. Returns the model with its files' hashes."""
    int8 = (INT8_IR, INT8_IR_WEIGHTS) if model.acceptance else ()
    files = (IR, IR_WEIGHTS, *int8, KNOWN_ANSWER)
    model = replace(model, sha256={file: hash_file(model.directory / file) for file in files})
    description = asdict(model)
    del description["directory"]
    description["acceptance"] = {"int8": asdict(model.acceptance)} if model.acceptance else {}
    (model.directory / DESCRIPTION).write_text(json.dumps(description, indent=2) + "\n")
    return model


def _cropped(pixels: Pixels, scale: int) -> Pixels:
    height, width = (side // scale * scale for side in pixels.shape[:2])
    return pixels[:height, :width]


def _centre(pixels: Pixels, edge: int) -> NDArray[np.uint8]:
    top, left = ((side - edge) // 2 for side in pixels.shape[:2])
    return np.ascontiguousarray(pixels[top : top + edge, left : left + edge])
