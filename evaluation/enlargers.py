"""The enlargers to compare: Pillow's filters, and each model in every engine and precision."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from evaluation.errors import MeasurementError
from evaluation.isr_weights import architecture_of
from evaluation.metrics import Pixels
from evaluation.pictures import Enlarge, filter_enlarger
from superscaling.assembly import build_upscaler
from superscaling.commands.prepare import convert_in_child
from superscaling.engines import Engine, available_cpus, open_engine
from superscaling.engines.openvino import choose_precision, supported_precisions
from superscaling.errors import EngineFailed, ModelUnavailable
from superscaling.models import (
    DESCRIPTION,
    MODELS,
    TABLE,
    ModelFiles,
    Weights,
    directory_of,
    hash_file,
    read_model_files,
    weight_file_of,
)
from superscaling.scheduling import Deadline, FairLock, Timings
from superscaling.settings import Settings, read_settings

ENGINES = ("tensorflow", "openvino")
PLAIN = ".npz"  # weights of a plain network; others are of a residual dense one


@dataclass(frozen=True)
class Enlarger:
    """A row of the tables.

    `group` is the model or filter. The last row of a group is what the service would choose.
    """

    group: str
    name: str
    scale: int
    enlarge: Enlarge


def filters(scale: int) -> list[Enlarger]:
    """Pillow's bicubic and Lanczos filters."""
    return [
        Enlarger(name, name, scale, filter_enlarger(scale, resampling))
        for name, resampling in (("bicubic", Image.Resampling.BICUBIC), ("Lanczos", Image.Resampling.LANCZOS))
    ]


def shipped_models() -> list[str]:
    """Names of the models in the repository."""
    return [name for name in TABLE if (MODELS / name / DESCRIPTION).is_file()]


def of_model(name: str, engines: Sequence[str]) -> list[Enlarger]:
    """Open a model of the table in all precisions of those of these engines that run it: tensorflow runs RDNs only.

    Raises:
        MeasurementError: there is no such model, it is not converted yet, or no engine runs it.
        StartError: its files are damaged, or a setting is invalid.
    """
    if name not in TABLE:
        raise MeasurementError(f"there is no model {name}; known are {', '.join(TABLE)}")
    settings = replace(read_settings(), model=name)
    if not (directory_of(settings) / DESCRIPTION).is_file():
        raise MeasurementError(
            f"{name} is not converted yet; run UPSCALER_MODEL={name} python -m superscaling.commands.prepare"
        )
    return _ways(read_model_files(directory_of(settings)), lambda: weight_file_of(settings), engines, settings)


def of_weight_file(path: Path, scratch: Path, engines: Sequence[str]) -> list[Enlarger]:
    """Convert a weight file into the empty directory `scratch` and open it, as `of_model` does.

    Raises:
        MeasurementError: it can't be read or converted, or no engine runs it.
    """
    return _ways(convert(path, scratch / "model"), lambda: path, engines, read_settings())


def convert(path: Path, target: Path) -> ModelFiles:
    """Convert a weight file into the directory `target`, which must not exist.

    Raises:
        MeasurementError: it can't be read or converted.
    """
    if not path.is_file():
        raise MeasurementError(f"there is no weight file {path}")
    rdn = None if path.suffix == PLAIN else architecture_of(path)
    row = Weights(str(path), path.name, path.stat().st_size, hash_file(path), rdn=rdn)
    try:
        convert_in_child(row, path, target)
    except ModelUnavailable as exc:
        raise MeasurementError(str(exc)) from exc
    return read_model_files(target)


def _ways(
    model: ModelFiles, find_weight_file: Callable[[], Path], engines: Sequence[str], settings: Settings
) -> list[Enlarger]:
    threads = settings.threads or available_cpus()
    ways = []
    chosen = choose_precision("auto", model.acceptance)
    precisions = sorted(supported_precisions(), key=chosen.__eq__)  # what the service would choose comes last
    able = [each for each in ENGINES if each in engines and (each == "openvino" or model.architecture)]
    if not able:
        raise MeasurementError(f"{model.name} is no RDN, which is all that tensorflow runs")
    for engine in able:
        for precision in precisions if engine == "openvino" else ["fp32"]:
            opened = open_engine(engine, model, find_weight_file, precision, threads)
            try:
                ways.append(_enlarger(opened, model, settings))
            except EngineFailed as exc:
                if precision != "int8":  # int8 may fail its known answer, for example with a barely trained network
                    raise
                print(f"left out: {exc.detail}", file=sys.stderr)
    return ways


def _enlarger(engine: Engine, model: ModelFiles, settings: Settings) -> Enlarger:
    """Enlarge as the service does: in tiles, rounded, and only after the engine has reproduced its known answer."""
    upscaler = build_upscaler(engine, model, settings, FairLock())
    upscaler.check(Deadline(), Timings())

    def enlarge(low: Pixels) -> Pixels:
        return np.asarray(upscaler.enlarge(low, Deadline(), Timings()), np.uint8)

    return Enlarger(model.name, str(upscaler.facts), upscaler.facts.scale, enlarge)
