"""Finds the files in which an ONNX file keeps its weights, if they are not in itself.

Reads the wire format of protocol buffers (protobuf.dev/programming-guides/encoding), as far as the ways from a model to
its tensors go, so that no package is needed.
"""

import mmap
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

# Message -> field -> message, as in onnx.proto: the ways from a model to what is said about a tensor's file.
WAYS = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse tensor", 23: "sparse tensor"},
    "sparse tensor": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
# Of an entry, which has a key and a value.
KEY, VALUE = 1, 2
# The most fields on these ways: a network of ten thousand layers has some 100 000.
MAX_FIELDS = 1_000_000
MAX_NAME = 1024  # bytes
# Kind of a field -> its bytes; of the others, a number of any length and so many bytes as it says, they vary.
LENGTHS = {1: 8, 5: 4}
NUMBER, BYTES = 0, 2


def external_files(path: Path) -> list[str]:
    """Names of the files that an ONNX file names for its weights, relative to its folder, in alphabetical order.

    A damaged file has those before the damage; who reads the network will refuse it.

    Raises:
        ValueError: it names a file outside of its folder, or has too many fields.
        OSError: it can't be read.
    """
    if not path.stat().st_size:  # which can't be mapped
        return []
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        names = {name.decode(errors="replace") for name in _locations(data)}
    for name in names:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or "\0" in name:
            raise ValueError(f"its weights are in {name!r}, and must be in its own folder")
    return sorted(names)


def _locations(data: mmap.mmap) -> Iterator[bytes]:
    spans = [("model", 0, len(data))]
    fields = 0
    while spans:
        message, start, stop = spans.pop()
        entry = dict[int, bytes]()
        for field, first, last in _fields(data, start, stop):
            if (fields := fields + 1) > MAX_FIELDS:
                raise ValueError(f"it has more than {MAX_FIELDS} fields")
            if message == "entry" and field in (KEY, VALUE):
                entry[field] = data[first : min(last, first + MAX_NAME)]
            elif field in WAYS.get(message, ()):
                spans.append((WAYS[message][field], first, last))
        if entry.get(KEY) == b"location":
            yield entry.get(VALUE, b"")


def _fields(data: mmap.mmap, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
    """Number, start and end of each field of a message. Those that are numbers are empty."""
    at = start
    while at < stop:
        tag, at = _varint(data, at, stop)
        kind, length = tag & 7, LENGTHS.get(tag & 7, 0)
        if kind in (NUMBER, BYTES):
            number, at = _varint(data, at, stop)
            length = number if kind == BYTES else 0
        elif not length:
            return
        if at + length > stop:
            return
        yield tag >> 3, at, at + length
        at += length


def _varint(data: mmap.mmap, at: int, stop: int) -> tuple[int, int]:
    """A number of seven bits per byte, the lowest first, of at most ten bytes, and where it ends."""
    number = 0
    for shift in range(0, 70, 7):
        if at >= stop:
            break
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
    return number, stop + 1  # damaged: nothing follows
