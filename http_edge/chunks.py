"""Large answers in parts."""

from collections.abc import Iterator

# Bytes of an answer handed to the server at a time; the write timeout holds for each.
CHUNK = 1 << 20


def chunks(data: bytes) -> Iterator[bytes]:
    """The data, part by part."""
    view = memoryview(data)
    for start in range(0, len(data), CHUNK):
        yield bytes(view[start : start + CHUNK])
