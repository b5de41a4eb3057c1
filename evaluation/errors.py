"""The error of a measurement that can't be made, and how the tools report it."""

import sys
from collections.abc import Callable

from superscaling.errors import EngineFailed, StartError


class MeasurementError(Exception):
    """The measurement can't be made from the given input. The message is one line that says why."""


def exit_status(program: str, measure: Callable[[], None]) -> int:
    """Measure and return the exit status; an error prints one line."""
    try:
        measure()
    except (MeasurementError, StartError, EngineFailed) as exc:
        print(f"{program}: {exc}", file=sys.stderr)
        return 1
    return 0
