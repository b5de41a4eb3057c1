"""What people see while the program works, on standard error: lines, and on a terminal progress bars."""

import contextlib
import logging
import sys
import threading
from collections.abc import Iterator
from typing import Protocol

from tqdm import tqdm

from upscale.names import shown

MAX_NAME = 40  # characters of a file's name beside its bar


class Progress(Protocol):
    """How far the work on one picture is."""

    def expect(self, tiles: int) -> None:
        """Learn how many tiles there are."""

    def reach(self, done: int) -> None:
        """Learn how many of them are done."""


class Console(logging.Handler):
    """Lines and bars on standard error; as a handler, it shows what is logged as lines.

    Args:
        quiet: whether nothing is said but what failed.
    """

    def __init__(self, quiet: bool) -> None:
        super().__init__()
        self._quiet = quiet
        self._has_bars = not quiet and sys.stderr.isatty()
        tqdm.monitor_interval = 0  # no thread that looks after bars
        tqdm.set_lock(threading.RLock())  # nor semaphores shared with other processes

    def say(self, line: str) -> None:
        """A line that may be left out."""
        if not self._quiet:
            self.complain(line)

    def complain(self, line: str) -> None:
        """A line that may not."""
        tqdm.write(shown(line), file=sys.stderr)
        sys.stderr.flush()

    def emit(self, record: logging.LogRecord) -> None:
        """Show what was logged."""
        show = self.complain if record.levelno >= logging.WARNING else self.say
        for line in self.format(record).splitlines():
            show(line)

    @contextlib.contextmanager
    def files(self, count: int) -> Iterator[tqdm]:
        """The bar of all files; `update` it for each. A single file has its own only."""
        try:
            with self._bar(desc="in total", total=count, unit="file", position=1, hidden=count < 2) as bar:
                yield bar
        finally:
            if self._has_bars:
                sys.stderr.write("\r")  # tqdm stays behind the blanks that it has put over a lower bar

    @contextlib.contextmanager
    def file(self, name: str) -> Iterator[Progress]:
        """The bar of one file."""
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
    """`Progress` on one of tqdm's bars."""

    def __init__(self, bar: tqdm) -> None:
        self._bar = bar

    def expect(self, tiles: int) -> None:
        if self._bar.total != tiles:
            self._bar.total = tiles
            self._bar.refresh()

    def reach(self, done: int) -> None:
        self._bar.update(done - self._bar.n)
