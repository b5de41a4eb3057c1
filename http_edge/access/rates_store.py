"""Where rates are counted: in memory, or where several replicas count together, as long as that can be reached."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from limits.storage import SlidingWindowCounterSupport, storage_from_string

from http_edge.access.rates_memory import RatesMemory
from http_edge.access.rates_window import Window

log = logging.getLogger("service")

# Seconds that a request may wait for the shared store: on a local network it answers within a few milliseconds.
PATIENCE = 0.25
# Seconds without questions to a store that failed. Then one request tries it again.
PAUSE = 5.0
# Threads that ask the store: also those that wait for one that does not answer.
ASKERS = 4

Answer = TypeVar("Answer")


class RatesStore:
    """Counts what clients use. Thread-safe.

    While the shared store fails, this process counts for itself, with the whole quotas: how many replicas there are,
    nobody knows for sure, and a part of each quota would refuse clients who are within theirs. So a client gets at most
    so many times its quota as there are replicas.

    Args:
        url: of a shared store, for `limits`; empty: none.
        tell: is told of each failure of the shared store (False), and when it answers again (True).
        memory: counts in this process.
    """

    def __init__(self, url: str, tell: Callable[[bool], None], memory: RatesMemory | None = None) -> None:
        self._memory = RatesMemory() if memory is None else memory
        self._tell = tell
        self._shared = _shared(url) if url else None
        self._askers = ThreadPoolExecutor(ASKERS, "rates")
        self._lock = threading.Lock()
        self._is_up = True
        self._next_try = 0.0

    def take(self, key: str, amount: int, quota: int, seconds: int) -> tuple[bool, Window]:
        """Count an amount, unless that makes more than the quota in so many seconds.

        Returns:
            Whether it was counted, and what is counted then.
        """

        def ask(windows: SlidingWindowCounterSupport) -> tuple[bool, Window]:
            is_taken = windows.acquire_sliding_window_entry(key, quota, seconds, amount)
            return is_taken, Window(*windows.get_sliding_window(key, seconds))

        return self._asked(ask)

    def give_back(self, key: str, amount: int, quota: int, seconds: int) -> Window:
        """Count less: at most what the current window has, as it never has less than nothing."""

        def ask(windows: SlidingWindowCounterSupport) -> Window:
            window = Window(*windows.get_sliding_window(key, seconds))
            given = min(amount, window.current)
            if given > 0:
                windows.acquire_sliding_window_entry(key, quota, seconds, -given)
            return window._replace(current=window.current - given)

        return self._asked(ask)

    def _asked(self, ask: Callable[[SlidingWindowCounterSupport], Answer]) -> Answer:
        if self._shared is not None and self._may_try():
            # In another thread: looking the name up, connecting and asking have no time limit in common.
            asked = self._askers.submit(ask, self._shared)
            try:
                failure = asked.exception(PATIENCE)
            except TimeoutError:
                asked.cancel()
                failure = TimeoutError(f"no answer within {PATIENCE} s")
            if failure is None:
                self._answers()
                return asked.result()
            self._fails(failure)
        return ask(self._memory)

    def _may_try(self) -> bool:
        if self._is_up:
            return True
        with self._lock:
            now = time.monotonic()
            if now < self._next_try:
                return False
            self._next_try = now + PAUSE
            return True

    def _fails(self, failure: BaseException) -> None:
        with self._lock:
            was_up, self._is_up = self._is_up, False
            self._next_try = time.monotonic() + PAUSE
        self._tell(False)
        if was_up:
            log.warning("the store of rates fails, so this process counts for itself until it answers: %s", failure)

    def _answers(self) -> None:
        if self._is_up:
            return
        with self._lock:
            was_up, self._is_up = self._is_up, True
        if not was_up:
            self._tell(True)
            log.info("the store of rates answers again")


def _shared(url: str) -> SlidingWindowCounterSupport:
    """A connection to Redis or Valkey; it is opened by the first question."""
    storage = storage_from_string(
        url,
        wrap_exceptions=True,
        key_prefix="image-super-scaling",
        socket_connect_timeout=PATIENCE,
        socket_timeout=PATIENCE,
    )
    if not isinstance(storage, SlidingWindowCounterSupport):
        raise TypeError(f"{type(storage).__name__} has no sliding windows")
    return storage
