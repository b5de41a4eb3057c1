"""The default engine: the network as OpenVINO IR on the CPU. The only serving file that imports openvino."""

from collections.abc import Collection
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import openvino
from numpy.typing import NDArray

from superscaling.engines.cpus import multiplies_int8
from superscaling.engines.engine import EngineFacts
from superscaling.errors import SettingInvalid
from superscaling.models import Acceptance, ModelFiles

# Our names of precisions -> what OpenVINO calls the inference precision, and the capability it needs.
# (int8 stands in the IR; what is not quantised there runs in the best that is left.)
PRECISIONS = {"fp32": ("f32", "FP32"), "bf16": ("bf16", "BF16"), "int8": (None, "INT8")}

# What stays in fp32 where the precision is bf16, or int8 with bf16: where the picture itself passes. UPN2, UPN3 and SR
# make bf16 about 5 dB more exact and 5 % slower; (UPN1 too: 2 dB and 30 % more.) F_m1 and the sum behind the
# blocks make it another dB more exact, and no slower.
FIRST_IN_FP32 = 1
LAST_IN_FP32 = 3


def supported_precisions() -> list[str]:
    """What this processor computes, from the most exact to the fastest."""
    capabilities = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return [name for name, (_, capability) in PRECISIONS.items() if capability in capabilities]


def check_precision(wanted: str) -> None:
    """Make sure that this processor has the precision that the setting names, or that it is `auto`.

    Raises:
        SettingInvalid: it lacks it.
    """
    supported = supported_precisions()
    if wanted not in ("auto", *supported):
        raise SettingInvalid(
            f"UPSCALER_PRECISION={wanted!r}: this processor has {', '.join(supported)} only; use one of them, or auto"
        )


def choose_precision(wanted: str, acceptance: Acceptance) -> str:
    """Turn the setting into a precision.

    `auto` is int8 where it passed and the processor multiplies it natively: 1.4 to 1.7 times as fast as bf16
    (benchmarks/RESULTS.md). Else it is bf16, where the processor has that.

    Args:
        wanted: the setting.
        acceptance: what was measured of the model's int8.

    Raises:
        SettingInvalid: the processor lacks the precision, or the model is not to be used with it.
    """
    check_precision(wanted)
    supported = supported_precisions()
    if wanted == "auto":
        if acceptance.passed and "int8" in supported and multiplies_int8():
            return "int8"
        return "bf16" if "bf16" in supported else "fp32"
    if wanted == "int8" and not acceptance.passed:
        raise SettingInvalid(f"UPSCALER_PRECISION='int8': this model is not good enough in it, {acceptance}; use auto")
    return wanted


def _hint(precision: str) -> str:
    """OpenVINO's inference precision: what isn't quantised in int8's IR runs in bf16 where there is bf16."""
    if hint := PRECISIONS[precision][0]:
        return hint
    return "bf16" if "bf16" in supported_precisions() else "f32"


class EngineOpenVino:
    """Runs a model's IR on `threads` CPU threads.

    Args:
        model: the model's files; its IR must have been verified.
        precision: a key of `PRECISIONS` that the processor has.
        threads: CPU threads, at least 1.
    """

    def __init__(self, model: ModelFiles, precision: str, threads: int) -> None:
        self.facts = EngineFacts(
            model=model.name,
            engine="openvino",
            precision=precision,
            threads=threads,
            scale=model.architecture.scale,
            halo=model.halo,
        )
        options = {
            # Always stated: OpenVINO itself would choose bf16 wherever the processor has it.
            "INFERENCE_PRECISION_HINT": _hint(precision),
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            # Without this, kernels are kept for every picture size ever seen and memory grows without end.
            "CPU_RUNTIME_CACHE_CAPACITY": 0,
        }
        self._request = openvino.Core().compile_model(model.ir(precision), "CPU", options).create_infer_request()

    def infer(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Engine.infer`."""
        self._request.infer({0: batch}, share_inputs=True)
        # A copy: the next call writes into the same memory.
        return np.array(self._request.get_output_tensor(0).data)


def save_ir(graph: Path, path: Path) -> None:
    """Convert a network and save its IR, fp32 weights and all, at `path` (.xml) and beside it (.bin).

    Args:
        graph: the network as TensorFlow's frozen graph. (A file, because on Python 3.13 OpenVINO 2026.4 can't take
            the network as an object: its look at TensorFlow's version ends with a NameError.)
    """
    model = openvino.convert_model(graph)
    openvino.save_model(model, path, compress_to_fp16=False)
    names = convolutions(model)
    keep_in_fp32(path, {*names[:FIRST_IN_FP32], sums(model)[-1], *names[-LAST_IN_FP32:]})


def convolutions(model: Any) -> list[str]:
    """The names of the convolutions of an `openvino.Model`, in the network's order."""
    return [each.get_friendly_name() for each in model.get_ordered_ops() if each.get_type_name() == "Convolution"]


def sums(model: Any) -> list[str]:
    """The names of the additions (of two tensors; a bias counts as a part of its convolution), in the same order."""

    def is_sum(operation: Any) -> bool:
        sources = (each.get_source_output().get_node() for each in operation.inputs())
        return operation.get_type_name() == "Add" and all(each.get_type_name() != "Constant" for each in sources)

    return [each.get_friendly_name() for each in model.get_ordered_ops() if is_sum(each)]


def keep_in_fp32(path: Path, kept: Collection[str]) -> None:
    """Mark operations of an IR (.xml), by name, so that an engine in bf16, or int8 with bf16, computes them in fp32.

    bf16 has eight significant bits, so on the brightest half of the scale its step is a whole level. OpenVINO's
    attribute for it ("precise", in the format of its IR) can be set in the file only.
    """
    tree = ElementTree.parse(path)
    for layer in [each for each in tree.iter("layer") if each.get("name") in kept]:
        marks = layer.find("rt_info")  # NNCF leaves the mark of a network that had it, by another name
        if marks is None:
            marks = ElementTree.Element("rt_info")
            layer.insert(0 if layer.find("data") is None else 1, marks)
        ElementTree.SubElement(marks, "attribute", name="precise", version="0")
    tree.write(path, encoding="utf-8", xml_declaration=True)
