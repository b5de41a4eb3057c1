"""The one inference lane: all cores work on one tile at a time, and requests take turns."""

import threading
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from super_resolution.work import Work

Result = TypeVar("Result")

# How often a waiting request looks whether its client is still there, in seconds.
LOOK_UP = 0.5


class Lane:
    """A first come, first served lock.

    A request asks for one tile at a time and so holds one place in it: requests take turns tile by
    tile, and a thumbnail never waits for a poster.
    """

    def __init__(self) -> None:
        self._turns: deque[object] = deque()
        self._changed = threading.Condition()

    def run(self, work: Work, call: Callable[[], Result]) -> Result:
        """Run `call` when its turn comes; time is added to the spans "queue" and "infer" of `work`.

        Raises:
            ClientGone, DeadlinePassed: from `work.checkpoint`, while waiting or right before the call.
        """
        turn = object()
        with self._changed:
            self._turns.append(turn)
        try:
            with work.span("queue"):
                self._wait_for(turn, work)
            with work.span("infer"):
                return call()
        finally:
            with self._changed:
                self._turns.remove(turn)
                self._changed.notify_all()

    def _wait_for(self, turn: object, work: Work) -> None:
        while True:
            work.checkpoint()
            with self._changed:
                if self._turns[0] is turn:
                    return
                self._changed.wait(LOOK_UP)
