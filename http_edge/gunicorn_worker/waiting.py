"""The part of the worker that waits for request heads, in the event loop and without a thread."""

import errno
import logging
import socket
import time
from collections.abc import Collection
from typing import Any

from http_edge.gunicorn_worker.client_socket import ClientSocket, accept
from http_edge.gunicorn_worker.closing import ClosingWorker
from http_edge.gunicorn_worker.event_loop import Conn, Watch
from http_edge.gunicorn_worker.raw_problem import send_problem

log = logging.getLogger("service")

HEAD_END = b"\r\n\r\n"
# Largest request head, in bytes.
MAX_HEAD = 32 * 1024
# Connections that wait for their clients: for a request head, or for an answer to be read. One more, and the one that
# has waited longest is closed: a client with a request to send does so at once.
MAX_WAITING_CONNECTIONS = 1000
# Seconds that idle clients have to begin a request when the service stops.
STOP_SECONDS = 2.0
# A head usually comes as a whole. After so many looks at one that does not, each further look waits for so long:
# otherwise a few clients that send byte by byte would keep the event loop busy.
MAX_LOOKS, REST_SECONDS = 4, 0.25


class WaitingWorker(ClosingWorker):
    """`ClosingWorker`, whose event loop also waits for request heads.

    `head_timeout`: seconds for a request head.
    """

    head_timeout = 30.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Until when connections are not looked at, in the order of these times.
        self._resting: dict[Conn, float] = {}

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Handle events. A connection whose handler fails is closed; the others are not affected."""
        if self._resting:
            timeout = min(timeout, max(0.0, next(iter(self._resting.values())) - time.monotonic()))
        for key, _ in self.poller.select(timeout):
            try:
                key.data(key.fileobj)
            except Exception:
                log.exception("a connection failed in the event loop")
                if isinstance(key.data, Watch):
                    self._forget(key.data.conn)
        now = time.monotonic()
        while self._resting and next(iter(self._resting.values())) <= now:
            conn = next(iter(self._resting))
            del self._resting[conn]
            self._watch(conn, self.on_pending_socket_readable)

    def accept(self, listener: socket.socket) -> bool:
        """Accept a connection. Returns whether there was one."""
        try:
            client, address = accept(listener)
        except OSError as exc:
            if exc.errno in (errno.EMFILE, errno.ENFILE):
                self._close_longest_waiting()  # the new one stays in the kernel's queue until a descriptor is free
            return False
        self.nr_conns += 1
        self._await_head(Conn(self.cfg, client, address, listener.getsockname(), self.linger))
        return True

    def on_client_socket_readable(self, conn: Conn, client: ClientSocket) -> None:
        """Wait for the next request head of a connection that was kept alive."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._await_head(conn)

    def _await_head(self, conn: Conn) -> None:
        if HEAD_END in conn.received:  # it came behind the last request
            self.enqueue_req(conn)
            return
        conn.sock.setblocking(False)
        conn.since = time.monotonic()
        conn.timeout = conn.since + (self.head_timeout if self.alive else STOP_SECONDS)
        conn.looks = 0
        self.pending_conns.append(conn)
        self._watch(conn, self.on_pending_socket_readable)
        self._bound_waiting()

    def on_pending_socket_readable(self, conn: Conn, client: ClientSocket) -> None:
        """Receive more of a request head, and lend a thread once it is complete.

        To peek at it would take the kernel a time that grows with the square of the number of packets.
        """
        try:
            data = client.receive(MAX_HEAD - len(conn.received))
        except BlockingIOError:
            return
        conn.receive(data)
        if not data:  # the client has disconnected
            self._forget(conn)
        elif HEAD_END in conn.received:
            super().on_pending_socket_readable(conn, client)
        elif len(conn.received) >= MAX_HEAD:
            self._refuse(conn, 431, f"the request head is longer than {MAX_HEAD} bytes")
        else:
            conn.looks += 1
            if conn.looks >= MAX_LOOKS:
                self.poller.unregister(client)
                self._resting[conn] = time.monotonic() + REST_SECONDS

    def murder_pending(self) -> None:
        """Close connections that have waited too long."""
        super().murder_pending()
        now = time.monotonic()
        while self.pending_conns and self.pending_conns[0].timeout < now:
            conn = self.pending_conns[0]
            if conn.received:
                seconds = conn.timeout - conn.since  # shorter when the service stops
                self._refuse(conn, 408, f"the request head was not complete within {seconds:.0f} s")
            else:
                self._forget(conn)

    def _waiting(self) -> list[Collection[Conn]]:
        """All connections that wait for their clients: of each kind, those first that have waited longest."""
        return [self.pending_conns, self.keepalived_conns]

    def _bound_waiting(self) -> None:
        if sum(map(len, self._waiting())) > MAX_WAITING_CONNECTIONS:
            self._close_longest_waiting()

    def _close_longest_waiting(self) -> None:
        longest = [next(iter(conns)) for conns in self._waiting() if conns]
        if longest:
            self._forget(min(longest, key=lambda conn: conn.since))

    def _refuse(self, conn: Conn, status: int, detail: str) -> None:
        """Answer a waiting connection with a problem document, and close it."""
        self._stop_waiting(conn)
        send_problem(conn.sock, status, detail)
        conn.close(graceful=True)

    def _stop_waiting(self, conn: Conn) -> None:
        for conns in (self.pending_conns, self.keepalived_conns):
            if conn in conns:
                conns.remove(conn)
                self.nr_conns -= 1
        self._resting.pop(conn, None)
        super()._stop_waiting(conn)
