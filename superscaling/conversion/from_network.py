"""Turns any enlarging network into a model: what it needs is found by trying."""

import importlib.util
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from superscaling.conversion.halo import Enlarge, measure_halo
from superscaling.conversion.ir import Ends, ends_of, save_ir
from superscaling.conversion.last_line import last_line
from superscaling.conversion.network_size import parameters, work_per_pixel
from superscaling.conversion.similarity import psnr
from superscaling.conversion.trial import Trial
from superscaling.conversion.writing import TOLERANCES, write_description, write_int8, write_known_answer
from superscaling.engines import Pixels, available_cpus, infer_levels
from superscaling.engines.openvino import EngineOpenVino, supported_precisions
from superscaling.errors import ModelUnavailable
from superscaling.models import INT8_IR, INT8_IR_WEIGHTS, IR, Acceptance, Kind, ModelFiles

# The least PSNR in dB between bf16 and fp32 with which a model is offered in bf16. Those of the project have 48.
BF16_PSNR = 40.0
# Edge in px of the part of a photograph on which that is measured.
BF16_EDGE = 96
# The most parameters with which int8 is tried. Real-ESRGAN x4plus has 16.7 million: NNCF takes 4 GB and more than five
# minutes for it.
MAX_INT8_PARAMETERS = 8_000_000
# Largest difference in levels between two runs on the same picture: threads sum in any order.
REPEAT_LIMIT = 0.02

log = logging.getLogger("conversion")


@dataclass(frozen=True)
class About:
    """What a network can't tell: its name, its kind, its licence, the hash of its file, and its milder sibling."""

    name: str
    kind: Kind
    licence: str
    weights_sha256: str
    milder: str | None = None


def write_model(
    network: Any,
    about: About,
    target: Path,
    photographs: Sequence[Pixels],
    drawings: Sequence[Pixels],
    ends: Ends | None = None,
) -> ModelFiles:
    """Measure a network and write its model's directory.

    The known answer is the network's own in fp32. int8 is written if NNCF is installed and the network has at most
    `MAX_INT8_PARAMETERS`; whether it is used, its acceptance decides.

    Args:
        network: an `openvino.Model` with one input (1, h, w, 3) float32, RGB in [0, 1], h and w dynamic, and one output
            (1, scale h, scale w, 3).
        about: what is known of it.
        target: the directory to fill; `model.json` is written last, so an aborted run leaves no model.
        photographs: (h, w, 3) uint8, h and w at least twice the edge of a calibration square.
        drawings: likewise, for int8 only.
        ends: the convolutions that stay more exact than the rest; None: as in an RDN.

    Raises:
        ModelUnavailable: it is not a network that enlarges by a whole factor, or OpenVINO fails on it.
    """
    target.mkdir(parents=True, exist_ok=True)
    try:
        return _write(network, about, target, photographs, drawings, ends or ends_of(network))
    except (RuntimeError, MemoryError) as exc:
        raise ModelUnavailable(f"OpenVINO can't run this network: {last_line(exc)}") from exc


def _write(
    network: Any,
    about: About,
    target: Path,
    photographs: Sequence[Pixels],
    drawings: Sequence[Pixels],
    ends: Ends,
) -> ModelFiles:
    trial = Trial(network)
    sizes = trial.find_sizes(photographs)
    enlarge = partial(trial.enlarge, multiple=sizes.multiple, least=sizes.least)
    _check_repeatable(enlarge(photographs[0][:64, :64]), enlarge(photographs[0][:64, :64]))
    halo = measure_halo(enlarge, sizes.scale, photographs, about.kind, sizes.multiple)
    model = ModelFiles(
        name=about.name,
        directory=target,
        scale=sizes.scale,
        halo=halo.px,
        kind=about.kind,
        licence=about.licence,
        weights_sha256=about.weights_sha256,
        tolerances={},
        sha256={},
        multiple=sizes.multiple,
        least=sizes.least,
        seam=halo.seam,
        work=work_per_pixel(network, sizes.multiple),
        milder=about.milder,
    )
    good_in_bf16 = _save(network, ends, target / IR, model, enlarge, photographs[0])
    write_known_answer(model, EngineOpenVino(model, "fp32", available_cpus()), photographs[0])
    is_small = parameters(network) <= MAX_INT8_PARAMETERS
    acceptance = _try_int8(model, [*photographs, *drawings], ends) if is_small else None
    refused = {name for name, there in (("bf16", good_in_bf16), ("int8", acceptance)) if not there}
    tolerances = {precision: limit for precision, limit in TOLERANCES.items() if precision not in refused}
    return write_description(replace(model, tolerances=tolerances, acceptance=acceptance))


def _check_repeatable(one: Any, other: Any) -> None:
    if (difference := float(np.abs(one - other).max())) > REPEAT_LIMIT:
        raise ModelUnavailable(
            f"the network gives different results for the same picture, by {difference:.2g} levels: it adds noise, and"
            " tiles would not fit together"
        )


def _try_int8(model: ModelFiles, pictures: Sequence[Pixels], ends: Ends) -> Acceptance | None:
    """Write the int8 form and measure it; None if there is none."""
    if importlib.util.find_spec("nncf") is None:
        return None
    try:
        return write_int8(model, pictures, ends)
    except Exception as exc:  # whatever NNCF can't do with a network: fp32 serves as well
        log.info("%s has no int8 form: %s", model.name, str(exc).strip().partition("\n")[0])
        for file in (INT8_IR, INT8_IR_WEIGHTS):
            (model.directory / file).unlink(missing_ok=True)
        return None


def _save(network: Any, ends: Ends, ir: Path, model: ModelFiles, enlarge: Enlarge, photograph: Pixels) -> bool:
    """Write the IR; returns whether the model may run in bf16, which it may not if nobody has tried.

    The ends stay in fp32 if OpenVINO can run that (2026.4 can't for some transformers). On a processor
    without bf16 nothing can be tried: then no layer is marked.
    """
    if "bf16" not in supported_precisions():
        save_ir(network, ir, None)
        return False
    part = np.ascontiguousarray(photograph[:BF16_EDGE, :BF16_EDGE])
    for kept in (ends, None):
        save_ir(network, ir, kept)
        try:
            bf16 = infer_levels(EngineOpenVino(model, "bf16", available_cpus()), part)
        except RuntimeError as exc:
            log.info("%s does not run in bf16: %s", model.name, last_line(exc))
        else:
            return psnr(bf16, enlarge(part)) >= BF16_PSNR
    return False
