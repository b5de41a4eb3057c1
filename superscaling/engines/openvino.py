"""The default engine: OpenVINO IR, on any of its devices. The only module of the service that imports openvino."""

from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray

from superscaling.engines.cpus import multiplies_int8
from superscaling.engines.engine import CPU, EngineFacts
from superscaling.engines.padding import padded
from superscaling.errors import StartError
from superscaling.models import Acceptance, ModelFiles
from superscaling.settings import invalid

# Precision -> OpenVINO's inference precision, and the capability it needs.
# (int8 is in the IR; operations that are not quantised there run in the fastest other precision.)
PRECISIONS = {"fp32": ("f32", "FP32"), "fp16": ("f16", "FP16"), "bf16": ("bf16", "BF16"), "int8": ("", "INT8")}

# The way out for a precision that is set and that one model lacks.
AUTO = "use auto, the fastest that each model has"


def find_device(wanted: str) -> str:
    """The device that the setting names; of `AUTO` a GPU, best one with memory of its own, or else the CPU.

    It is chosen once: OpenVINO's own AUTO would begin on the CPU and go on elsewhere, in the middle of a picture.

    Raises:
        SettingInvalid: it is not there.
    """
    core = openvino.Core()
    there: list[str] = core.available_devices
    gpus = [name for name in there if name.partition(".")[0] == "GPU"]
    if wanted == "AUTO":
        return min(gpus, key=lambda name: "DISCRETE" not in str(core.get_property(name, "DEVICE_TYPE")), default=CPU)
    if wanted.removesuffix(".0") not in {name.removesuffix(".0") for name in there}:
        raise invalid(
            "device",
            wanted,
            f"OpenVINO finds {', '.join(there)} only; another one needs its driver, and in a container its device files"
            " (/dev/dri, /dev/accel)",
        )
    return wanted


def supported_precisions(device: str = CPU) -> list[str]:
    """The precisions that a device has, from the most exact to the fastest."""
    capabilities = openvino.Core().get_property(device, "OPTIMIZATION_CAPABILITIES")
    return [name for name, (_, capability) in PRECISIONS.items() if capability in capabilities]


def check_precision(wanted: str, device: str = CPU) -> None:
    """Make sure that a device has the precision `wanted`, or that it is `auto`.

    Raises:
        SettingInvalid: it lacks it.
    """
    supported = supported_precisions(device)
    if wanted not in ("auto", *supported):
        who = "this processor" if device == CPU else f"the {device}"
        raise invalid("precision", wanted, f"{who} has {', '.join(supported)} only; use one of them, or auto")


def choose_precision(
    wanted: str,
    acceptance: Acceptance | None,
    good_in_bf16: bool = True,
    name: str = "this model",
    device: str = CPU,
) -> str:
    """Turn the setting into a precision.

    `auto` is int8 if the model was accepted in it and the processor multiplies int8 natively: 1.4 to 1.9 times as fast
    as bf16 (benchmarks/RESULTS.md). Otherwise it is bf16, or fp32 on processors without bf16. On other devices, where
    nothing of that was measured, it is fp16 if they have it, which is more exact than bf16, or fp32.

    Args:
        wanted: the setting.
        acceptance: of the model in int8, None if it has none.
        good_in_bf16: whether the model may run in bf16, and in fp16.
        name: of the model, for the error.
        device: from `find_device`.

    Raises:
        SettingInvalid: the device lacks the precision, or the model was not accepted in it.
    """
    check_precision(wanted, device)
    if wanted == "auto":
        return _fastest(bool(acceptance and acceptance.passed), good_in_bf16, device)
    if wanted in ("fp16", "bf16") and not good_in_bf16:
        raise invalid("precision", wanted, f"{name} loses too much in it; {AUTO}")
    if wanted == "int8" and not (acceptance and acceptance.passed):
        reason = f"was not accepted in this precision, {acceptance}" if acceptance else "has no int8 form"
        raise invalid("precision", wanted, f"{name} {reason}; {AUTO}")
    return wanted


def _fastest(good_in_int8: bool, good_in_bf16: bool, device: str) -> str:
    supported = supported_precisions(device)
    if device == CPU and good_in_int8 and "int8" in supported and multiplies_int8():
        return "int8"
    half = "bf16" if device == CPU else "fp16"
    return half if good_in_bf16 and half in supported else "fp32"


def _hint(precision: str, device: str) -> str:
    """OpenVINO's inference precision; for int8, that of the operations that are not quantised."""
    hint, _ = PRECISIONS[_fastest(False, True, device) if precision == "int8" else precision]
    return hint


class EngineOpenVino:
    """Runs a model's IR.

    Args:
        model: the model's files; its IR must have been verified.
        precision: a key of `PRECISIONS` that the device has.
        threads: CPU threads, at least 1; other devices take none.
        device: from `find_device`.

    Raises:
        StartError: the device can't run the network.
    """

    def __init__(self, model: ModelFiles, precision: str, threads: int, device: str = CPU) -> None:
        self.facts = EngineFacts.of(model, "openvino", precision, threads, device)
        self._request = compile_network(model.ir(precision), _hint(precision, device), threads, device)

    def infer(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Enlarge one picture, as `Engine` specifies."""
        shown = padded(batch, self.facts.multiple, self.facts.least)
        self._request.infer({0: shown}, share_inputs=True)
        height, width = (side * self.facts.scale for side in batch.shape[1:3])
        result = self._request.get_output_tensor(0).data
        # A copy: the next call overwrites the tensor. What padding was enlarged to is cut off; a result that is too
        # small stays as it is, and the caller refuses it.
        return np.array(result if shown is batch else result[:, :height, :width])


def compile_network(network: Any, precision: str, threads: int, device: str = CPU) -> Any:
    """Compile a network; returns an inference request.

    Args:
        network: an `openvino.Model`, or the path of an IR.
        precision: OpenVINO's inference precision.
        threads: CPU threads, at least 1; other devices take none.
        device: from `find_device`.

    Raises:
        StartError: the device, which is not the CPU, can't run it.
    """
    # Always explicit: by default OpenVINO chooses bf16 if the processor has it.
    options: dict[str, Any] = {"INFERENCE_PRECISION_HINT": precision, "NUM_STREAMS": 1}
    if device != CPU:
        try:
            return openvino.Core().compile_model(network, device, options).create_infer_request()
        except RuntimeError as exc:
            raise StartError(f"the {device} can't run this network: use another device, or CPU ({exc})") from exc
    # Otherwise kernels are cached for every picture size, and memory grows without limit.
    options |= {"INFERENCE_NUM_THREADS": threads, "CPU_RUNTIME_CACHE_CAPACITY": 0}
    return openvino.Core().compile_model(network, CPU, options).create_infer_request()
