"""gunicorn's threaded worker, made safe against slow clients.

gunicorn's own `gthread` lends a thread to each connection while its request head arrives, and waits for clients to
close their connections on the thread that accepts new ones. Forty clients that send half a head, or don't close, stop
it. Here a connection has a thread from the end of its request head to the end of its answer; before and after, the
event loop keeps it.
"""

import contextlib
import errno
import json
import logging
import selectors
import signal
import socket
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, ParseException, UnsupportedTransferCoding
from gunicorn.workers.gthread import ThreadWorker

from http_edge.gunicorn_worker.event_loop import Conn, Watch
from http_edge.gunicorn_worker.raw_problem import send_problem
from superscaling.api_keys import redacted

log = logging.getLogger("service")

HEAD_END = b"\r\n\r\n"
# The most characters of a parse error, which may repeat what the client sent, in the log and in the answer.
MAX_DETAIL = 200
# Largest request head, in bytes.
MAX_HEAD = 32 * 1024
# Connections without a complete request head. One more, and the one that has waited longest is closed: a client with a
# request to send does so at once.
MAX_WAITING_CONNECTIONS = 1000
# Bytes received after an answer are discarded for at most this many seconds, so that the client sees the answer
# instead of a broken pipe; and for at most this many clients at a time.
LINGER_SECONDS = 5.0
MAX_LINGERING = 256
# Seconds that idle clients have to begin a request when the service stops.
STOP_SECONDS = 2.0
READ_BYTES = 1 << 18  # per call

# The statuses of gunicorn's parse errors; all others are 400.
STATUSES = {LimitRequestLine: 414, LimitRequestHeaders: 431, UnsupportedTransferCoding: 501}

# WSGI environment key of a function that closes the connection after the answer.
CLOSE_AFTER_ANSWER = "http_edge.close_after_answer"


