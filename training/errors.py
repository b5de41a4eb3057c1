"""The error of a training run that can't start or continue, and how the commands report it."""

import sys
from collections.abc import Callable


class TrainingError(Exception):
    """The training can't start or continue. The message is one line that says why."""


def exit_status(program: str, work: Callable[[], bool]) -> int:
    """Work and return the exit status, 1 if the result is false; an error prints one line."""
    try:
        return 0 if work() else 1
    except (TrainingError, OSError) as exc:
        print(f"{program}: {exc}", file=sys.stderr)
        return 1
