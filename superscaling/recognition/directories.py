"""Directories of tags, as in TIFF files and EXIF blocks: read byte for byte. (TIFF 6.0; BigTIFF.)"""

import struct
from collections.abc import Container
from dataclasses import dataclass, field
from typing import NamedTuple

# Real directories have some dozen tags.
MAX_TAGS = 2000
# Type -> bytes of one number; of fractions, of each of the two.
WIDTHS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 1, 7: 1, 8: 2, 9: 4, 10: 4, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
ASCII, SHORT, LONG, RATIONAL, UNDEFINED, SLONG, SRATIONAL, DOUBLE, LONG8 = 2, 3, 4, 5, 7, 9, 10, 12, 16
FRACTIONS = (RATIONAL, SRATIONAL)
# Types of integers -> their `struct` format.
INTEGERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
# Types that only BigTIFF has -> the same in other files.
NARROWED = {16: LONG, 17: SLONG, 18: LONG}
EVERY_TAG = range(1 << 16)
# Tags that point to further directories: EXIF, GPS, interoperability.
POINTERS = (0x8769, 0x8825, 0xA005)


class Entry(NamedTuple):
    """A tag's value: `kind` is its type, `data` its bytes in the byte order of its directory."""

    kind: int
    data: bytes

    @property
    def values(self) -> int:
        """How many values there are."""
        return len(self.data) // _size(self.kind)

    def integers(self, order: str) -> tuple[int, ...]:
        """The numbers; empty if it is of another type."""
        if self.kind not in INTEGERS:
            return ()
        return struct.unpack(f"{order}{self.values}{INTEGERS[self.kind]}", self.data)


@dataclass(frozen=True)
class Layout:
    """`order`: `<` or `>`; the others are `struct` formats of the parts of a directory."""

    order: str
    count: str = "H"
    entry: str = "HHI4s"
    offset: str = "I"
    first: int = 4  # where the offset of the first directory stands


LAYOUTS = {
    b"II*\0": Layout("<"),
    b"MM\0*": Layout(">"),
    b"II+\0": Layout("<", "Q", "HHQ8s", "Q", 8),
    b"MM\0+": Layout(">", "Q", "HHQ8s", "Q", 8),
}


@dataclass
class Directory:
    """`entries`: by tag; `places`: offsets of the longer values; `following`: the next directory's offset, or 0.

    `broken`: tags whose values are not in the file or of an unknown type; `repeated`: tags that occur again, of which
    the first is taken.
    """

    entries: dict[int, Entry] = field(default_factory=dict)
    places: dict[int, int] = field(default_factory=dict)
    following: int = 0
    broken: list[int] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)


def layout_of(data: bytes) -> Layout | None:
    """The layout of a file or block by its first bytes; None if it is none."""
    return LAYOUTS.get(bytes(data[:4]))


def first_directory(data: bytes, layout: Layout) -> int:
    """The offset of the first directory; 0 if there is none."""
    try:
        return int(struct.unpack_from(layout.order + layout.offset, data, layout.first)[0])
    except struct.error:
        return 0


def read_directory(
    data: bytes, place: int, layout: Layout, skipped: Container[int] = (), only: Container[int] = EVERY_TAG
) -> Directory:
    """Read the directory at `place`: tags in `only`, without those in `skipped`. It may be cut off; never raises.

    All values together are at most as long as `data`, although directories may point to the same bytes.
    """
    found = Directory()
    order, size = layout.order, struct.calcsize(layout.order + layout.entry)
    try:
        (count,) = struct.unpack_from(order + layout.count, data, place)
    except (struct.error, OverflowError):
        return found
    place += struct.calcsize(order + layout.count)
    rest = len(data)
    for at in range(place, min(place + min(count, MAX_TAGS) * size, len(data) - size + 1), size):
        tag, kind, number, inline = struct.unpack_from(order + layout.entry, data, at)
        if tag in skipped or tag not in only:
            continue
        if tag in found.entries:
            found.repeated.append(tag)
            continue
        length = number * _size(kind)
        if length <= len(inline):
            start, value = at, inline[:length]
        else:
            (start,) = struct.unpack(order + layout.offset, inline)
            value = data[start : start + length] if length <= rest else b""
        rest -= length
        if kind not in WIDTHS or len(value) < length or rest < 0:
            found.broken.append(tag)
            continue
        found.entries[tag] = Entry(kind, bytes(value))
        if length > len(inline):
            found.places[tag] = start
    try:
        (found.following,) = struct.unpack_from(order + layout.offset, data, place + count * size)
    except (struct.error, OverflowError):
        found.following = 0
    return found


def reordered(entry: Entry, order: str, wanted: str) -> Entry:
    """The entry in another byte order. (What is in UNDEFINED blocks stays as it is.)"""
    width = WIDTHS[entry.kind]
    if order == wanted or width == 1:
        return entry
    return entry._replace(
        data=b"".join(entry.data[at : at + width][::-1] for at in range(0, len(entry.data), width)),
    )


def narrowed(entry: Entry, order: str) -> Entry | None:
    """The entry with a type that every TIFF has; None if its numbers don't fit."""
    if (kind := NARROWED.get(entry.kind)) is None:
        return entry
    try:
        return Entry(kind, struct.pack(f"{order}{entry.values}{INTEGERS[kind]}", *entry.integers(order)))
    except struct.error:
        return None


def _size(kind: int) -> int:
    return WIDTHS.get(kind, 1) * (2 if kind in FRACTIONS else 1)
