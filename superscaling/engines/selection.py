"""Opens a model with one of the two engines.

Engines are imported late: each loads a framework, and the service must not load TensorFlow unless it is configured.
"""

from collections.abc import Callable
from pathlib import Path

from superscaling.engines.engine import Engine
from superscaling.models import ModelFiles
from superscaling.settings import invalid


def require_precision(engine: str, wanted: str) -> None:
    """Make sure that the engine and the processor have the precision `wanted`, whatever the model.

    Raises:
        SettingInvalid: one of them lacks it.
    """
    if engine == "openvino":
        from superscaling.engines.openvino import check_precision

        check_precision(wanted)
    elif wanted not in ("auto", "fp32"):
        raise invalid("precision", wanted, "the tensorflow engine has fp32 only")


def precision_of(engine: str, wanted: str, model: ModelFiles) -> str:
    """The precision in which an engine runs a model if the setting is `wanted`.

    Raises:
        SettingInvalid: the engine or the processor lacks it, or the model was not accepted in it.
    """
    if engine == "openvino":
        from superscaling.engines.openvino import choose_precision

        return choose_precision(wanted, model.acceptance, "bf16" in model.tolerances, model.name)
    require_precision(engine, wanted)
    return "fp32"


def open_engine(
    engine: str, model: ModelFiles, find_weight_file: Callable[[], Path], precision: str, threads: int
) -> Engine:
    """Load a model.

    Args:
        engine: `openvino` or `tensorflow`.
        model: the model's files, verified.
        find_weight_file: finds its weight file and verifies it; called for `tensorflow` only.
        precision: from `precision_of`.
        threads: CPU threads, at least 1.
    """
    if engine == "openvino":
        from superscaling.engines.openvino import EngineOpenVino

        return EngineOpenVino(model, precision, threads)
    from superscaling.engines.tensorflow import EngineTensorFlow

    return EngineTensorFlow.open(model, find_weight_file(), threads)
