"""Make models part of an installation that can't convert them later, as the Dockerfile does.

    python -m superscaling.commands.bake --target DIRECTORY NAME...

Each model gets a directory there with its weights and what the engines load, found or downloaded, verified and
converted: copied to `models/`, it is found before anything else. Ends with one line and exit status 1 where that fails.
"""

import argparse
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from superscaling import logs
from superscaling.commands.prepare import convert_model
from superscaling.errors import StartError
from superscaling.models import directory_of, read_model_files, weight_file_of, weights_of
from superscaling.settings import Settings, read_settings


def bake(settings: Settings, target: Path) -> None:
    """Put the settings' model into the directory `target`.

    Raises:
        StartError: it is unknown, can't be had, or is not what it has to be.
    """
    if not (converted := directory_of(settings)).is_dir():
        convert_model(settings, converted)
    shutil.copytree(converted, target, dirs_exist_ok=True)
    shutil.copy(weight_file_of(settings), target)
    read_model_files(target)


def main() -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m superscaling.commands.bake", description=__doc__.partition("\n")[0] if __doc__ else None
    )
    parser.add_argument("--target", type=Path, required=True, help="directory for the models' directories")
    parser.add_argument("names", nargs="+", metavar="NAME", help="a model's name in the model table")
    arguments = parser.parse_args()
    try:
        settings = read_settings()
        logs.configure(settings)
        for name in arguments.names:  # all of them, before the first takes minutes
            weights_of(replace(settings, model=name))
        for name in arguments.names:
            bake(replace(settings, model=name), arguments.target / name)
    except (StartError, OSError) as exc:
        print(f"can't bake models in: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
