"""Ctrl-C while modules are imported."""

import contextlib
import os
import signal
from collections.abc import Iterator

from upscale.errors import INTERRUPTED


@contextlib.contextmanager
def ended_at_once() -> Iterator[None]:
    """Inside, Ctrl-C ends the program at once, without a word and without cleaning up.

    For imports, before there is anything to clean up: libraries turn a KeyboardInterrupt into errors of their own,
    such as "initialization failed".
    """
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:  # ignored, as by nohup
        yield
        return
    signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
