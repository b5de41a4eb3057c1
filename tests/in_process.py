"""The command line in the process of the tests: what it takes is that of a process, without the imports of each."""

import contextlib
import functools
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from unittest.mock import patch

from upscale import local
from upscale.__main__ import main

# A model is loaded once for all runs with the same settings.
OPENED = functools.cache(local._open)


def upscale(
    cwd: Path, *words: str | bytes | Path, stdin: bytes = b"", settings: dict[str, str] | None = None
) -> CompletedProcess[bytes]:
    """Run `upscale` with these words, in a folder, with standard input and environment variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("UPSCALE")}
    argv = ["upscale", *map(os.fsdecode, words)]
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(stdin)
        given.seek(0)
        with (
            contextlib.chdir(cwd),
            patch.dict(os.environ, kept | (settings or {}), clear=True),
            patch.object(sys, "argv", argv),
            patch.object(local, "_open", OPENED),
            _state_kept(),
            _standard_files(given.fileno(), out.fileno(), err.fileno()),
        ):
            try:
                main()
            except SystemExit as exc:
                status = exc.code
        for file in (out, err):
            file.seek(0)
        assert isinstance(status, int)
        return CompletedProcess(argv, status, out.read(), err.read())


@contextlib.contextmanager
def _standard_files(*descriptors: int) -> Iterator[None]:
    """Inside, these are standard input, output and error."""
    saved = [os.dup(number) for number in range(3)]
    names = ("stdin", "stdout", "stderr")
    try:
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
        with contextlib.ExitStack() as stack:
            for number, (name, mode) in enumerate(zip(names, "rww", strict=True)):
                file = stack.enter_context(open(number, mode, encoding="utf-8", closefd=False))
                stack.enter_context(patch.object(sys, name, file))
            yield
    finally:
        for number, descriptor in enumerate(saved):
            os.dup2(descriptor, number)
            os.close(descriptor)


@contextlib.contextmanager
def _state_kept() -> Iterator[None]:
    """Undo what a program does to its process: signals, handlers of the log, its level."""
    root = logging.getLogger()
    numbers = (signal.SIGTERM, signal.SIGHUP)
    handlers, level, signals = list(root.handlers), root.level, [signal.getsignal(number) for number in numbers]
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        for number, handler in zip(numbers, signals, strict=True):
            signal.signal(number, handler)
