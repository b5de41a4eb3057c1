"""What became of the images of a run."""

import logging
from collections.abc import Callable

from upscale.console import Console
from upscale.errors import Failed, FatalError

log = logging.getLogger(__name__)


class Report:
    """Counts and prints what is done and what failed.

    Args:
        console: prints it.
        count: of all images.
    """

    def __init__(self, console: Console, count: int) -> None:
        self._console = console
        self._count = count
        self._done = 0
        self._failures = list[tuple[str, str]]()

    @property
    def has_failures(self) -> bool:
        """Whether an image failed."""
        return bool(self._failures)

    def attempt(self, name: str, work: Callable[[], None]) -> bool:
        """Work on an image; returns whether that did not fail. Only a FatalError stops the other images."""
        try:
            work()
        except Failed as exc:
            self.failed(name, str(exc))
        except MemoryError:
            self.failed(name, "there is not enough memory for this image")
        except FatalError:
            raise
        except Exception as exc:  # a bug must not stop the other images
            log.debug("%s", name, exc_info=exc)
            self.failed(name, f"a bug in this program: {exc!r}")
        else:
            return True
        return False

    def done(self, name: str, line: str, notes: tuple[str, ...]) -> None:
        """An image is done. `notes`: what could not be kept of it."""
        self._done += 1
        self._console.say(f"{name} -> {line}")
        for note in notes:
            self._console.say(f"{name}: note: {note}")

    def failed(self, name: str, reason: str) -> None:
        """An image has failed."""
        self._failures.append((name, reason))
        self._console.complain(f"{name}: failed: {reason}")

    def sum_up(self) -> None:
        """Print the counts and what failed; for a single image all of that is printed already."""
        if self._count == 1:
            return
        counts = [f"{self._done} done", f"{len(self._failures)} failed"]
        if left := self._count - self._done - len(self._failures):
            counts.append(f"{left} left")
        self._console.say(", ".join(counts) + (":" if self._failures else ""))
        for name, reason in self._failures:
            self._console.say(f"  {name}: {reason}")
