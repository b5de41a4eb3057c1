"""Runs one call in a process of its own, which may crash, hang or run out of memory without harm to the caller.

For gigantic pictures: seconds to minutes of libvips, files instead of arrays. (`Decoders` keep processes for many small
calls.) The process has one task, is confined before it begins, and ends with whoever started it.
"""

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

from superscaling.errors import ImageUndecodable
from superscaling.isolation.failures import WAY_OUT, ended_by, not_started
from superscaling.isolation.watch import TimeIsUp, Watch

T = TypeVar("T")

MODULE = "superscaling.isolation.vips_worker"
WATCH = Watch()


def run_isolated(task: Callable[[], T], seconds: float, check: Callable[[], None]) -> T:
    """Run `task()` in a process of its own, and return what it returns.

    Args:
        task: can be pickled, such as a `functools.partial` of a function of `superscaling.pictures`; paths in it are
            absolute.
        seconds: that it may take.
        check: called now and then meanwhile; if it raises, nobody wants the answer any more.

    Raises:
        ImageUndecodable: it took too much time or memory, or crashed.
        DecoderUnavailable: it was killed from outside, or can't be started.
        Exception: whatever the task, or `check`, raises.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 (this interpreter, and a module of ours)
            [sys.executable, "-m", MODULE],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,
        )
    except OSError as exc:
        raise not_started() from exc
    try:
        with process, WATCH.over(seconds, check, process.kill):
            answer, _ = process.communicate(pickle.dumps(task))
    except TimeIsUp:
        raise ImageUndecodable(
            f"the image took longer than {seconds:.0f} s: {WAY_OUT}", "time", limit=seconds
        ) from None
    if process.returncode:
        raise ended_by(-process.returncode)
    value = pickle.loads(answer)  # noqa: S301 (a process of ours has written it)
    if isinstance(value, MemoryError):
        raise ImageUndecodable(f"the image took too much memory: {WAY_OUT}", "memory")
    if isinstance(value, Exception):
        raise value
    return cast(T, value)
