"""The connections in the worker's event loop, and the callbacks for their sockets."""

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gunicorn.http import get_parser
from gunicorn.workers.gthread import TConn

from http_edge.gunicorn_worker.client_socket import ClientSocket


class Conn(TConn):
    """A connection that does not block the event loop when it is closed.

    `since`: the time at which it began to wait for its client; `looks`: how often the rest of a request head was looked
    for; `is_kept_alive`: whether it goes on after its answer; `discarded`: bytes received after the answer.

    Args:
        cfg: gunicorn's configuration.
        client, address: the client's socket and address.
        server: the address that the client connected to.
        linger: closes the connection gracefully, without blocking.
    """

    sock: ClientSocket

    def __init__(
        self, cfg: Any, client: ClientSocket, address: object, server: object, linger: Callable[["Conn"], None]
    ) -> None:
        super().__init__(cfg, client, address, server)
        self.parser = get_parser(cfg, client, address)
        self.since = time.monotonic()
        self.looks = 0
        self.is_kept_alive = False
        self.discarded = 0
        self._linger = linger

    @property
    def received(self) -> bytes:
        """What was received and is not parsed yet: the next request, or a part of it."""
        return bytes(self.parser.unreader.buf.getvalue())

    def receive(self, data: bytes) -> None:
        """Leave bytes to the parser."""
        self.parser.unreader.unread(self.parser.unreader.take_buffered() + data)

    def set_timeout(self) -> None:
        """Begin to wait for the next request, when the connection is kept alive."""
        super().set_timeout()
        self.since = time.monotonic()

    def close(self, graceful: bool = False) -> None:
        """Close the connection; if `graceful`, after the client has closed its side."""
        if graceful:
            self._linger(self)
        else:
            super().close()


@dataclass(frozen=True)
class Watch:
    """Calls `call` when the socket of `conn` is ready."""

    conn: Conn
    call: Callable[[Conn, ClientSocket], None]

    def __call__(self, client: socket.socket) -> None:
        """Handle the event."""
        if client.fileno() != -1:  # otherwise an earlier event of the same poll closed it
            self.call(self.conn, self.conn.sock)
