"""The client's TCP connection, for what WSGI does not tell: hang-ups and deadlines."""

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from typing import Any

# A half-closed connection counts as hung up, as it does for proxies. (Linux; elsewhere a full hang-up is seen.)
HANGUP = select.POLLHUP | select.POLLERR | getattr(select, "POLLRDHUP", 0)


class Connection:
    """The socket behind a request under gunicorn. Under another server there is none, and nothing happens.

    Args:
        environ: the WSGI environment.
    """

    def __init__(self, environ: dict[str, Any]) -> None:
        self._socket: socket.socket | None = environ.get("gunicorn.socket")

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
            self.stop_reading()

        timer = threading.Timer(seconds, stop_reading)
        timer.daemon = True
        timer.start()
        try:
            yield passed
        finally:
            timer.cancel()

    def stop_reading(self) -> None:
        """Shut the reading side: the answer can still be sent, and the connection closes after it."""
        if self._socket is not None:
            with contextlib.suppress(OSError):  # the client has closed it already
                self._socket.shutdown(socket.SHUT_RD)

    def set_write_timeout(self, seconds: float) -> None:
        """Give up on a client that takes nothing for `seconds`."""
        if self._socket is not None:
            self._socket.settimeout(seconds)
