"""Opens a model with one of the two engines.

Engines are imported late: each loads a framework, and the service must not load TensorFlow unless it is configured.
"""

from collections.abc import Callable
from pathlib import Path

from superscaling.engines.engine import CPU, Engine
from superscaling.models import ModelFiles
from superscaling.settings import invalid


def device_of(engine: str, wanted: str) -> str:
    """The device that runs networks if the setting is `wanted`.

    Raises:
        SettingInvalid: it is not there, or the engine does not use it.
    """
    if engine == "openvino":
        if wanted == CPU:
            return CPU
        from superscaling.engines.openvino import find_device

        return find_device(wanted)
    if wanted not in (CPU, "AUTO"):
        raise invalid("device", wanted, "the tensorflow engine uses the CPU only")
    return CPU


def require_precision(engine: str, wanted: str, device: str) -> None:
    """Make sure that the engine and the device have the precision `wanted`, whatever the model.

    Raises:
        SettingInvalid: one of them lacks it.
    """
    if engine == "openvino":
        from superscaling.engines.openvino import check_precision

        check_precision(wanted, device)
    elif wanted not in ("auto", "fp32"):
        raise invalid("precision", wanted, "the tensorflow engine has fp32 only")


def precision_of(engine: str, wanted: str, model: ModelFiles, device: str = CPU) -> str:
    """The precision in which an engine runs a model if the setting is `wanted`.

    Args:
        engine: `openvino` or `tensorflow`.
        wanted: the setting.
        model: the model's files.
        device: from `device_of`.

    Raises:
        SettingInvalid: the engine or the device lacks it, or the model was not accepted in it.
    """
    if engine == "openvino":
        from superscaling.engines.openvino import choose_precision

        return choose_precision(wanted, model.acceptance, "bf16" in model.tolerances, model.name, device)
    require_precision(engine, wanted, device)
    return "fp32"


def open_engine(
    engine: str,
    model: ModelFiles,
    find_weight_file: Callable[[], Path],
    precision: str,
    threads: int,
    device: str = CPU,
) -> Engine:
    """Load a model.

    Args:
        engine: `openvino` or `tensorflow`.
        model: the model's files, verified.
        find_weight_file: finds its weight file and verifies it; called for `tensorflow` only.
        precision: from `precision_of`.
        threads: CPU threads, at least 1.
        device: from `device_of`.

    Raises:
        StartError: the device can't run the network.
    """
    if engine == "openvino":
        from superscaling.engines.openvino import EngineOpenVino

        return EngineOpenVino(model, precision, threads, device)
    from superscaling.engines.tensorflow import EngineTensorFlow

    return EngineTensorFlow.open(model, find_weight_file(), threads)
