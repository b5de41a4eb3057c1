"""Child processes: they isolate memory measurements, and keep the load of clients off the service."""

import contextlib
import os
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context

NICE = 10  # niceness of clients: the service goes first


@contextlib.contextmanager
def child(nice: int = 0) -> Iterator[Executor]:
    """Start a process that runs submitted calls one at a time; it ends with the block."""
    with ProcessPoolExecutor(1, get_context("spawn"), os.nice, (nice,)) as executor:
        yield executor
