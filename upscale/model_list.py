"""Print the models that `--model` may name: of this installation, or of a service."""

from collections.abc import Sequence

import click

from message_protocol import ModelOutput
from superscaling.errors import StartError
from superscaling.models import TABLE
from superscaling.settings import read_settings
from upscale.console import shown
from upscale.errors import DONE, FAILED, WRONG_USAGE, Failed, FatalError, UsageError
from upscale.remote import Remote

HEADS = ("name", "factor", "kind", "speed", "licence")


def print_models(url: str | None) -> int:
    """Print a table on standard output; returns the exit status.

    Args:
        url: address of a service; None: the models of this installation, whose speed is not known.
    """
    try:
        rows = _own() if url is None else [_row(each) for each in Remote(url, 0, click.echo).models()]
    except UsageError as exc:
        click.echo(f"upscale: {shown(exc)}", err=True)
        return WRONG_USAGE
    except (StartError, Failed, FatalError) as exc:
        click.echo(f"upscale: {shown(exc)}", err=True)
        return FAILED
    for line in _table([HEADS, *rows]):
        click.echo(line)
    return DONE


def _own() -> list[tuple[str, ...]]:
    default = read_settings().model
    return [
        (_marked(name, name == default), f"x{row.architecture.scale}", row.kind, "", row.licence)
        for name, row in TABLE.items()
    ]


def _row(model: ModelOutput) -> tuple[str, ...]:
    seconds = model.seconds_per_megapixel
    return (
        _marked(shown(model.name), model.default),
        f"x{model.scale}",
        shown(model.kind),
        "" if seconds is None else f"{seconds:.2g} s per megapixel",
        shown(model.licence),
    )


def _marked(name: str, is_default: bool) -> str:
    return f"{name} (default)" if is_default else name


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Lines of aligned columns, without those that have only a head."""
    columns = [column for column in zip(*rows, strict=True) if any(column[1:])]
    padded = [[cell.ljust(max(map(len, column))) for cell in column] for column in columns]
    return ["  ".join(cells).rstrip() for cells in zip(*padded, strict=True)]
