"""The lock of the network: all cores work on one tile at a time, and requests take turns."""

import threading
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from superscaling.scheduling.deadline import Work

Result = TypeVar("Result")

# How often a waiting request looks whether its client is still there, in seconds.
LOOK_UP = 0.5


class FairLock:
    """A first come, first served lock.

    A request asks for one tile at a time and so holds one place in it: requests take turns tile by
    tile, and a thumbnail never waits for a poster.
    """

    def __init__(self) -> None:
        self._turns: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    def run(self, work: Work, call: Callable[[], Result]) -> Result:
        """Run `call` when its turn comes; time is added to the spans "queue" and "infer" of `work`.

        Raises:
            ClientGone, DeadlinePassed: from `work.checkpoint`, while waiting or right before the call.
        """
        turn = threading.Event()  # its own, so that nobody wakes whose turn it is not
        with self._lock:
            self._turns.append(turn)
            self._turns[0].set()
        try:
            with work.span("queue"):
                self._wait_for(turn, work)
            with work.span("infer"):
                return call()
        finally:
            with self._lock:
                self._turns.remove(turn)
                if self._turns:
                    self._turns[0].set()

    def _wait_for(self, turn: threading.Event, work: Work) -> None:
        has_come = False
        while not has_come:
            has_come = turn.wait(LOOK_UP)
            work.checkpoint()
