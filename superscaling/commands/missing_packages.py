"""Print why TensorFlow and ISR have to be installed; nothing if the installed packages suffice.

    python -m superscaling.commands.missing_packages [NAME...]

NAME is a model; by default the settings decide. `make run` and the Dockerfile install requirements.txt if a line is
printed. Invalid settings and unreadable directories print nothing: the command that uses them reports them.
"""

import sys
from dataclasses import replace

from superscaling.commands.prepare import find_missing_packages
from superscaling.errors import StartError
from superscaling.models import settings_of_models
from superscaling.settings import read_settings


def main(names: list[str]) -> None:
    """Run the command line."""
    try:
        settings = read_settings()
        choices = [replace(settings, model=name) for name in names] or settings_of_models(settings)
        reasons = [reason for each in choices if (reason := find_missing_packages(each))]
    except StartError:
        return
    if reasons:
        print(reasons[0])


if __name__ == "__main__":
    main(sys.argv[1:])
