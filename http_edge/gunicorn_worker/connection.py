"""The client's TCP connection, for what WSGI does not offer: disconnects and deadlines."""

import contextlib
import select
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

from http_edge.gunicorn_worker.client_socket import ClientSocket
from http_edge.gunicorn_worker.worker import CLOSE_AFTER_ANSWER

# A half-closed connection counts as disconnected, as it does for proxies. (On Linux; elsewhere only a closed one.)
HANGUP = select.POLLHUP | select.POLLERR | getattr(select, "POLLRDHUP", 0)


class Connection:
    """The connection of a request under gunicorn. Under another server the methods do nothing.

    Args:
        environ: the WSGI environment.
    """

    def __init__(self, environ: dict[str, Any]) -> None:
        self._socket: ClientSocket | None = environ.get("gunicorn.socket")
        self._close_after_answer: Callable[[], None] | None = environ.get(CLOSE_AFTER_ANSWER)

    def is_gone(self) -> bool:
        """Whether the client has disconnected."""
        if self._socket is None:
            return False
        poll = select.poll()
        poll.register(self._socket, HANGUP)
        return bool(poll.poll(0))

    @contextlib.contextmanager
    def read_deadline(self, seconds: float) -> Iterator[threading.Event]:
        """End all reads of the `with` block after `seconds` in total, even if bytes keep arriving.

        Yields an event that is set when the time is over; after that, reads no longer wait for bytes.
        """
        passed = threading.Event()

        def stop_reading() -> None:
            passed.set()
            if self._socket is not None:
                with contextlib.suppress(OSError):  # already closed by the client
                    self._socket.shutdown(socket.SHUT_RD)

        timer = threading.Timer(seconds, stop_reading)
        timer.daemon = True
        timer.start()
        try:
            yield passed
        finally:
            timer.cancel()

    def close_after_answer(self) -> None:
        """Close the connection after the answer, and announce that in its `Connection` header."""
        if self._close_after_answer is not None:
            self._close_after_answer()

    def wait_while_sending(self) -> None:
        """Let the answer's thread wait while its client reads. Otherwise what the client has not read yet is kept."""
        if self._socket is not None:
            self._socket.wait_for_client()
