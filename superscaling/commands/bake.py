"""Bake models into an installation that can't convert them later, such as a container image.

    python -m superscaling.commands.bake --target DIRECTORY NAME...
    python -m superscaling.commands.bake --weights-only NAME...

NAME is a model of the table, an imported one, or the path of a file. Each gets a directory there with the files that
the engines load, found or downloaded, verified and converted; an RDN also with its weights, which the TensorFlow engine
loads. So does the milder sibling of a model with strength. Copied to `models/`, it is found there by its name; the file
itself is needed no more. The second form only finds or downloads the weights and verifies them, which needs no
TensorFlow. A failure prints one line; the exit status is 1.
"""

import argparse
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from superscaling import logs
from superscaling.commands.prepare import convert_model
from superscaling.errors import StartError
from superscaling.models import (
    directory_of,
    is_prepared,
    is_ready_made,
    name_of,
    read_model_files,
    weight_file_of,
    with_milder,
)
from superscaling.settings import Settings, read_settings


def bake(settings: Settings, target: Path) -> None:
    """Put the settings' model into the directory `target`.

    Raises:
        StartError: the model is unknown, not available, or damaged.
    """
    converted = directory_of(settings)
    if not is_prepared(settings):
        convert_model(settings, converted)
    shutil.copytree(converted, target, dirs_exist_ok=True)
    if read_model_files(target).architecture is not None:
        shutil.copy(weight_file_of(settings), target)


def main() -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m superscaling.commands.bake", description=__doc__.partition("\n")[0] if __doc__ else None
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--target", type=Path, help="directory that gets one directory per model")
    what.add_argument("--weights-only", action="store_true", help="only find or download the weights and verify them")
    parser.add_argument("names", nargs="+", metavar="NAME", help="a model: its name, or the path of a file")
    arguments = parser.parse_args()
    try:
        settings = read_settings()
        logs.configure(settings)
        # All names are checked before the first model takes minutes.
        named = (replace(settings, model=name) for name in arguments.names)
        needed = {each.model: each for one in named for each in with_milder(one)}
        for each in needed.values():
            directory_of(each)  # raises if there is no such model
        for chosen in needed.values():
            if not arguments.weights_only:
                bake(chosen, arguments.target / name_of(chosen))
            elif not is_ready_made(chosen):
                weight_file_of(chosen)
    except (StartError, OSError) as exc:
        print(f"can't bake models in: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
