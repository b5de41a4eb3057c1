"""Messages on standard error, and progress bars if that is a terminal."""

import contextlib
import logging
import sys
import threading
from collections.abc import Iterator
from typing import Protocol

from tqdm import tqdm

MAX_NAME = 40  # characters of a file's name beside its bar


def shown(text: object) -> str:
    """Return text that is safe to print: control characters and bytes that are not UTF-8 are escaped."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in str(text))


class Progress(Protocol):
    """Listens to the progress of one image."""

    def expect(self, tiles: int) -> None:
        """Learn the number of tiles."""

    def reach(self, done: int) -> None:
        """Learn the number of finished tiles."""


class Console(logging.Handler):
    """Prints lines and bars to standard error. As a logging handler it prints records as lines.

    Args:
        quiet: print failures only.
    """

    def __init__(self, quiet: bool) -> None:
        super().__init__()
        self._quiet = quiet
        self._has_bars = not quiet and sys.stderr.isatty()
        tqdm.monitor_interval = 0  # no monitoring thread
        tqdm.set_lock(threading.RLock())  # no semaphore shared between processes

    def say(self, line: str) -> None:
        """Print a line, unless quiet."""
        if not self._quiet:
            self.complain(line)

    def complain(self, line: str) -> None:
        """Print a line, also when quiet."""
        tqdm.write(shown(line), file=sys.stderr)
        sys.stderr.flush()

    def emit(self, record: logging.LogRecord) -> None:
        """Print a log record."""
        show = self.complain if record.levelno >= logging.WARNING else self.say
        for line in self.format(record).splitlines():
            show(line)

    @contextlib.contextmanager
    def files(self, count: int) -> Iterator[tqdm]:
        """Show a bar for all files, to be updated after each; a single file has only its own bar."""
        try:
            with self._bar(desc="in total", total=count, unit="file", position=1, hidden=count < 2) as bar:
                yield bar
        finally:
            if self._has_bars:
                sys.stderr.write("\r")  # tqdm leaves the cursor after the blanks that erased the lower bar

    @contextlib.contextmanager
    def file(self, name: str) -> Iterator[Progress]:
        """Show a bar for one file."""
        name = shown(name)
        short = name if len(name) <= MAX_NAME else "…" + name[1 - MAX_NAME :]
        with self._bar(desc=short, total=None, unit="tile", position=0, hidden=False) as bar:
            yield _Bar(bar)

    def _bar(self, *, desc: str, total: int | None, unit: str, position: int, hidden: bool) -> tqdm:
        return tqdm(
            desc=desc,
            total=total,
            unit=unit,
            position=position,
            leave=False,
            dynamic_ncols=True,
            disable=hidden or not self._has_bars,
            file=sys.stderr,
        )


class _Bar:
    """`Progress` on a tqdm bar."""

    def __init__(self, bar: tqdm) -> None:
        self._bar = bar

    def expect(self, tiles: int) -> None:
        if self._bar.total != tiles:
            self._bar.total = tiles
            self._bar.refresh()

    def reach(self, done: int) -> None:
        self._bar.update(done - self._bar.n)
