"""The model that the settings name, and the directories of models."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path

from superscaling.errors import ModelUnavailable
from superscaling.models.files import DESCRIPTION
from superscaling.models.sources import find_weights
from superscaling.models.table import TABLE, Weights
from superscaling.settings import Settings, invalid, shipped

MODELS = shipped("models")
# Packages whose versions determine the result of a conversion. They are not imported here.
CONVERTERS = ("openvino", "ISR", "keras", "nncf")
# The version of `conversion`, to be raised when it makes something else of the same weights.
CONVERSION = 3


def shipped_models() -> list[str]:
    """Names of the models of this installation."""
    return sorted(path.parent.name for path in MODELS.glob(f"*/{DESCRIPTION}"))


def settings_of_models(settings: Settings) -> Sequence[Settings]:
    """The settings of each model to load, the default first: each names one model in `model`, and none in `models`."""
    names = dict.fromkeys((settings.model, *settings.models))
    return [replace(settings, model=name, models=()) for name in names]


def weights_of(settings: Settings) -> Weights:
    """The row of the table that the settings name.

    Raises:
        SettingInvalid: there is none.
    """
    if settings.model not in TABLE:
        raise invalid("model", settings.model, f"unknown; known are {', '.join(TABLE)}")
    return TABLE[settings.model]


def directory_of(settings: Settings) -> Path:
    """The directory of the settings' model; it exists once the model is prepared.

    Raises:
        SettingInvalid: there is no such model.
        ModelUnavailable: the directory of models can't be read.
    """
    weights = weights_of(settings)
    try:
        return model_directory(weights, MODELS, settings.cache_dir)
    except OSError as exc:
        raise ModelUnavailable(f"{MODELS / weights.name} can't be read: {exc.strerror or exc}") from exc


def is_prepared(settings: Settings) -> bool:
    """Whether the directory of the settings' model exists.

    Raises:
        SettingInvalid: there is no such model.
        ModelUnavailable: the directory can't be read.
    """
    directory = directory_of(settings)
    try:
        return directory.is_dir()
    except OSError as exc:  # such as a disk that fails
        raise ModelUnavailable(f"{directory} can't be read: {exc.strerror or exc}") from exc


def weight_file_of(settings: Settings) -> Path:
    """Find the settings' weight file, or download it; verified.

    Raises:
        ModelUnavailable: it is nowhere and can't be downloaded, or can't be read.
        WeightsRefused: it is another file.
    """
    weights = weights_of(settings)
    directories = [MODELS / weights.name]  # of this installation
    if weights.url is not None:
        directories += [*filter(None, [settings.weights_dir]), settings.cache_dir]
    return find_weights(weights, directories, settings.weights_url)


def model_directory(weights: Weights, models: Path, cache: Path) -> Path:
    """The directory of a model: in `models` if it is there, otherwise the directory of its conversion in `cache`.

    The latter is named after the hash of the weights and the versions of the converters.
    """
    if weights.url is None or (models / weights.name / DESCRIPTION).is_file():
        return models / weights.name
    made_of = [
        weights.sha256,
        f"conversion {CONVERSION}",
        *(f"{package} {_version(package)}" for package in CONVERTERS),
    ]
    return cache / f"{weights.name}-{hashlib.sha256(' '.join(made_of).encode()).hexdigest()[:16]}"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "none"