class Worker(ThreadWorker):
    """`gthread`, whose event loop waits for request heads and for clients to close.

    `head_timeout`: seconds for a request head; `linger_bytes`: the most bytes that are discarded after an answer;
    `on_stop`: called when the worker begins to stop. gunicorn.conf.py sets all three.
    """

    head_timeout = 30.0
    linger_bytes = 0
    on_stop: Callable[[], None]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lingering: deque[Conn] = deque()
        self.wsgi: Callable[..., Any]

    def init_signals(self) -> None:
        """Ignore SIGINT: Ctrl-C in a terminal reaches every process, and the master tells the worker to finish."""
        super().init_signals()
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def load_wsgi(self) -> None:
        """Load the application, and enable it to close connections: gunicorn ignores its `Connection` header."""
        super().load_wsgi()
        application: Callable[..., Any] = self.wsgi

        def with_close(environ: dict[str, Any], start_response: Any) -> Any:
            # `start_response` is a method of gunicorn's response.
            close: Callable[[], None] = start_response.__self__.force_close
            environ[CLOSE_AFTER_ANSWER] = close

            def start(*answer: Any) -> Any:
                if not self.alive:  # the worker began to stop during the request
                    close()
                return start_response(*answer)

            return application(environ, start)

        self.wsgi = with_close

    def handle_request(self, req: Any, conn: Any) -> bool:
        """Serve a request. Returns whether the connection may stay open."""
        try:
            return bool(super().handle_request(req, conn))
        except TimeoutError:
            # The client does not read its answer. `Chunks` and `EventStream` are logged after the answer, with 499; all
            # other answers have been logged before.
            log.debug("%s did not read its answer in time", conn.client[0] if conn.client else "a client")
            return False

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Handle events. A connection whose handler fails is closed; the others are not affected."""
        for key, _ in self.poller.select(timeout):
            try:
                key.data(key.fileobj)
            except Exception:
                log.exception("a connection failed in the event loop")
                if isinstance(key.data, Watch):
                    self._forget(key.data.conn)

    # Before the request: wait for its head, without a thread.

    def accept(self, listener: socket.socket) -> bool:
        """Accept a connection. Returns whether there was one."""
        try:
            client, address = listener.accept()
        except OSError as exc:
            if exc.errno in (errno.EMFILE, errno.ENFILE):
                self._close_longest_waiting()  # the new one stays in the kernel's queue until a descriptor is free
            return False
        self.nr_conns += 1
        self._await_head(Conn(self.cfg, client, address, listener.getsockname(), self.linger))
        return True

    def set_accept_enabled(self, enabled: bool) -> None:
        """Start or stop listening. A stopping worker refuses connections; gunicorn's own would let them hang."""
        super().set_accept_enabled(enabled)
        if self.alive or enabled:
            return
        log.info("stopping: %d connections are open", self.nr_conns)
        self.on_stop()
        for listener in [each for each in self.sockets if each.fileno() != -1]:
            while self.accept(listener):  # connections that the kernel has accepted are still served
                pass
            listener.close()
        for conn in self.pending_conns:
            conn.timeout = min(conn.timeout, time.monotonic() + STOP_SECONDS)

    def on_client_socket_readable(self, conn: Conn, client: socket.socket) -> None:
        """Wait for the next request head of a connection that was kept alive."""
        if client.fileno() == -1:  # closed by an earlier event of the same poll
            return
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._await_head(conn)

    def _await_head(self, conn: Conn) -> None:
        conn.sock.setblocking(False)
        conn.since = time.monotonic()
        conn.timeout = conn.since + (self.head_timeout if self.alive else STOP_SECONDS)
        conn.peeked = 0
        self.pending_conns.append(conn)
        self._watch(conn, self.on_pending_socket_readable)
        if len(self.pending_conns) + len(self.keepalived_conns) > MAX_WAITING_CONNECTIONS:
            self._close_longest_waiting()

    def on_pending_socket_readable(self, conn: Conn, client: socket.socket) -> None:
        """Peek at the request head, and lend a thread once it is complete."""
        head = b""
        with contextlib.suppress(OSError):
            head = client.recv(MAX_HEAD, socket.MSG_PEEK)
        if HEAD_END in head:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
            super().on_pending_socket_readable(conn, client)
        elif len(head) == conn.peeked:  # readable, but nothing new: the client has disconnected
            self._forget(conn)
        elif len(head) < MAX_HEAD:
            conn.peeked = len(head)
            # Report the socket as readable only when it has more than these bytes.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, len(head) + 1)
        else:
            self._refuse(conn, 431, f"the request head is longer than {MAX_HEAD} bytes")

    def murder_pending(self) -> None:
        """Close connections that have waited too long. The event loop calls this about once a second."""
        now = time.monotonic()
        while self.pending_conns and self.pending_conns[0].timeout < now:
            conn = self.pending_conns[0]
            if conn.peeked:
                seconds = conn.timeout - conn.since  # shorter when the service stops
                self._refuse(conn, 408, f"the request head was not complete within {seconds:.0f} s")
            else:
                self._forget(conn)
        while self._lingering and self._lingering[0].timeout < now:
            self._forget(self._lingering[0])

    def _close_longest_waiting(self) -> None:
        waiting = [conns[0] for conns in (self.pending_conns, self.keepalived_conns) if conns]
        if waiting:
            self._forget(min(waiting, key=lambda conn: conn.since))

    def _refuse(self, conn: Conn, status: int, detail: str) -> None:
        """Answer a waiting connection with a problem document, and close it."""
        self._stop_waiting(conn)
        send_problem(conn.sock, status, detail)
        conn.close(graceful=True)

    def _forget(self, conn: Conn) -> None:
        """Close a waiting connection without an answer."""
        self._stop_waiting(conn)
        conn.close()

    def _stop_waiting(self, conn: Conn) -> None:
        for conns in (self.pending_conns, self.keepalived_conns):
            if conn in conns:
                conns.remove(conn)
                self.nr_conns -= 1
        if conn in self._lingering:
            self._lingering.remove(conn)
        with contextlib.suppress(KeyError, ValueError):  # not registered any more
            self.poller.unregister(conn.sock)

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """Answer a request that gunicorn could not parse."""
        if isinstance(exc, ParseException):
            detail = redacted(str(exc))[:MAX_DETAIL]
            # Written as JSON: nothing that a client sends can forge a line.
            log.warning("malformed request from %s: %s", addr[0] if addr else "a client", json.dumps(detail))
            send_problem(client, STATUSES.get(type(exc), 400), detail)
        else:
            log.error("unexpected error outside the application", exc_info=exc)
            send_problem(client, 500, "the service failed; its log has the details")

    # After the answer: wait for the client to close, without a thread.

    def _keepalive_after(self, conn: Conn, keepalive: bool) -> bool:
        """Close a connection that has sent part of its next request: a thread would wait for the rest of it."""
        return bool(super()._keepalive_after(conn, keepalive)) and not conn.parser.unreader.buf.getvalue()

    def linger(self, conn: Conn) -> None:
        """Close the sending side, and discard what the client sends until it closes its side."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
        except OSError:  # already closed by the client
            conn.close()
            return
        if len(self._lingering) >= MAX_LINGERING:
            conn.close()
            return
        conn.timeout = time.monotonic() + LINGER_SECONDS
        self._lingering.append(conn)
        self._watch(conn, self._discard)

    def _discard(self, conn: Conn, client: socket.socket) -> None:
        data = b""
        with contextlib.suppress(OSError):
            data = client.recv(READ_BYTES)
        conn.discarded += len(data)
        if not data or conn.discarded >= self.linger_bytes:
            self._forget(conn)

    def _watch(self, conn: Conn, call: Callable[[Conn, socket.socket], None]) -> None:
        self.poller.register(conn.sock, selectors.EVENT_READ, Watch(conn, call))
