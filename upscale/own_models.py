"""The models that this installation can use."""

from dataclasses import replace

from superscaling.commands.prepare import find_missing_packages
from superscaling.models import (
    Weights,
    directory_of,
    is_prepared,
    known_models,
    read_model_files,
    weight_directories,
    weights_of,
)
from superscaling.settings import Settings, read_settings
from upscale.console import shown
from upscale.model_row import marked, offered


def own_rows() -> list[tuple[str, ...]]:
    """Name, factor, kind, strength, speed (unknown), state and licence of each; the default first.

    Raises:
        SettingInvalid, StartError: the settings name a model that is not there.
    """
    settings = read_settings()
    return [
        _own_row(replace(settings, model=name), name == settings.model)
        for name in dict.fromkeys((settings.model, *known_models(settings)))
    ]


def _own_row(settings: Settings, is_default: bool) -> tuple[str, ...]:
    name = marked(shown(settings.model), is_default)
    if not is_prepared(settings):
        weights = weights_of(settings)
        factor = "" if weights.stated_scale is None else f"x{weights.stated_scale}"
        strength, state = offered(weights.milder is not None), _state(settings, weights)
        return name, factor, weights.kind, strength, "", state, weights.licence
    model = read_model_files(directory_of(settings))
    return name, f"x{model.scale}", model.kind, offered(model.milder is not None), "", "ready", shown(model.licence)


def _state(settings: Settings, weights: Weights) -> str:
    """What a model that is not prepared takes to be used."""
    is_here = any((directory / weights.file).is_file() for directory in weight_directories(settings))
    if weights.is_own:
        return "not installed"
    if weights.package is not None and not is_here:
        return "needs make weights"
    if find_missing_packages(settings) is not None:
        return "needs requirements.txt"
    return "converted at first use" if is_here else "downloaded at first use"
