"""Print the models that `--model` may name: of this installation, or of a service."""

import contextlib
from collections.abc import Sequence

import click

from image_super_scaling import Model
from superscaling.errors import SettingInvalid, StartError
from upscale.console import shown
from upscale.errors import DONE, FAILED, WRONG_USAGE, Failed, FatalError, UsageError
from upscale.interrupts import ended_at_once
from upscale.model_row import marked, offered
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
            with ended_at_once():
                from upscale.own_models import own_rows

            rows = own_rows()
        else:
            with contextlib.closing(Remote(url, 0, click.echo, key)) as service:
                rows = [_row(each) for each in service.models()]
    except (UsageError, SettingInvalid) as exc:
        click.echo(f"upscale: {shown(exc)}", err=True)
        return WRONG_USAGE
    except (StartError, Failed, FatalError) as exc:
        click.echo(f"upscale: {shown(exc)}", err=True)
        return FAILED
    for line in _table([HEADS, *rows]):
        click.echo(line)
    return DONE


def _row(model: Model) -> tuple[str, ...]:
    seconds = model.seconds_per_megapixel
    return (
        marked(shown(model.name), model.default),
        f"x{model.scale}",
        shown(model.kind),
        offered(model.strength),
        "" if seconds is None else f"{seconds:.1f} s per megapixel",
        "",
        shown(model.licence),
    )


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Lines of aligned columns, without those that have only a head."""
    columns = [column for column in zip(*rows, strict=True) if any(column[1:])]
    padded = [[cell.ljust(max(map(len, column))) for cell in column] for column in columns]
    return ["  ".join(cells).rstrip() for cells in zip(*padded, strict=True)]
