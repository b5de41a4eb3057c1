"""Writes directories of tags, as in TIFF files and EXIF blocks, byte for byte. (TIFF 6.0)"""

import struct
from collections.abc import Mapping

from superscaling.recognition.directories import LONG, LONG8, Entry


def write_directories(
    main: Mapping[int, Entry],
    inner: Mapping[int, Mapping[int, Entry]],
    order: str,
    start: int,
    fixed: tuple[int, int] | None = None,
    *,
    is_big: bool = False,
) -> bytes:
    """Write a directory with everything that it points to.

    Args:
        main: entries of the directory, which comes first.
        inner: directories that `main` or another of them points to: tag of the pointer -> entries. A pointer is an
            entry of type LONG, which is replaced.
        order: `<` or `>`, of all entries.
        start: the offset of the result in its file or block; even.
        fixed: a tag of `inner`, and the offset at which its value shall lie, if there is room before it for the
            directories.
        is_big: whether they are of a BigTIFF, whose counts and offsets have 64 bits.
    """
    count, head, offset = ("Q", "HHQ8s", "Q") if is_big else ("H", "HHI4s", "I")
    inline = struct.calcsize(offset)
    room = _Room(start)
    tables = [main, *inner.values()]
    sizes = [struct.calcsize(order + count) + struct.calcsize(order + head) * len(table) + inline for table in tables]
    if fixed:
        tag, place = fixed
        length = max((len(table[tag].data) for table in tables if tag in table), default=0)
        if length > inline and place >= start + sum(size + size % 2 for size in sizes):
            room.reserve(place, length)
    places = [room.place(size) for size in sizes]
    pointers = dict(zip(inner, places[1:], strict=True))
    for place, table in zip(places, tables, strict=True):
        packed = struct.pack(order + count, len(table))
        for tag, entry in sorted(table.items()):
            if tag in pointers:
                entry = Entry(LONG8 if is_big else LONG, struct.pack(order + offset, pointers[tag]))
            data = entry.data
            if len(data) <= inline:
                value = data.ljust(inline, b"\0")
            else:
                is_fixed = fixed is not None and tag == fixed[0] and room.reserved is not None
                at = room.reserved[0] if is_fixed and room.reserved else room.place(len(data))
                room.write(at, data)
                value = struct.pack(order + offset, at)
            packed += struct.pack(order + head, tag, entry.kind, entry.values, value)
        room.write(place, packed + bytes(inline))
    return bytes(room.content)


class _Room:
    """Offsets for parts of a block, around a reserved part."""

    def __init__(self, start: int) -> None:
        self.content = bytearray()
        self.reserved: tuple[int, int] | None = None
        self._start = start
        self._low = self._high = start

    def reserve(self, place: int, length: int) -> None:
        self.reserved = (place, length)
        self._high = place + length + length % 2

    def place(self, length: int) -> int:
        """An even offset for `length` bytes."""
        length += length % 2
        if self.reserved and self._low + length <= self.reserved[0]:
            self._low += length
            return self._low - length
        self._high += length
        return self._high - length

    def write(self, place: int, data: bytes) -> None:
        """Write at an offset."""
        place -= self._start
        end = place + len(data) + len(data) % 2
        if len(self.content) < end:
            self.content.extend(bytes(end - len(self.content)))
        self.content[place : place + len(data)] = data
