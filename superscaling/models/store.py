"""The model that the settings name, and the directories of models."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path

from superscaling.errors import ModelUnavailable, SettingInvalid
from superscaling.models.files import DESCRIPTION, ModelFiles, read_milder, read_model_files
from superscaling.models.operator_files import imported_directory, imported_models, is_path, name_in, weights_in
from superscaling.models.sources import find_weights, package_directory
from superscaling.models.table import TABLE
from superscaling.models.weights import FileFormat, Weights
from superscaling.settings import Settings, blaming, did_you_mean, invalid, shipped

MODELS = shipped("models")
# Packages whose versions determine the result of a conversion. They are not imported here.
CONVERTERS = {
    FileFormat.KERAS: ("openvino", "ISR", "keras", "nncf"),
    FileFormat.NCNN: ("openvino", "nncf"),
    FileFormat.ONNX: ("openvino", "nncf"),
    FileFormat.PLAIN: ("openvino", "nncf"),
    FileFormat.TORCH: ("openvino", "spandrel", "torch", "nncf"),
}
# The version of `conversion`, to be raised when it makes something else of the same weights.
CONVERSION = 6


def shipped_models() -> list[str]:
    """Names of the models of this installation."""
    return sorted(path.parent.name for path in MODELS.glob(f"*/{DESCRIPTION}"))


def settings_of_models(settings: Settings) -> Sequence[Settings]:
    """The settings of each model to load, the default first: each names one model in `model`, and none in `models`.

    Raises:
        SettingInvalid: two of them have the same name, or one is no model.
    """
    chosen = [replace(settings, model=model, models=()) for model in dict.fromkeys((settings.model, *settings.models))]
    names = dict[str, str]()
    for each in chosen:
        try:
            with blaming(field_of(settings, each)):
                name = name_of(each)
        except SettingInvalid as exc:
            if exc.field != "models" or len(settings.models) == 1:
                raise
            raise invalid("models", each.model, f"{exc.reason} (commas separate models: no path can have one)") from exc
        if (before := names.setdefault(name, each.model)) != each.model:
            reason = f"requests could not tell it from {before}, which has the same name: rename one of the files"
            raise invalid("models", each.model, reason)
    return chosen


def field_of(settings: Settings, each: Settings) -> str:
    """The field of `settings` that names the model of `each`, which is one of its `settings_of_models`."""
    return "model" if each.model == settings.model else "models"


def name_of(settings: Settings) -> str:
    """What requests call the settings' model.

    Raises:
        SettingInvalid: it is a path, and there is no such file.
    """
    return name_in(settings.model) if is_path(settings.model) else settings.model


def known_models(settings: Settings) -> Sequence[str]:
    """Names of all models: of the table, of this installation, and imported ones.

    Raises:
        ModelUnavailable: a directory of models can't be read.
    """
    return list(dict.fromkeys((*TABLE, *shipped_models(), *imported_models(settings.cache_dir))))


def is_ready_made(settings: Settings) -> bool:
    """Whether the settings name a model that needs no weights any more: one that was imported, or baked in from a file.

    Names of the table come first.

    Raises:
        ModelUnavailable: a directory of models can't be read.
    """
    return _ready_made(settings) is not None


def weights_of(settings: Settings) -> Weights:
    """The row of the table that the settings name, or one for the file that they name.

    Raises:
        SettingInvalid: there is none. A model that `is_ready_made` has none.
    """
    if is_path(settings.model):
        return weights_in(settings.model)
    if settings.model not in TABLE:
        known = known_models(settings)
        raise invalid(
            "model",
            settings.model,
            f"unknown; known are {', '.join(known)}, and files by their path; imported ones are looked for in"
            f" {imported_directory(settings.cache_dir)}{did_you_mean(settings.model, known)}",
        )
    return TABLE[settings.model]


def directory_of(settings: Settings) -> Path:
    """The directory of the settings' model; it exists once the model is prepared.

    Raises:
        SettingInvalid: there is no such model.
        ModelUnavailable: the directory of models can't be read.
    """
    if (ready_made := _ready_made(settings)) is not None:
        return ready_made
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


def model_of(settings: Settings) -> ModelFiles:
    """The settings' model, which is prepared, under their name for it: directories of models may be renamed.

    Raises:
        SettingInvalid: there is no such model.
        ModelUnavailable: a file is missing or can't be read.
        WeightsRefused: a file has another hash.
    """
    return replace(read_model_files(directory_of(settings)), name=name_of(settings))


def with_milder(settings: Settings) -> Sequence[Settings]:
    """The settings of their model, and of the milder sibling that its strength needs, if it has one.

    The sibling's own sibling does not count.

    Raises:
        SettingInvalid: there is no such model.
        ModelUnavailable: its directory can't be read.
    """
    milder = read_milder(directory_of(settings)) if is_prepared(settings) else weights_of(settings).milder
    return [settings] if milder is None else [settings, replace(settings, model=milder)]


def weight_file_of(settings: Settings) -> Path:
    """Find the settings' weight file, or download it; verified.

    Raises:
        SettingInvalid: there is no such model, or it is ready-made.
        ModelUnavailable: it is nowhere and can't be downloaded, or can't be read.
        WeightsRefused: it is another file.
    """
    return find_weights(weights_of(settings), weight_directories(settings), settings.weights_url)


def weight_directories(settings: Settings) -> Sequence[Path]:
    """Where the settings' weight file is looked for; a download goes into the last.

    Raises:
        SettingInvalid: there is no such model, or it is ready-made.
    """
    weights = weights_of(settings)
    if weights.directory is not None:
        return [weights.directory]
    directories = [MODELS / weights.name]  # of this installation
    if not weights.is_own:
        directories += filter(None, [settings.weights_dir])
    if weights.package is not None:
        directories += filter(None, [package_directory(weights.package)])
    if weights.url is not None:
        directories.append(settings.cache_dir)
    return directories


def model_directory(weights: Weights, models: Path, cache: Path) -> Path:
    """The directory of a model: in `models` if it is there, otherwise the directory of its conversion in `cache`.

    The latter is named after the hashes of the weights and the versions of the converters.
    """
    if weights.is_own or (weights.directory is None and (models / weights.name / DESCRIPTION).is_file()):
        return models / weights.name
    made_of = [
        *weights.hashes.values(),
        f"conversion {CONVERSION}",
        *(f"{package} {_version(package)}" for package in CONVERTERS[weights.file_format]),
    ]
    return cache / f"{weights.name}-{hashlib.sha256(' '.join(made_of).encode()).hexdigest()[:16]}"


def _ready_made(settings: Settings) -> Path | None:
    """The directory of a model that needs no weights any more; None: of any other."""
    name = settings.model
    if is_path(name) or name in TABLE:
        return None
    if name in shipped_models():
        return MODELS / name
    return imported_directory(settings.cache_dir, name) if name in imported_models(settings.cache_dir) else None


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "none"
