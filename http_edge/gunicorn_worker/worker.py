"""gunicorn's threaded worker, made safe against slow clients.

gunicorn's own `gthread` lends a thread to each connection while its request's head comes in, and waits, on the thread
that accepts connections, for clients to close theirs. Forty clients that send half a head, or do not hang up, silence
it. Here a client has a thread from the end of its request's head to the end of its answer; before and after, the
event loop keeps it.
"""

import contextlib
import errno
import json
import logging
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, ParseException, UnsupportedTransferCoding
from gunicorn.workers.gthread import ThreadWorker

from http_edge.gunicorn_worker.event_loop import Conn, Watch
from http_edge.gunicorn_worker.raw_problem import send_problem

log = logging.getLogger("service")

HEAD_END = b"\r\n\r\n"
# The longest request head, in bytes.
MAX_HEAD = 32 * 1024
# Connections that wait for a (next) request's head. One more, and the one that waits longest is closed: a client that
# has something to send does so at once.
MAX_WAITING = 1000
# After an answer what the client still sends is thrown away for at most these seconds, so that it sees the answer and
# not a broken pipe; and for at most this many clients at a time.
LINGER_SECONDS = 5.0
MAX_LINGERING = 256
# What clients that wait for nothing have, in seconds, when the service stops.
STOP_SECONDS = 2.0
CHUNK = 1 << 18  # bytes read at a time

# gunicorn's errors whose status is not 400.
STATUSES = {LimitRequestLine: 414, LimitRequestHeaders: 431, UnsupportedTransferCoding: 501}

# The key in the WSGI environment of a function that makes the connection close after the answer.
CLOSE_AFTER_ANSWER = "http_edge.close_after_answer"


