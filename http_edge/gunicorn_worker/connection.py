"""The client's TCP connection, for what WSGI does not tell: hang-ups and deadlines."""

import contextlib
import select
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

from http_edge.gunicorn_worker.worker import CLOSE_AFTER_ANSWER

# A half-closed connection counts as hung up, as it does for proxies. (Linux; elsewhere a full hang-up is seen.)
HANGUP = select.POLLHUP | select.POLLERR | getattr(select, "POLLRDHUP", 0)


class Connection:
    """The socket behind a request under gunicorn. Under another server there is none, and nothing happens.

    Args:
        environ: the WSGI environment.
    """

    def __init__(self, environ: dict[str, Any]) -> None:
        self._socket: socket.socket | None = environ.get("gunicorn.socket")
        self._close_after_answer: Callable[[], None] | None = environ.get(CLOSE_AFTER_ANSWER)

    def is_gone(self) -> bool:
        """Whether the client has hung up."""
        if self._socket is None:
            return False
        poll = select.poll()
        poll.register(self._socket, HANGUP)
        return bool(poll.poll(0))

    @contextlib.contextmanager
    def read_deadline(self, seconds: float) -> Iterator[threading.Event]:
        """End every read inside after `seconds` in total, however slowly bytes trickle in.

        Yields an event that is set once the time is over: from then on no new bytes are waited for.
        """
        passed = threading.Event()

        def stop_reading() -> None:
            passed.set()
            if self._socket is not None:
                with contextlib.suppress(OSError):  # the client has closed it already
                    self._socket.shutdown(socket.SHUT_RD)

        timer = threading.Timer(seconds, stop_reading)
        timer.daemon = True
        timer.start()
        try:
            yield passed
        finally:
            timer.cancel()

    def close_after_answer(self) -> None:
        """Tell the client that the connection can't be used again, and close it after the answer."""
        if self._close_after_answer is not None:
            self._close_after_answer()

    def set_write_timeout(self, seconds: float) -> None:
        """Give up on a client that takes nothing for `seconds`."""
        if self._socket is not None:
            self._socket.settimeout(seconds)
