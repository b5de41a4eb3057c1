"""Every error of the command line, and its exit statuses.

Exception
* UsageError    the arguments make no sense; nothing was done
* Failed        one image failed; the others go on
    x Broken    the connection broke
    x Expired   the result was there, and is deleted
* FatalError    every image would fail; the run ends
    x NoService nobody answers at the address
* Busy          the service asks to be asked again later
    x Full      because it has as much to do as it takes
"""

DONE, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130


class UsageError(Exception):
    """The arguments make no sense; nothing was done."""


class Failed(Exception):
    """One image failed; the message is the reason."""


class Broken(Failed):
    """The connection to the service broke."""


class Expired(Failed):
    """The job ended so long ago that its result is deleted."""


class FatalError(Exception):
    """Every image would fail in the same way; the message is the reason."""


class NoService(FatalError):
    """Nobody answers at the address."""


class Busy(Exception):
    """The service asks to be asked again in `seconds`; None: it does not say when."""

    def __init__(self, detail: str, seconds: float | None) -> None:
        super().__init__(detail)
        self.seconds = seconds


class Full(Busy):
    """The service has as much to do as it takes."""
