"""Where rates are counted: in memory, or where several replicas count together, as long as that can be reached."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

from http_edge.access.rates_memory import RatesMemory
from http_edge.access.rates_shared import SharedRates
from http_edge.access.rates_window import Window

log = logging.getLogger("service")

# Seconds that a request may wait for the shared store: on a local network it answers within a few milliseconds.
PATIENCE = 0.25
# Seconds without questions to a store that failed. Then one request tries it again.
PAUSE = 5.0
# Threads that ask the store: also those that wait for one that does not answer.
ASKERS = 4

Answer = TypeVar("Answer")
Counts = RatesMemory | SharedRates


class Taken(NamedTuple):
    """`is_taken`: whether an amount was counted; `window`: what is counted then; `is_shared`: in the shared store."""

    is_taken: bool
    window: Window
    is_shared: bool


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
        self._shared = SharedRates(url, PATIENCE) if url else None
        self._askers = ThreadPoolExecutor(ASKERS, "rates")
        self._lock = threading.Lock()
        self._is_up = True
        self._next_try = 0.0

    def take(self, key: str, amount: int, quota: int, seconds: int) -> Taken:
        """Count an amount, unless that makes more than the quota in so many seconds."""

        def ask(counts: Counts) -> Taken:
            is_taken = counts.acquire_sliding_window_entry(key, quota, seconds, amount)
            return Taken(is_taken, Window(*counts.get_sliding_window(key, seconds)), counts is self._shared)

        return self._asked_shared(ask) or ask(self._memory)

    def give_back(self, key: str, amount: int, seconds: int, is_shared: bool) -> Window | None:
        """Count less, at most what the current window has.

        Args:
            key, amount, seconds: as `take`.
            is_shared: where it was taken.

        Returns:
            What is counted then; None: the shared store fails, so it stays taken there, for two windows at most.
        """
        if is_shared:
            return self._asked_shared(lambda counts: counts.give_back(key, seconds, amount))
        return self._memory.give_back(key, seconds, amount)

    def _asked_shared(self, ask: Callable[[SharedRates], Answer]) -> Answer | None:
        """What the shared store answers; None: there is none, or it fails."""
        if self._shared is None or not self._may_try():
            return None
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
        return None

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
