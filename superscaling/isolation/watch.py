"""Ends processes that take too long, or whose answer nobody wants any more."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

# Seconds between two looks at whether the caller still wants the answer.
PATIENCE = 0.25


class TimeIsUp(Exception):
    """The process has not answered in time, and was ended."""


class Watch:
    """One thread that looks at all calls now and then.

    Those who talk to a process can wait for it without a limit, in the middle of a message as well: ending the process
    ends the wait. A thread for each call would have to be started first, which takes longer than a call while the
    network is busy.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls = set[_Call]()
        self._is_busy = threading.Event()
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def over(self, seconds: float, check: Callable[[], None], kill: Callable[[], None]) -> Iterator[None]:
        """Watch over what is done within; `kill` ends it if it takes more than `seconds`, or if `check` raises.

        Raises:
            TimeIsUp: it took too long. Instead of whatever is raised within.
            Exception: likewise, what `check` has raised.
        """
        call = _Call(seconds, check, kill)
        with self._lock:
            self._calls.add(call)
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, name="watch", daemon=True)
                self._thread.start()
        self._is_busy.set()
        try:
            yield
        finally:
            with self._lock:
                self._calls.discard(call)
            call.close()

    def _look(self) -> None:
        while True:
            self._is_busy.wait()
            time.sleep(PATIENCE)
            with self._lock:
                calls = list(self._calls)
                if not calls:
                    self._is_busy.clear()
            for call in calls:
                call.look()


class _Call:
    """One call that is watched. `close` comes after its end, and raises why it was ended, if it was."""

    def __init__(self, seconds: float, check: Callable[[], None], kill: Callable[[], None]) -> None:
        self._lock = threading.Lock()
        self._end = time.monotonic() + seconds
        self._check, self._kill = check, kill
        self._is_over = False
        self._reason: Exception | None = None

    def look(self) -> None:
        with self._lock:
            if self._is_over:
                return
            try:
                self._check()
                if time.monotonic() > self._end:
                    raise TimeIsUp
            except Exception as exc:  # whoever has called raises it
                self._reason, self._is_over = exc, True
                self._kill()

    def close(self) -> None:
        with self._lock:
            self._is_over = True
        if self._reason is not None:
            raise self._reason.with_traceback(None) from None
