"""Work in a process of its own: for memory that must not be mixed, and for clients that must not slow the service."""

import contextlib
import os
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context

NICE = 10  # how far the clients stand back behind the service


@contextlib.contextmanager
def child(nice: int = 0) -> Iterator[Executor]:
    """A new process, which runs what is submitted, one after the other."""
    with ProcessPoolExecutor(1, get_context("spawn"), os.nice, (nice,)) as executor:
        yield executor
