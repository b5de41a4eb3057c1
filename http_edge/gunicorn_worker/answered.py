"""The part of the worker that waits for clients to read their answers, without a thread."""

import logging
import selectors
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future
from typing import Any

from http_edge.gunicorn_worker.client_socket import ClientSocket
from http_edge.gunicorn_worker.event_loop import Conn
from http_edge.gunicorn_worker.waiting import STOP_SECONDS, WaitingWorker

log = logging.getLogger("service")

# Bytes of answers that are kept for their clients, at most. More, and those that have waited longest break off.
MAX_KEPT_BYTES = 64 << 20
# Seconds between two warnings of clients that do not read.
WARNING_SECONDS = 60.0


class AnsweredWorker(WaitingWorker):
    """`WaitingWorker`, whose event loop also sends what clients have not read yet.

    `write_timeout`: seconds that a client may keep an answer waiting, and once more for each MiB of it; `on_unread`:
    called for each client that does not read its answer in time, by any thread.
    """

    write_timeout = 30.0
    on_unread: Callable[[], None]

    _unread_lock = threading.Lock()
    _unread = 0
    _next_warning = 0.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Connections whose answers are being read.
        self._sending: dict[Conn, None] = {}

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

    def _waiting(self) -> list[Collection[Conn]]:
        return [*super()._waiting(), self._sending]

    def _stop_waiting(self, conn: Conn) -> None:
        if conn in self._sending:
            del self._sending[conn]
            self.nr_conns -= 1
        super()._stop_waiting(conn)

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
