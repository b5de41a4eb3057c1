"""Where the models of an installation lie, and how the settings name one of them."""

import hashlib
from importlib import metadata
from pathlib import Path

from superscaling.errors import SettingInvalid
from superscaling.models.files import DESCRIPTION
from superscaling.models.sources import find_weights
from superscaling.models.table import TABLE, Weights
from superscaling.settings import Settings, shipped

MODELS = shipped("models")
# The packages whose version decides what a conversion gives. Asked without importing them.
CONVERTERS = ("openvino", "ISR", "keras", "nncf")
# Our own part in it: to be raised when `conversion` makes something else of the same weights.
CONVERSION = 2


def shipped_models() -> list[str]:
    """Names of the models that this installation came with."""
    return sorted(path.parent.name for path in MODELS.glob(f"*/{DESCRIPTION}"))


def weights_of(settings: Settings) -> Weights:
    """The row of the table that the settings name.

    Raises:
        SettingInvalid: there is none.
    """
    if settings.model not in TABLE:
        raise SettingInvalid(f"UPSCALER_MODEL={settings.model!r}: unknown; known are {', '.join(TABLE)}")
    return TABLE[settings.model]


def directory_of(settings: Settings) -> Path:
    """Where the files of the settings' model lie once it is prepared."""
    return model_directory(weights_of(settings), MODELS, settings.cache_dir)


def weight_file_of(settings: Settings) -> Path:
    """Find the settings' weight file, or download it; verified.

    Raises:
        ModelUnavailable, WeightsRefused: see `find_weights`.
    """
    weights = weights_of(settings)
    directories = [MODELS / weights.name]  # what this installation came with
    if weights.url is not None:
        directories += [*filter(None, [settings.weights_dir]), settings.cache_dir]
    return find_weights(weights, directories, settings.weights_url)


def model_directory(weights: Weights, models: Path, cache: Path) -> Path:
    """Where the model of `weights` lies: in `models` if it was shipped there, else where a conversion puts it.

    A conversion's directory is named after what it was made of: the weights and the versions of what converted them.
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
