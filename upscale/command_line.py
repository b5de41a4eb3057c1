"""The options of the command line. Imports little, so that `--help` is quick."""

import sys
import textwrap
from typing import Any

import click

from superscaling.format_name import FormatName
from superscaling.metadata_choice import MetadataChoice
from superscaling.settings import CLIENT_KEY, Settings
from superscaling.size_choice import DEFAULT_SCALE, MAX_SCALE, Fit
from superscaling.version import __version__
from upscale import mcp_command
from upscale.errors import INTERRUPTED, UsageError
from upscale.interrupts import ended_at_once
from upscale.local_packages import require_local_packages

EPILOG = """\
\b
INPUT is one of
  a file       the result is written beside it: photo.jpg becomes photo-x2.jpg
  a folder     every image in it and in its subfolders, except hidden ones;
               with -o FOLDER the results form the same tree there
  a pattern    such as "photos/**/*.png", if the shell has not expanded it
  -            standard input; the result goes to standard output
Write a name that begins with a dash as ./-name, or after --, and a file
called mcp as ./mcp: `upscale mcp` offers the service to language models.

\b
{models}

Without --url, the UPSCALER_* environment variables apply as they do for the
service, except its timeouts (docs/settings.md lists them).

Exit status: 0 all done, 1 some failed, 2 wrong usage, 130 interrupted.
"""


class Command(click.Command):
    """Lists the models in its help, if this installation can use any."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what follows the options."""
        self.epilog = EPILOG.format(models=textwrap.fill(_models(), 98, break_on_hyphens=False))
        super().format_epilog(ctx, formatter)


def _models() -> str:
    try:
        require_local_packages()
    except UsageError:
        return "Models: those of the service, which --models lists."
    from superscaling.models import TABLE

    return f"Models: {', '.join(TABLE)}"


class FormatType(click.ParamType[FormatName]):
    """The name of a format, as the API takes it."""

    name = "format"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> FormatName:
        """Convert the text of an option."""
        try:
            return FormatName(value)
        except ValueError:
            return self.fail(f"{value!r} is not one of {', '.join(FormatName)}.", param, ctx)


@click.command(name="upscale", cls=Command, context_settings={"max_content_width": 100})
@click.argument("inputs", metavar="INPUT...", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "-o",
    "--output",
    metavar="PATH",
    type=click.UNPROCESSED,
    help="Write to this file, whose extension selects the format; to standard output (-); or into this folder. It is a"
    " folder if it exists, ends with a slash, or if there are several images.",
)
@click.option(
    "--scale",
    metavar="N",
    show_default=str(DEFAULT_SCALE),
    help=f"Make both sides N times as long, 1 to {MAX_SCALE}, such as 1.5; 1 removes JPEG artefacts, if the model"
    " does.",
)
@click.option("--width", metavar="PX", help="Instead of --scale: make results this wide; alone it keeps the ratio.")
@click.option("--height", metavar="PX", help="Instead of --scale: make results this high; alone it keeps the ratio.")
@click.option(
    "--fit",
    metavar="HOW",
    type=click.Choice([str(fit) for fit in Fit]),
    help=f"How --width and --height together are meant: as large as fits ({Fit.INSIDE}), cut to fill them"
    f" ({Fit.COVER}), or stretched to fill them ({Fit.FILL}).",
)
@click.option(
    "--model",
    metavar="NAME",
    show_default=f"UPSCALER_MODEL, else {Settings.model}; with --url the service's first",
    help="Use this model: a name that --models lists, or the path of a model file; with --url a name of the service's.",
)
@click.option(
    "--strength",
    metavar="S",
    show_default="1",
    help="Let the model have this share of the results, 0 to 1, and its milder sibling the rest; for models that have"
    " strength.",
)
@click.option(
    "--models", "list_models", is_flag=True, help="List the models, with --url those of the service, and exit."
)
@click.option(
    "--format",
    "format_name",
    metavar="NAME",
    type=FormatType(),
    show_default="that of the input",
    help=f"Write this format: {', '.join(FormatName)}.",
)
@click.option(
    "--quality",
    metavar="N",
    type=click.IntRange(1, 100),
    show_default="UPSCALER_QUALITY",
    help="Quality of JPEG, WebP and AVIF results.",
)
@click.option(
    "--metadata",
    metavar="WHICH",
    type=click.Choice([str(choice) for choice in MetadataChoice]),
    show_default=str(MetadataChoice.KEEP),
    help=f"Which metadata the results keep: all that their format can hold ({MetadataChoice.KEEP}), none"
    f" ({MetadataChoice.STRIP}), or only what the colours mean, such as an ICC profile ({MetadataChoice.COLOUR}).",
)
@click.option("--force", is_flag=True, help="Replace existing files.")
@click.option(
    "--again",
    is_flag=True,
    help="In folders, do also the images that have a newer result, and replace that. Otherwise they are skipped.",
)
@click.option("--url", metavar="URL", help="Use the service at this address, such as http://localhost:7777.")
@click.option(
    "--key-file",
    metavar="FILE",
    show_default=CLIENT_KEY,
    help="Send the API key in this file (- for standard input) to the service at --url.",
)
@click.option(
    "--jobs",
    is_flag=True,
    help="Hand the images to the service at --url as jobs, which it does even if this program ends, and fetch the"
    " results as they get done. The same command again goes on where it was.",
)
@click.option("--group", metavar="NAME", help="With --jobs: put them into this group of jobs.")
@click.option(
    "--retries",
    metavar="N",
    type=click.IntRange(min=0),
    default=3,
    show_default=True,
    help="How often to ask a busy service again. With --jobs, a full queue is waited for.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print only what failed.")
