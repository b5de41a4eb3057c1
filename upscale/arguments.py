"""The command line's words, read."""

import argparse
import tomllib
from dataclasses import dataclass, replace

from superscaling.format_name import FormatName
from superscaling.models import TABLE
from superscaling.settings import ROOT, Settings

DESCRIPTION = "Enlarges pictures to twice their width and height with a neural network."
EPILOG = f"""\
what INPUT can be:
  a file            its result is written beside it: photo.jpg becomes photo-x2.jpg
  a folder          every picture in it and below it; with -o FOLDER the same tree appears there
  a pattern         such as "photos/**/*.png", where the shell has not expanded it
  -                 standard input; the result goes to standard output
A name that begins with a dash is written ./-name, or behind --. What is hidden in a folder is left out.

models: {", ".join(TABLE)}

Without --url the UPSCALER_* variables hold as for the service (docs/settings.md), but for its timeouts.
Exit status: 0 all done, 1 some failed, 2 wrong usage, 130 interrupted.
"""


@dataclass(frozen=True)
class Arguments:
    """The command line; see `--help`. None: not given."""

    inputs: list[str]
    output: str | None
    model: str | None
    format: FormatName | None
    quality: int | None
    force: bool
    url: str | None
    retries: int
    quiet: bool


def read_arguments(words: list[str]) -> Arguments:
    """Read a command line; ends the program where it is wrong (exit status 2) or asks for help."""
    parser = _parser()
    # Taken apart here: mixed with options, argparse of Python 3.11 takes what is behind "--" for options as well.
    end = words.index("--") if "--" in words else len(words)
    arguments = Arguments(**vars(parser.parse_intermixed_args(words[:end])))
    arguments = replace(arguments, inputs=arguments.inputs + words[end + 1 :])
    if not arguments.inputs:
        parser.error("name at least one INPUT")
    if arguments.url is not None and arguments.model is not None:
        parser.error("--model: the service at --url has its own")
    return arguments


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m upscale",
        usage="%(prog)s [options] INPUT...",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("inputs", nargs="*", metavar="INPUT", help="a file, a folder, a pattern, or - (see below)")
    parser.add_argument(
        "-o",
        "--output",
        metavar="PATH",
        help="a file, whose extension chooses the format; - for standard output; or a folder: one that exists, ends"
        " with a slash, or is for several pictures",
    )
    parser.add_argument(
        "--model", choices=TABLE, metavar="NAME", help=f"of the network (default: UPSCALER_MODEL, {Settings.model})"
    )
    parser.add_argument("--format", type=_format, metavar="NAME", help=f"of the results: {', '.join(FormatName)}")
    parser.add_argument(
        "--quality", type=_quality, metavar="N", help="of JPEG and WebP results, 1 to 100 (default: UPSCALER_QUALITY)"
    )
    parser.add_argument("--force", action="store_true", help="replace results that exist")
    parser.add_argument("--url", help="let the service at this address work, such as http://localhost:7777")
    parser.add_argument(
        "--retries", type=_count, default=3, metavar="N", help="how often to come back to a busy service (default: 3)"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing but what failed")
    parser.add_argument("--version", action="version", version=f"upscale {_version()}")
    return parser


def _version() -> str:
    with (ROOT / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def _format(text: str) -> FormatName:
    try:
        return FormatName(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(FormatName)}") from None


def _quality(text: str) -> int:
    return _number(text, 1, 100)


def _count(text: str) -> int:
    return _number(text, 0, 1_000_000)


def _number(text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} to {most}")
    return int(text)
