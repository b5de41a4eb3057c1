"""Every error of the command line, and its exit statuses.

Exception
* UsageError    the arguments make no sense; nothing was done
* Failed        one image failed; the others go on
* FatalError    every image would fail; the run ends
* Busy          the service asks to be asked again later
"""

DONE, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130


class UsageError(Exception):
    """The arguments make no sense; nothing was done."""


class Failed(Exception):
    """One image failed; the message is the reason."""


class FatalError(Exception):
    """Every image would fail in the same way; the message is the reason."""


class Busy(Exception):
    """The service asks to be asked again in `seconds`; None: it does not say when."""

    def __init__(self, detail: str, seconds: float | None) -> None:
        super().__init__(detail)
        self.seconds = seconds
