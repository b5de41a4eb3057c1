"""gunicorn's threaded worker, made safe against slow clients.

gunicorn's own `gthread` lends a thread to each connection while its request's head comes in, and waits, on the thread
that accepts connections, for clients to close theirs. Forty clients that send half a head, or do not hang up, silence
it. Here a client has a thread from the end of its request's head to the end of its answer; before and after, the
event loop keeps it.
"""

import contextlib
import functools
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from gunicorn.util import write_error
from gunicorn.workers.gthread import TConn, ThreadWorker

HEAD_END = b"\r\n\r\n"
# The longest request head, in bytes.
MAX_HEAD = 32 * 1024
# After an answer what the client still sends is thrown away for at most these seconds, so that it sees the answer and
# not a broken pipe; and for at most this many clients at a time.
LINGER_SECONDS = 5.0
MAX_LINGERING = 256
CHUNK = 1 << 18  # bytes read at a time

# The key in the WSGI environment of a function that makes the connection close after the answer.
CLOSE_AFTER_ANSWER = "http_edge.close_after_answer"


class Worker(ThreadWorker):
    """`gthread`, with the waiting done by the event loop.

    `head_timeout`: seconds that a client has for its request's head; `linger_bytes`: the most bytes that are thrown
    away after an answer. Both are set by gunicorn.conf.py.
    """

    head_timeout = 30.0
    linger_bytes = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lingering: deque[Conn] = deque()
        self.wsgi: Callable[..., Any]

    def load_wsgi(self) -> None:
        """Load the application, and let it close connections (a `Connection` header of its own would be ignored)."""
        super().load_wsgi()
        application: Callable[..., Any] = self.wsgi

        def with_close(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
            environ[CLOSE_AFTER_ANSWER] = start_response.__self__.force_close  # type: ignore[attr-defined]
            return application(environ, start_response)

        self.wsgi = with_close

    # Before the request: wait for its head.

    def accept(self, listener: socket.socket) -> bool:
        """Accept a connection, if there is one; no thread is lent to it yet."""
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return False
        self.nr_conns += 1
        self._await_head(Conn(self, client, address, listener.getsockname()))
        return True

    def set_accept_enabled(self, enabled: bool) -> None:
        """Listen or not; a worker that stops refuses further connections, where gunicorn's would let them hang."""
        super().set_accept_enabled(enabled)
        if not self.alive:
            for listener in [each for each in self.sockets if each.fileno() != -1]:
                while self.accept(listener):  # who got in before is still served
                    pass
                listener.close()

    def on_client_socket_readable(self, conn: "Conn", client: socket.socket) -> None:
        """A connection that was kept alive has its next request's first bytes."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._await_head(conn)

    def _await_head(self, conn: "Conn") -> None:
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + self.head_timeout
        self.pending_conns.append(conn)
        self._watch(conn, self.on_pending_socket_readable)

    def on_pending_socket_readable(self, conn: "Conn", client: socket.socket) -> None:
        """Look, without taking it, whether the head is complete; only then lend a thread."""
        head = b""
        with contextlib.suppress(OSError):
            head = client.recv(MAX_HEAD, socket.MSG_PEEK)
        if head and HEAD_END not in head:
            if len(head) < MAX_HEAD:
                # Be woken by more than what is there already.
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, len(head) + 1)
                return
            self.poller.unregister(client)
            self.pending_conns.remove(conn)
            self.nr_conns -= 1
            write_error(client, 431, "Request Header Fields Too Large", f"at most {MAX_HEAD} bytes are read")
            conn.close(graceful=True)
            return
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
        super().on_pending_socket_readable(conn, client)

    # After the answer: wait for the client to close.

    def _keepalive_after(self, conn: "Conn", keepalive: bool) -> bool:
        """Keep no connection with bytes read ahead: their rest would be waited for on a thread."""
        return super()._keepalive_after(conn, keepalive) and not conn.parser.unreader.buf.getvalue()

    def linger(self, conn: "Conn") -> None:
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

    def _throw_away(self, conn: "Conn", client: socket.socket) -> None:
        data = b""
        with contextlib.suppress(OSError):
            data = client.recv(CHUNK)
        conn.thrown_away += len(data)
        if not data or conn.thrown_away >= self.linger_bytes:
            self._lingering.remove(conn)
            self._let_go(conn)

    def murder_pending(self) -> None:
        """Called by the event loop about once a second: end what has waited too long."""
        super().murder_pending()
        while self._lingering and self._lingering[0].timeout < time.monotonic():
            self._let_go(self._lingering.popleft())

    def _let_go(self, conn: "Conn") -> None:
        self.poller.unregister(conn.sock)
        conn.close()

    def _watch(self, conn: "Conn", call: Callable[["Conn", socket.socket], None]) -> None:
        self.poller.register(conn.sock, selectors.EVENT_READ, functools.partial(call, conn))


class Conn(TConn):
    """A connection that does not block the event loop when it is closed."""

    def __init__(self, worker: Worker, client: socket.socket, address: object, server: object) -> None:
        super().__init__(worker.cfg, client, address, server)
        self.thrown_away = 0
        self._worker = worker

    def close(self, graceful: bool = False) -> None:
        """Close it; gracefully: once the client has."""
        if graceful:
            self._worker.linger(self)
        else:
            super().close()