class Worker(ThreadWorker):
    """`gthread`, with the waiting done by the event loop.

    `head_timeout`: seconds that a client has for its request's head; `linger_bytes`: the most bytes that are thrown
    away after an answer; `on_stop`: called when the worker begins to stop. All are set by gunicorn.conf.py.
    """

    head_timeout = 30.0
    linger_bytes = 0
    on_stop: Callable[[], None]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lingering: deque[Conn] = deque()
        self.wsgi: Callable[..., Any]

    def load_wsgi(self) -> None:
        """Load the application, and let it close connections (a `Connection` header of its own would be ignored)."""
        super().load_wsgi()
        application: Callable[..., Any] = self.wsgi

        def with_close(environ: dict[str, Any], start_response: Any) -> Any:
            close: Callable[[], None] = start_response.__self__.force_close  # it is a method of the response
            environ[CLOSE_AFTER_ANSWER] = close

            def start(*answer: Any) -> Any:
                if not self.alive:  # the service began to stop while it worked
                    close()
                return start_response(*answer)

            return application(environ, start)

        self.wsgi = with_close

    def handle_request(self, req: Any, conn: Any) -> bool:
        """Serve a request; whether its connection may stay open."""
        try:
            return bool(super().handle_request(req, conn))
        except TimeoutError:
            # The client takes nothing of its answer: it counts as gone. The request's line in the log says so (499)
            # where it is written after the answer: for `Chunks` and `EventStream`. For all others it came before.
            log.debug("%s took nothing of its answer for too long", conn.client[0] if conn.client else "a client")
            return False

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Call what waits for an event; a connection that fails is closed and disturbs no other one."""
        for key, _ in self.poller.select(timeout):
            try:
                key.data(key.fileobj)
            except Exception:
                log.exception("a connection failed in the event loop")
                if isinstance(key.data, Watch):
                    self._forget(key.data.conn)

    # Before the request: wait for its head.

    def accept(self, listener: socket.socket) -> bool:
        """Accept a connection, if there is one; no thread is lent to it yet."""
        try:
            client, address = listener.accept()
        except OSError as exc:
            if exc.errno in (errno.EMFILE, errno.ENFILE):
                self._close_longest_waiting()  # it stays in the kernel's queue until there is a file descriptor
            return False
        self.nr_conns += 1
        self._await_head(Conn(self.cfg, client, address, listener.getsockname(), self.linger))
        return True

    def set_accept_enabled(self, enabled: bool) -> None:
        """Listen or not; a worker that stops refuses further connections, where gunicorn's would let them hang."""
        super().set_accept_enabled(enabled)
        if self.alive or enabled:
            return
        log.info("stopping: %d connections are open", self.nr_conns)
        self.on_stop()
        for listener in [each for each in self.sockets if each.fileno() != -1]:
            while self.accept(listener):  # who got in before is still served
                pass
            listener.close()
        for conn in self.pending_conns:
            conn.timeout = min(conn.timeout, time.monotonic() + STOP_SECONDS)

    def on_client_socket_readable(self, conn: Conn, client: socket.socket) -> None:
        """A connection that was kept alive has its next request's first bytes."""
        if client.fileno() == -1:  # an event of the same turn has closed it
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
        if len(self.pending_conns) + len(self.keepalived_conns) > MAX_WAITING:
            self._close_longest_waiting()

    def on_pending_socket_readable(self, conn: Conn, client: socket.socket) -> None:
        """Look, without taking it, whether the head is complete; only then lend a thread."""
        head = b""
        with contextlib.suppress(OSError):
            head = client.recv(MAX_HEAD, socket.MSG_PEEK)
        if HEAD_END in head:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
            super().on_pending_socket_readable(conn, client)
        elif len(head) == conn.peeked:  # woken, and nothing new: the client has hung up
            self._forget(conn)
        elif len(head) < MAX_HEAD:
            conn.peeked = len(head)
            # Be woken by more than what is there already.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, len(head) + 1)
        else:
            self._refuse(conn, 431, f"the request's head is longer than {MAX_HEAD} bytes")

    def murder_pending(self) -> None:
        """End what has waited too long; called by the event loop about once a second."""
        now = time.monotonic()
        while self.pending_conns and self.pending_conns[0].timeout < now:
            conn = self.pending_conns[0]
            if conn.peeked:
                seconds = conn.timeout - conn.since  # less once the service stops
                self._refuse(conn, 408, f"the request's head was not complete within {seconds:.0f} s")
            else:
                self._forget(conn)
        while self._lingering and self._lingering[0].timeout < now:
            self._forget(self._lingering[0])

    def _close_longest_waiting(self) -> None:
        waiting = [conns[0] for conns in (self.pending_conns, self.keepalived_conns) if conns]
        if waiting:
            self._forget(min(waiting, key=lambda conn: conn.since))

    def _refuse(self, conn: Conn, status: int, detail: str) -> None:
        """Answer a connection that waited for its request's head."""
        self._stop_waiting(conn)
        send_problem(conn.sock, status, detail)
        conn.close(graceful=True)

    def _forget(self, conn: Conn) -> None:
        """Close a connection that waits for something, whatever it is."""
        self._stop_waiting(conn)
        conn.close()

    def _stop_waiting(self, conn: Conn) -> None:
        for conns in (self.pending_conns, self.keepalived_conns):
            if conn in conns:
                conns.remove(conn)
                self.nr_conns -= 1
        if conn in self._lingering:
            self._lingering.remove(conn)
        with contextlib.suppress(KeyError, ValueError):  # it is not watched any more
            self.poller.unregister(conn.sock)

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """Answer a request that gunicorn could not read: it is no HTTP."""
        if isinstance(exc, ParseException):
            # As a JSON value, so that nothing a client sends can pass for a line of its own.
            log.warning("no HTTP from %s: %s", addr[0] if addr else "a client", json.dumps(str(exc)[:200]))
            send_problem(client, STATUSES.get(type(exc), 400), str(exc)[:200])
        else:
            log.error("error outside of the application", exc_info=exc)
            send_problem(client, 500, "the service failed; its log has the details")

    # After the answer: wait for the client to close.

    def _keepalive_after(self, conn: Conn, keepalive: bool) -> bool:
        """Keep no connection with bytes read ahead: their rest would be waited for on a thread."""
        return bool(super()._keepalive_after(conn, keepalive)) and not conn.parser.unreader.buf.getvalue()

    def linger(self, conn: Conn) -> None:
        """Say that no more comes, and throw away what the client sends until it has closed."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
        except OSError:  # it has closed already
            conn.close()
            return
        if len(self._lingering) >= MAX_LINGERING:
            conn.close()
            return
        conn.timeout = time.monotonic() + LINGER_SECONDS
        self._lingering.append(conn)
        self._watch(conn, self._throw_away)

    def _throw_away(self, conn: Conn, client: socket.socket) -> None:
        data = b""
        with contextlib.suppress(OSError):
            data = client.recv(CHUNK)
        conn.thrown_away += len(data)
        if not data or conn.thrown_away >= self.linger_bytes:
            self._forget(conn)

    def _watch(self, conn: Conn, call: Callable[[Conn, socket.socket], None]) -> None:
        self.poller.register(conn.sock, selectors.EVENT_READ, Watch(conn, call))
