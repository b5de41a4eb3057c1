"""`upscale mcp`: its options."""

import importlib.util
from pathlib import Path

import click

from superscaling.settings import CLIENT_KEY
from upscale.errors import UsageError
from upscale.interrupts import ended_at_once

NAME = "mcp"


@click.command(name=f"upscale {NAME}", context_settings={"max_content_width": 100})
@click.option("--url", metavar="URL", required=True, help="The address of the service, such as http://localhost:7777.")
@click.option(
    "--root",
    metavar="FOLDER",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    show_default="the current one",
    help="Read and write files in this folder and below it only.",
)
@click.option(
    "--key-file", metavar="FILE", show_default=CLIENT_KEY, help="Send the API key in this file to the service."
)
def command(url: str, root: Path, key_file: str | None) -> int:
    """Offer the service to language models, by the Model Context Protocol over standard input and output."""
    if importlib.util.find_spec("mcp") is None:
        raise click.UsageError("this needs the MCP SDK: pip install 'image-super-scaling[mcp]'.")
    if key_file == "-":
        raise click.UsageError("--key-file - can't be standard input, which the protocol takes: name a file.")
    with ended_at_once():
        from upscale.keys import read_key
        from upscale.mcp_server import serve
    try:
        serve(url, read_key(key_file, ()), root)
    except (UsageError, ValueError) as exc:
        raise click.UsageError(f"{exc}.") from exc
    return 0
