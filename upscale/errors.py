"""What can go wrong on the command line.

Exception
* UsageError    the command line asks for what makes no sense; nothing was done
* Failed        one picture failed; the others go on
* FatalError    every picture would fail; the run ends
* Busy          the service asks to come back later
"""


class UsageError(Exception):
    """The command line asks for what makes no sense; nothing was done."""


class Failed(Exception):
    """One picture failed; the message is the reason."""


class FatalError(Exception):
    """Every picture would fail in the same way; the message is the reason."""


class Busy(Exception):
    """The service asks to come back later; `seconds`: in how many, None where it doesn't say."""

    def __init__(self, detail: str, seconds: float | None) -> None:
        super().__init__(detail)
        self.seconds = seconds
