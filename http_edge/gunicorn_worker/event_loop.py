"""What the worker's event loop keeps: connections, and what it does when they have something to read."""

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gunicorn.workers.gthread import TConn


class Conn(TConn):
    """A connection that does not block the event loop when it is closed.

    `since`: when it began to wait for a request; `peeked`: bytes of the request's head that were seen;
    `thrown_away`: bytes read after the answer.

    Args:
        cfg: gunicorn's configuration.
        client, address: of the client.
        server: the address that it has connected to.
        linger: waits for the client to close, without blocking.
    """

    def __init__(
        self, cfg: Any, client: socket.socket, address: object, server: object, linger: Callable[["Conn"], None]
    ) -> None:
        super().__init__(cfg, client, address, server)
        self.since = time.monotonic()
        self.peeked = 0
        self.thrown_away = 0
        self._linger = linger

    def set_timeout(self) -> None:
        """Called when the connection is kept alive for its next request."""
        super().set_timeout()
        self.since = time.monotonic()

    def close(self, graceful: bool = False) -> None:
        """Close it; gracefully: once the client has."""
        if graceful:
            self._linger(self)
        else:
            super().close()


@dataclass(frozen=True)
class Watch:
    """What the event loop does when a connection of ours has something to read."""

    conn: Conn
    call: Callable[[Conn, socket.socket], None]

    def __call__(self, client: socket.socket) -> None:
        """Called with the socket."""
        if client.fileno() != -1:  # else an event of the same turn has closed it
            self.call(self.conn, client)