@click.version_option(__version__, message="%(prog)s %(version)s", prog_name="upscale")
def command(
    *,
    inputs: tuple[str, ...],
    output: str | None,
    format_name: FormatName | None,
    model: str | None,
    list_models: bool,
    force: bool,
    again: bool,
    url: str | None,
    key_file: str | None,
    jobs: bool,
    group: str | None,
    retries: int,
    quiet: bool,
    **options: object,
) -> int:
    """Enlarge images with a neural network, to twice their width and height unless you ask for another size."""
    if list_models and inputs:
        raise click.UsageError("--models takes no INPUT.")
    if not (list_models or inputs):
        raise click.UsageError("Missing argument 'INPUT...'.")
    if group is not None and not jobs:
        raise click.UsageError("--group needs --jobs.")
    if key_file is not None and url is None:
        raise click.UsageError("--key-file needs --url.")
    try:
        if list_models and url is None:
            require_local_packages()
        key = None if url is None else _read_key(key_file, inputs)
    except UsageError as exc:
        raise click.UsageError(f"{exc}.") from exc
    # Imported late: they load what enlarging takes.
    if list_models:
        with ended_at_once():
            from upscale.model_list import print_models

        return print_models(url, key)
    with ended_at_once():
        from upscale.run import main
        from upscale.tasks import Arguments

    asked = {name: str(value) for name, value in options.items() if value is not None}
    if url is not None and model is not None:
        asked["model"] = model
    arguments = Arguments(
        inputs, output, model, format_name, asked, force, url, retries, quiet, jobs, group, key, again
    )
    return main(arguments)


def _read_key(key_file: str | None, inputs: tuple[str, ...]) -> str | None:
    with ended_at_once():
        from upscale.keys import read_key

    return read_key(key_file, inputs)


def run_command() -> int:
    """Read `sys.argv` and do what it says; returns the exit status."""
    arguments = sys.argv[1:]
    chosen: click.Command = command
    if arguments[:1] == [mcp_command.NAME]:
        chosen, arguments = mcp_command.command, arguments[1:]
    try:
        # Not click's own handling of exceptions: it ends an interrupted program with "Aborted!" and status 1.
        status: int = chosen.main(arguments, standalone_mode=False)
    except click.ClickException as exc:
        exc.show()
        return exc.exit_code
    except click.Abort:
        return INTERRUPTED
    return status
