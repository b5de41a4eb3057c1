"""The default engine: OpenVINO IR on the CPU. The only module of the service that imports openvino."""

from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray

from superscaling.engines.cpus import multiplies_int8
from superscaling.engines.engine import EngineFacts
from superscaling.engines.padding import padded
from superscaling.models import Acceptance, ModelFiles
from superscaling.settings import invalid

# Precision -> OpenVINO's inference precision, and the capability it needs.
# (int8 is in the IR; operations that are not quantised there run in the fastest other precision.)
PRECISIONS = {"fp32": ("f32", "FP32"), "bf16": ("bf16", "BF16"), "int8": (None, "INT8")}

# The way out for a precision that is set and that one model lacks.
AUTO = "use auto, the fastest that each model has"


def supported_precisions() -> list[str]:
    """The precisions that this processor has, from the most exact to the fastest."""
    capabilities = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return [name for name, (_, capability) in PRECISIONS.items() if capability in capabilities]


def check_precision(wanted: str) -> None:
    """Make sure that this processor has the precision `wanted`, or that it is `auto`.

    Raises:
        SettingInvalid: it lacks it.
    """
    supported = supported_precisions()
    if wanted not in ("auto", *supported):
        raise invalid("precision", wanted, f"this processor has {', '.join(supported)} only; use one of them, or auto")


def choose_precision(
    wanted: str, acceptance: Acceptance | None, good_in_bf16: bool = True, name: str = "this model"
) -> str:
    """Turn the setting into a precision.

    `auto` is int8 if the model was accepted in it and the processor multiplies int8 natively: 1.4 to 1.9 times as fast
    as bf16 (benchmarks/RESULTS.md). Otherwise it is bf16, or fp32 on processors without bf16.

    Args:
        wanted: the setting.
        acceptance: of the model in int8, None if it has none.
        good_in_bf16: whether the model may run in bf16.
        name: of the model, for the error.

    Raises:
        SettingInvalid: the processor lacks the precision, or the model was not accepted in it.
    """
    check_precision(wanted)
    supported = supported_precisions()
    if wanted == "auto":
        if acceptance and acceptance.passed and "int8" in supported and multiplies_int8():
            return "int8"
        return "bf16" if good_in_bf16 and "bf16" in supported else "fp32"
    if wanted == "bf16" and not good_in_bf16:
        raise invalid("precision", wanted, f"{name} loses too much in it; {AUTO}")
    if wanted == "int8" and not (acceptance and acceptance.passed):
        reason = f"was not accepted in this precision, {acceptance}" if acceptance else "has no int8 form"
        raise invalid("precision", wanted, f"{name} {reason}; {AUTO}")
    return wanted


def _hint(precision: str) -> str:
    """OpenVINO's inference precision; for int8, that of the operations that are not quantised."""
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
        self.facts = EngineFacts.of(model, "openvino", precision, threads)
        self._request = compile_network(model.ir(precision), _hint(precision), threads)

    def infer(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Enlarge one picture, as `Engine` specifies."""
        shown = padded(batch, self.facts.multiple, self.facts.least)
        self._request.infer({0: shown}, share_inputs=True)
        height, width = (side * self.facts.scale for side in batch.shape[1:3])
        result = self._request.get_output_tensor(0).data
        # A copy: the next call overwrites the tensor. What padding was enlarged to is cut off; a result that is too
        # small stays as it is, and the caller refuses it.
        return np.array(result if shown is batch else result[:, :height, :width])


def compile_network(network: Any, precision: str, threads: int) -> Any:
    """Compile a network for the CPU; returns an inference request.

    Args:
        network: an `openvino.Model`, or the path of an IR.
        precision: OpenVINO's inference precision.
        threads: CPU threads, at least 1.
    """
    options = {
        # Always explicit: by default OpenVINO chooses bf16 if the processor has it.
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        # Otherwise kernels are cached for every picture size, and memory grows without limit.
        "CPU_RUNTIME_CACHE_CAPACITY": 0,
    }
    return openvino.Core().compile_model(network, "CPU", options).create_infer_request()
