"""The lock of the network: one tile at a time uses all cores, requests take turns, and jobs take what is left."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from superscaling.scheduling.deadline import Deadline
from superscaling.scheduling.timings import Timings

Result = TypeVar("Result")

# Seconds between two deadline checks of a waiting request.
CHECK_INTERVAL = 0.5
# Background work gets a turn beside requests once it has waited so many times as long as a turn of it is expected to
# take: a tenth of the time is its own, which `admission.MARGIN` allows for.
PATIENCE = 9


class FairLock:
    """A lock that requests get first come, first served; background work gets it when no request wants it.

    A request waits for one tile at a time and so holds one place in the queue. Requests therefore take turns tile by
    tile, and a thumbnail never waits for a whole poster. What works in the background (`Deadline.is_background`) holds
    up a request for the tile in progress only. Nor does it slip in while a request corrects one tile and is about to
    ask for the next: for as long as the latest turn of a request took, another one is expected. It is never held up
    forever: see `PATIENCE`.

    Args:
        clock: seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._holder: threading.Event | None = None
        self._requests: deque[threading.Event] = deque()
        self._background: deque[threading.Event] = deque()
        self._request_is_due_until = -math.inf
        self._background_waits_since = 0.0  # its latest turn, or until the first of its queue came
        self._background_seconds = 0.0  # that its latest turn took
        self._request_seconds = math.inf  # that a request's latest turn took

    def run(self, deadline: Deadline, timings: Timings, call: Callable[[], Result]) -> Result:
        """Run `call` when it is its turn; adds to the spans "queue" and "infer".

        Raises:
            ClientGone, DeadlinePassed, ServiceStopping: while waiting, or right before the call.
        """
        turn = threading.Event()  # one each, so that only the request whose turn it is wakes up
        queue = self._background if deadline.is_background else self._requests
        began = math.inf
        with self._lock:
            queue.append(turn)
            if deadline.is_background and len(queue) == 1:
                self._background_waits_since = self._clock()
            self._give_turn()
        try:
            with timings.span("queue"):
                is_due = False
                while not is_due:
                    turn.wait(self._interval(deadline))
                    turn.clear()
                    deadline.check(timings)
                    is_due = self._holder is turn
            began = self._clock()
            with timings.span("infer"):
                return call()
        finally:
            with self._lock:
                if self._holder is turn:
                    self._holder = None
                else:
                    queue.remove(turn)
                self._learn(self._clock(), max(0.0, self._clock() - began), deadline)
                self._give_turn()
                if self._holder is None and self._background:
                    self._background[0].set()  # to find out anew how long it has to wait

    def _learn(self, now: float, seconds: float, deadline: Deadline) -> None:
        """A turn that took so many seconds has ended, or was given up (0)."""
        if not deadline.is_background:
            self._request_is_due_until = max(self._request_is_due_until, now + seconds)
            if seconds:
                self._request_seconds = seconds
        elif seconds:
            self._background_waits_since = now
            self._background_seconds = max(seconds, self._background_seconds / 2)  # after a tiny tile comes a whole one

    def _interval(self, deadline: Deadline) -> float:
        """Seconds until the one who waits looks around: in the background, also for the time that is left to it."""
        if not deadline.is_background:
            return CHECK_INTERVAL
        with self._lock:
            self._give_turn()
            left = self._request_is_due_until - self._clock()
        return min(left, CHECK_INTERVAL) if left > 0 else CHECK_INTERVAL

    def _give_turn(self) -> None:
        """Choose who is next, unless somebody has the lock, or nobody may have it yet."""
        if self._holder is not None:
            return
        if self._background and self._is_background_next():
            self._holder = self._background.popleft()
        elif self._requests:
            self._holder = self._requests.popleft()
        if self._holder is not None:
            self._holder.set()

    def _is_background_next(self) -> bool:
        now = self._clock()
        expected = self._background_seconds or self._request_seconds  # unknown: as long as a request's
        if now - self._background_waits_since >= PATIENCE * expected:
            return True
        return not self._requests and now >= self._request_is_due_until
