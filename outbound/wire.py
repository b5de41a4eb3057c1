"""A connection whose reads and writes end in time, and after so many bytes."""

import io
import socket
from typing import Any

from outbound.patience import Patience
from outbound.refused import Refused


class Wire:
    """What `http.client` needs of a socket.

    `received`: bytes so far; `most`: bytes that may be received in all, which may be raised while it is read.

    Args:
        connection: which is open, and closed by `end`.
        patience: of all that is sent and received.
        most: bytes.
    """

    def __init__(self, connection: socket.socket, patience: Patience, most: int) -> None:
        self._connection = connection
        self._patience = patience
        self.received = 0
        self.most = most

    def sendall(self, data: bytes) -> None:
        """Send all of it.

        Raises:
            Refused, ClientGone: as `Patience.turn`.
            OSError: the connection broke.
        """
        rest = memoryview(data)
        while rest:
            self._connection.settimeout(self._patience.turn())
            try:
                rest = rest[self._connection.send(rest) :]
            except TimeoutError:
                continue

    def receive_into(self, buffer: Any) -> int:
        """Receive what is there, or wait for it. Returns the number of bytes; 0: the other side has ended.

        Raises:
            Refused: there were too many bytes, or the time is over.
            ClientGone: as `Patience.turn`.
            OSError: the connection broke.
        """
        if self.received >= self.most:
            raise Refused(f"it sends too much beside the body: {self.received} bytes in all")
        while True:
            self._connection.settimeout(self._patience.turn())
            try:
                count = self._connection.recv_into(buffer)
            except TimeoutError:
                continue
            self.received += count
            return count

    def makefile(self, mode: str) -> io.BufferedReader:
        """A file to read from."""
        return io.BufferedReader(_Received(self))

    def close(self) -> None:
        """Do nothing: `http.client` calls this when an answer without a length is still to be read."""

    def end(self) -> None:
        """Close the connection."""
        self._connection.close()


class _Received(io.RawIOBase):
    """What a wire receives."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._wire.receive_into(buffer)
