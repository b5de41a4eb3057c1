"""A client's socket that makes no thread wait for a client that does not read."""

import contextlib
import os
import select
import socket
import struct
import time
from collections import deque
from typing import Any

from http_edge.gunicorn_worker.file_part import FilePart

MIB = 1 << 20
DROP = struct.pack("ii", 1, 0)  # `struct linger`: for 0 s
# A client that sends its body in pieces of less than this many bytes is read from less often, after so many such pieces
# in succession. Thousands of system calls a second, for a byte each, would slow down all other threads.
SMALL_PIECE, MAX_SMALL_PIECES, NAP_SECONDS = 512, 16, 0.005


class ClientSocket(socket.socket):
    """A client's socket. What the kernel has no room for is kept, and sent by `flush`.

    A client may keep an answer waiting for `seconds` in total, and as long again for each MiB that it takes.
    `begin_answer` sets that. The thread of an answer that is too large to be kept, or is made while it is sent, has to
    wait: `wait_for_client`.
    """

    def __init__(self, fileno: int) -> None:
        super().__init__(fileno=fileno)
        self._kept: deque[memoryview | FilePart] = deque()
        self._seconds = 0.0
        self._waited = 0.0
        self._taken = 0
        self._waits = False
        self._small_pieces = 0

    def begin_answer(self, seconds: float) -> None:
        """Begin to count the time and the bytes of the next answer."""
        self._seconds = seconds
        self._waited = 0.0
        self._taken = 0
        self._waits = False
        self._small_pieces = 0

    def wait_for_client(self) -> None:
        """Let the thread that sends the rest of this answer wait until the client has taken it."""
        self._waits = True

    @property
    def has_begun(self) -> bool:
        """Whether something of the answer was sent, or is to be."""
        return bool(self._taken or self._kept)

    @property
    def has_kept(self) -> bool:
        """Whether there is something to `flush`."""
        return bool(self._kept)

    @property
    def kept_bytes(self) -> int:
        """The bytes in memory until all is sent: an answer counts whole, as long as a part of it is kept."""
        return sum(memoryview(each.obj).nbytes for each in self._kept if isinstance(each, memoryview))

    @property
    def patience(self) -> float:
        """Seconds for which the client may still keep the answer waiting."""
        return self._seconds * (1 + self._taken / MIB) - self._waited

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Send bytes, or keep them.

        Raises:
            TimeoutError: the thread waits for the client, which has taken too long.
            OSError: the client has disconnected.
        """
        self._kept.append(memoryview(bytes(data)))
        if not self.flush() and self._waits:
            self._wait_until_sent()

    def send(self, data: Any, flags: int = 0, /) -> int:
        """The same; returns the number of bytes."""
        self.sendall(data)
        return len(data)

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Keep a part of a file, which the event loop sends. Returns the number of bytes."""
        size = os.fstat(file.fileno()).st_size - offset if count is None else count
        self._kept.append(FilePart(file, offset, size))
        return size

    def flush(self) -> bool:
        """Send of what was kept as much as the client takes at once. Returns whether that was all.

        Raises:
            OSError: the client has disconnected.
        """
        while self._kept:
            first = self._kept[0]
            try:
                if isinstance(first, memoryview):
                    sent = super().send(first, socket.MSG_DONTWAIT)
                    self._kept[0] = first[sent:]
                    is_sent = sent == first.nbytes
                elif self.getblocking():
                    return False  # `sendfile` would wait
                else:
                    sent = first.send(self.fileno())
                    is_sent = first.is_sent
            except BlockingIOError:
                return False
            self._taken += sent
            if is_sent:
                self._kept.popleft()
                if isinstance(first, FilePart):
                    first.close()
        return True

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Receive bytes, after all that was kept has been sent: the client may be waiting for `100 Continue`.

        Raises:
            TimeoutError: the client has not taken that in time.
            OSError: it has disconnected.
        """
        if self._kept:
            self._wait_until_sent()
        if self._small_pieces > MAX_SMALL_PIECES:
            time.sleep(NAP_SECONDS)
        data = super().recv(size, flags)
        self._small_pieces = self._small_pieces + 1 if len(data) < min(size, SMALL_PIECE) else 0
        return data

    def receive(self, size: int) -> bytes:
        """What has arrived; nothing if the client has disconnected.

        Raises:
            BlockingIOError: nothing has arrived.
        """
        try:
            return super().recv(size, socket.MSG_DONTWAIT)
        except BlockingIOError:
            raise
        except OSError:
            return b""

    def abort(self) -> None:
        """Close the socket, and drop what the kernel has for a client that does not read."""
        with contextlib.suppress(OSError):  # closed already
            self.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, DROP)
        self.close()

    def close(self) -> None:
        """Close the socket, and the files that were to be sent."""
        for each in self._kept:
            if isinstance(each, FilePart):
                each.close()
        self._kept.clear()
        super().close()

    def _wait_until_sent(self) -> None:
        poll = select.poll()
        poll.register(self, select.POLLOUT)
        timeout = self.gettimeout()
        self.setblocking(False)  # parts of files are not sent otherwise
        try:
            while not self.flush():
                start = time.monotonic()
                poll.poll(max(0.0, self.patience) * 1000)
                self._waited += time.monotonic() - start
                if self.patience <= 0:
                    raise TimeoutError("the client did not read its answer in time")
        finally:
            self.settimeout(timeout)


def accept(listener: socket.socket) -> tuple[ClientSocket, Any]:
    """Accept a connection: the client's socket and address.

    Raises:
        OSError: there is none, or no file descriptor for it.
    """
    client, address = listener.accept()
    with contextlib.ExitStack() as stack:
        stack.callback(client.close)
        accepted = ClientSocket(client.fileno())
        client.detach()
        stack.pop_all()
    return accepted, address
