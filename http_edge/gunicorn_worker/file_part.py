"""A part of a file that is sent to a client by the kernel, without a copy in memory."""

import os
from typing import IO


class FilePart:
    """A part of an open file that is still to be sent. It keeps a descriptor of its own."""

    def __init__(self, file: IO[bytes], place: int, count: int) -> None:
        self._descriptor = os.dup(file.fileno())
        self._place = place
        self._left = count

    def send(self, client: int) -> int:
        """Send what a client takes, by its non-blocking descriptor. Returns the number of bytes.

        Raises:
            BlockingIOError: the client takes nothing at the moment.
            OSError: it has disconnected.
        """
        sent = os.sendfile(client, self._descriptor, self._place, self._left)
        if not sent and self._left:
            raise BrokenPipeError("the file has become shorter while it was sent")
        self._place += sent
        self._left -= sent
        return sent

    @property
    def is_sent(self) -> bool:
        """Whether nothing is left."""
        return not self._left

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self._descriptor)
