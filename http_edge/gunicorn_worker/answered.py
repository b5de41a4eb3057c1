"""The part of the worker that waits for clients to read their answers and to close, without a thread."""

import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from http_edge.gunicorn_worker.client_socket import ClientSocket
from http_edge.gunicorn_worker.event_loop import Conn
from http_edge.gunicorn_worker.waiting import STOP_SECONDS, WaitingWorker

log = logging.getLogger("service")

# Bytes of answers that are kept for their clients, at most. More, and those that have waited longest break off.
MAX_KEPT_BYTES = 64 << 20
# Bytes received after an answer are discarded for at most this many seconds, so that the client sees the answer
# instead of a broken pipe; and for at most this many clients at a time.
LINGER_SECONDS = 5.0
MAX_LINGERING = 256
READ_BYTES = 1 << 18  # per call
# The socket of a lingering client is looked at when it has so many bytes, or is closed.
LINGER_BYTES = 1 << 14
# Seconds between two warnings of clients that do not read.
WARNING_SECONDS = 60.0


class AnsweredWorker(WaitingWorker):
    """`WaitingWorker`, whose event loop also sends what clients have not read yet, and waits for them to close.

    `write_timeout`: seconds that a client may keep an answer waiting, and once more for each MiB of it; `linger_bytes`:
    the most bytes that are discarded after an answer; `on_unread`: called for each client that does not read its answer
    in time, by any thread.
    """

    write_timeout = 30.0
    linger_bytes = 0
    on_unread: Callable[[], None]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._unread_lock = threading.Lock()
        self._unread = 0
        self._next_warning = 0.0

    def finish_request(self, conn: Conn, future: "Future[bool]") -> None:
        """Take over a connection from the thread that has answered its request."""
        is_kept_alive = not future.cancelled() and future.exception() is None and future.result()
        if conn.sock.fileno() == -1 or (conn.sock.has_kept and conn.sock.patience <= 0):  # the answer broke off
            self.nr_conns -= 1
            conn.sock.abort()
            return
        conn.sock.setblocking(False)
        if not conn.sock.has_kept:
            self._go_on(conn, is_kept_alive)
            return
        conn.is_kept_alive = is_kept_alive
        conn.since = time.monotonic()
        self._sending[conn] = None
        self._watch(conn, self._send_rest, selectors.EVENT_WRITE)
        self._bound_waiting()
        keeping = {each: each.sock.kept_bytes for each in self._sending if each.sock.kept_bytes}
        while sum(keeping.values()) > MAX_KEPT_BYTES:
            longest = next(iter(keeping))
            del keeping[longest]
            self._break_off(longest)

    def _send_rest(self, conn: Conn, client: ClientSocket) -> None:
        try:
            if not client.flush():
                return
        except OSError:  # the client has disconnected
            self._forget(conn)
            return
        self.poller.unregister(client)
        del self._sending[conn]
        self._go_on(conn, conn.is_kept_alive)

    def _break_off(self, conn: Conn) -> None:
        self.note_unread(conn)
        self._stop_waiting(conn)
        conn.sock.abort()

    def _go_on(self, conn: Conn, is_kept_alive: bool) -> None:
        if not is_kept_alive:
            self.nr_conns -= 1
            conn.close(graceful=True)
        elif conn.received:  # its next request, or a part of it
            self._await_head(conn)
        else:
            conn.set_timeout()
            if not self.alive:
                conn.timeout = min(conn.timeout, time.monotonic() + STOP_SECONDS)
            self.keepalived_conns.append(conn)
            self._watch(conn, self.on_client_socket_readable)
            self._bound_waiting()

    def murder_pending(self) -> None:
        """Close connections that have waited too long."""
        super().murder_pending()
        now = time.monotonic()
        for conn in [each for each in self._sending if each.sock.patience < now - each.since]:
            self._break_off(conn)
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

    def note_unread(self, conn: Conn) -> None:
        """Count a client that has not read its answer in time, and say so. The request was logged before."""
        log.debug("%s did not read its answer in time", conn.client[0] if conn.client else "a client")
        self.on_unread()
        with self._unread_lock:
            self._unread += 1
            now = time.monotonic()
            if now < self._next_warning:
                return
            unread, self._unread = self._unread, 0
            self._next_warning = now + WARNING_SECONDS
        log.warning("answers were not read in time, and their connections reset: %d since the last such line", unread)
