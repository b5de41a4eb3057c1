"""Large answers in parts."""

from collections.abc import Iterator

from superscaling.errors import ClientGone, ServiceError

# Bytes of an answer handed to the server at a time; the write timeout holds for each.
CHUNK = 1 << 20


class Chunks:
    """The parts of an answer. `error`: what to write down about it, None once all of it was handed over.

    Args:
        data: the answer.
    """

    def __init__(self, data: bytes) -> None:
        self.error: ServiceError | None = not_taken()
        self._data = data

    def __iter__(self) -> Iterator[bytes]:
        view = memoryview(self._data)
        for start in range(0, len(self._data), CHUNK):
            yield bytes(view[start : start + CHUNK])
        # The server comes back only once the last part is sent.
        self.error = None


def not_taken() -> ClientGone:
    """The error of an answer that is on its way: only if it gets there, there was none."""
    return ClientGone("the client hung up, or took nothing for too long, before it had the whole answer")
