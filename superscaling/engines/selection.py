"""Open a model with an engine: the one place that knows both engines.

They are imported where they are needed: each loads a framework, and the serving process must not hold TensorFlow unless
it was asked to.
"""

from collections.abc import Callable
from pathlib import Path

from superscaling.engines.engine import Engine
from superscaling.errors import SettingInvalid
from superscaling.models import ModelFiles


def require_precision(engine: str, wanted: str) -> None:
    """Make sure that an engine and the processor have the precision `wanted`, before there is a model.

    Raises:
        SettingInvalid: one of them lacks it.
    """
    if engine == "openvino":
        from superscaling.engines.openvino import check_precision

        check_precision(wanted)
    elif wanted not in ("auto", "fp32"):
        raise SettingInvalid(f"UPSCALER_PRECISION={wanted!r}: the tensorflow engine has fp32 only")


def precision_of(engine: str, wanted: str, model: ModelFiles) -> str:
    """The precision that an engine runs a model in when the setting says `wanted`.

    Raises:
        SettingInvalid: the engine or the processor lacks it, or the model is not good enough in it.
    """
    if engine == "openvino":
        from superscaling.engines.openvino import choose_precision

        return choose_precision(wanted, model.acceptance)
    require_precision(engine, wanted)
    return "fp32"


def open_engine(
    engine: str, model: ModelFiles, find_weight_file: Callable[[], Path], precision: str, threads: int
) -> Engine:
    """Load a model.

    Args:
        engine: `openvino` or `tensorflow`.
        model: the model's files, verified.
        find_weight_file: where its weight file is, verified; asked for `tensorflow` only.
        precision: from `precision_of`.
        threads: CPU threads, at least 1.
    """
    if engine == "openvino":
        from superscaling.engines.openvino import EngineOpenVino

        return EngineOpenVino(model, precision, threads)
    from superscaling.engines.tensorflow import EngineTensorFlow

    return EngineTensorFlow.open(model, find_weight_file(), threads)
