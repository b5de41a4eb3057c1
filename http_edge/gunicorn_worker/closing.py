"""The part of the worker that closes connections, in the event loop and without a thread."""

import contextlib
import selectors
import socket
import time
from collections.abc import Callable
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from http_edge.gunicorn_worker.client_socket import ClientSocket
from http_edge.gunicorn_worker.event_loop import Conn, Watch

# Bytes received after an answer are discarded for at most this many seconds, so that the client sees the answer
# instead of a broken pipe; and for at most this many clients at a time.
LINGER_SECONDS = 5.0
MAX_LINGERING = 256
READ_BYTES = 1 << 18  # per call
# The socket of a lingering client is looked at when it has so many bytes, or is closed.
LINGER_BYTES = 1 << 14


class ClosingWorker(ThreadWorker):
    """`gthread`, whose event loop waits for clients to notice that their connections are closed.

    `linger_bytes`: the most bytes that are discarded after an answer.
    """

    linger_bytes = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lingering: dict[Conn, None] = {}

    def murder_pending(self) -> None:
        """Close connections that have waited too long. The event loop calls this at least once a second."""
        now = time.monotonic()
        while self._lingering and (conn := next(iter(self._lingering))).timeout < now:
            self._forget(conn)

    def linger(self, conn: Conn) -> None:
        """Close the sending side, and discard what the client sends until it closes its side."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, LINGER_BYTES)
        except OSError:  # already closed by the client
            conn.close()
            return
        if len(self._lingering) >= MAX_LINGERING:
            conn.close()
            return
        conn.timeout = time.monotonic() + LINGER_SECONDS
        self._lingering[conn] = None
        self._watch(conn, self._discard)

    def _discard(self, conn: Conn, client: ClientSocket) -> None:
        try:
            data = client.receive(READ_BYTES)
        except BlockingIOError:
            return
        conn.discarded += len(data)
        if not data or conn.discarded >= self.linger_bytes:
            self._forget(conn)

    def _forget(self, conn: Conn) -> None:
        """Close a waiting connection without an answer."""
        self._stop_waiting(conn)
        conn.close()

    def _stop_waiting(self, conn: Conn) -> None:
        self._lingering.pop(conn, None)
        with contextlib.suppress(KeyError, ValueError):  # not registered any more
            self.poller.unregister(conn.sock)

    def _watch(
        self, conn: Conn, call: Callable[[Conn, ClientSocket], None], events: int = selectors.EVENT_READ
    ) -> None:
        self.poller.register(conn.sock, events, Watch(conn, call))
