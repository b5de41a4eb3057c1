"""The lock of the network: one tile at a time uses all cores, and requests take turns."""

import threading
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from superscaling.scheduling.deadline import Deadline
from superscaling.scheduling.timings import Timings

Result = TypeVar("Result")

# Seconds between two deadline checks of a waiting request.
CHECK_INTERVAL = 0.5


class FairLock:
    """A first-come, first-served lock.

    A request waits for one tile at a time and so holds one place in the queue. Requests therefore take turns tile by
    tile, and a thumbnail never waits for a whole poster.
    """

    def __init__(self) -> None:
        self._turns: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    def run(self, deadline: Deadline, timings: Timings, call: Callable[[], Result]) -> Result:
        """Run `call` when it is its turn; adds to the spans "queue" and "infer".

        Raises:
            ClientGone, DeadlinePassed, ServiceStopping: while waiting, or right before the call.
        """
        turn = threading.Event()  # one each, so that only the request whose turn it is wakes up
        with self._lock:
            self._turns.append(turn)
            self._turns[0].set()
        try:
            with timings.span("queue"):
                is_due = False
                while not is_due:
                    is_due = turn.wait(CHECK_INTERVAL)
                    deadline.check(timings)
            with timings.span("infer"):
                return call()
        finally:
            with self._lock:
                self._turns.remove(turn)
                if self._turns:
                    self._turns[0].set()
