"""The items of a HEIF file, such as AVIF and HEIC. (ISO/IEC 14496-12, 8.11; ISO/IEC 23008-12, 6)

A file holds items: coded pictures, pictures made of others (grids), and metadata. Properties describe them; references
say what they are for each other.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from superscaling.errors import ImageCorrupt
from superscaling.recognition.limits import check_parts

# A photograph of 200 megapixels in tiles of 512 x 512 px has 770 items, and each refers to a handful of properties.
MAX_ITEMS = 4000
MAX_LINKS = 40_000
MAX_BOXES = 10_000

ALPHA = ("urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", "urn:mpeg:hevc:2015:auxid:1")
# Types of items that are pictures.
PICTURES = (b"av01", b"hvc1", b"grid", b"iden", b"iovl", b"tmap", b"jpeg", b"j2k1", b"unci", b"avc1", b"vvc1")


class Box(NamedTuple):
    """`start`, `end`: of its content in the file."""

    kind: bytes
    start: int
    end: int


@dataclass
class Item:
    """One item of a file.

    `kind`: its type; `properties`: their types and contents; `references`: type -> ids of the items that it refers to;
    `extents`: start and end of its parts in the file, or behind its end.
    """

    kind: bytes = b""
    is_hidden: bool = False
    properties: list[tuple[bytes, bytes]] = field(default_factory=list)
    references: dict[bytes, list[int]] = field(default_factory=dict)
    extents: list[tuple[int, int]] = field(default_factory=list)

    def described(self, kind: bytes) -> bytes | None:
        """The content of its first property of that type."""
        return next((content for name, content in self.properties if name == kind), None)

    @property
    def purpose(self) -> str:
        """What an auxiliary picture is for, by its URN; empty for others."""
        content = self.described(b"auxC")
        return content[4:].partition(b"\0")[0].decode("latin-1") if content else ""


@dataclass
class HeifFile:
    """`items`: by their ids; `primary`: the id of the picture to show; `has_sequence`: whether frames follow.

    `texts`: start and end of types and names in the file; `boxes`: the outermost ones.
    """

    items: dict[int, Item]
    primary: int
    has_sequence: bool
    texts: list[tuple[int, int]] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the primary picture in px: cut, but not turned.

        Raises:
            struct.error: they are missing.
        """
        item = self.items[self.primary]
        width, height = struct.unpack_from(">II", item.described(b"ispe") or b"", 4)
        if cut := item.described(b"clap"):
            fractions = struct.unpack_from(">4I", cut)
            width = min(width, fractions[0] // max(1, fractions[1]))
            height = min(height, fractions[2] // max(1, fractions[3]))
        return height, width

    def auxiliaries(self, kind: bytes = b"auxl") -> list[Item]:
        """The items that are auxiliary pictures (or, by `kind`, something else) of the primary picture."""
        return [item for item in self.items.values() if self.primary in item.references.get(kind, ())]

    @property
    def alpha(self) -> Item | None:
        """The picture that is the primary picture's alpha."""
        return next((item for item in self.auxiliaries() if item.purpose in ALPHA), None)

    def coded(self, item: Item) -> Iterator[Item]:
        """The pictures that an item is made of; itself, if it is of none."""
        parts = item.references.get(b"dimg", ())
        yield from ([self.items[part] for part in parts if part in self.items] if parts else [item])


def boxes(data: bytes, start: int, end: int) -> Iterator[Box]:
    """The boxes between two offsets. What lies behind `end` is cut off."""
    count = 0
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        content = start + 8
        if size == 1 and content + 8 <= end:
            (size,) = struct.unpack_from(">Q", data, content)
            content += 8
        elif size == 0:  # up to the end
            size = end - start
        if start + size < content:
            raise ImageCorrupt("a box is shorter than its header")
        yield Box(kind, content, min(start + size, end))
        check_parts("boxes", count := count + 1, MAX_BOXES)
        start += size


def read_heif(data: bytes) -> HeifFile:
    """List the items of a file.

    Raises:
        ImageCorrupt: its directory is damaged.
        ImageTooComplex: it has more items than real pictures have.
        struct.error: its directory is truncated.
    """
    top = list(boxes(data, 0, len(data)))
    has_sequence = any(box.kind == b"moov" for box in top)
    if not any(box.kind == b"meta" for box in top):
        return HeifFile({}, 0, has_sequence)
    meta = _only(top, b"meta")
    inner = list(boxes(data, meta.start + 4, meta.end))
    items: dict[int, Item] = {}
    texts = _read_infos(_Cursor(data, _only(inner, b"iinf")), items)
    _read_properties(data, _only(inner, b"iprp"), items)
    if any(box.kind == b"iref" for box in inner):
        _read_references(data, _only(inner, b"iref"), items)
    base = next((box.start for box in inner if box.kind == b"idat"), 0)
    _read_places(_Cursor(data, _only(inner, b"iloc")), items, base, len(data))
    cursor = _Cursor(data, _only(inner, b"pitm"))
    primary = cursor.number(4 if cursor.version else 2)
    if primary not in items:
        raise ImageCorrupt("it has no primary picture")
    return HeifFile(items, primary, has_sequence, texts, top)


def _only(found: list[Box], kind: bytes) -> Box:
    """The box of that type. Decoders differ on which of several counts."""
    matching = [box for box in found if box.kind == kind]
    if len(matching) != 1:
        raise ImageCorrupt(f"it has {len(matching)} boxes {kind.decode('latin-1')} instead of one")
    return matching[0]


class _Cursor:
    """Reads the content of a full box: version and flags, then numbers."""

    def __init__(self, data: bytes, box: Box) -> None:
        self.data, self._place, self._end = data, box.start, box.end
        self.version = self.number(1)
        self.flags = self.number(3)

    def number(self, size: int) -> int:
        """The next unsigned number of `size` bytes, which may be 0."""
        if self._place + size > self._end:
            raise ImageCorrupt("a box ends early")
        self._place += size
        return int.from_bytes(self.data[self._place - size : self._place])

    @property
    def rest(self) -> tuple[int, int]:
        """Start and end of what was not read."""
        return self._place, self._end


def _read_infos(cursor: _Cursor, items: dict[int, Item]) -> list[tuple[int, int]]:
    texts = []
    check_parts("items", cursor.number(4 if cursor.version else 2), MAX_ITEMS)
    for box in boxes(cursor.data, *cursor.rest):
        info = _Cursor(cursor.data, box)
        if box.kind == b"infe" and info.version >= 2:
            number = info.number(4 if info.version > 2 else 2)
            info.number(2)  # protection
            texts.append(info.rest)
            items[number] = Item(info.number(4).to_bytes(4), is_hidden=bool(info.flags & 1))
    check_parts("items", len(items), MAX_ITEMS)
    return texts


def _read_properties(data: bytes, box: Box, items: dict[int, Item]) -> None:
    inner = list(boxes(data, box.start, box.end))
    container = _only(inner, b"ipco")
    properties = [(found.kind, data[found.start : found.end]) for found in boxes(data, container.start, container.end)]
    links = entries = 0
    for found in inner:
        if found.kind != b"ipma":
            continue
        cursor = _Cursor(data, found)
        for _ in range(cursor.number(4)):
            check_parts("items with properties", entries := entries + 1, MAX_ITEMS)
            item = items.get(cursor.number(4 if cursor.version else 2), Item())
            for _ in range(cursor.number(1)):
                size = 2 if cursor.flags & 1 else 1
                index = cursor.number(size) & (1 << 8 * size - 1) - 1  # without the mark "essential"
                check_parts("properties of its items", links := links + 1, MAX_LINKS)
                if 0 < index <= len(properties):
                    item.properties.append(properties[index - 1])


def _read_references(data: bytes, box: Box, items: dict[int, Item]) -> None:
    size = 4 if _Cursor(data, box).version else 2
    links = 0
    for found in boxes(data, box.start + 4, box.end):
        # A box of references has no version of its own: the numbers begin at once.
        cursor = _Cursor(data, Box(found.kind, found.start - 4, found.end))
        item = items.get(cursor.number(size), Item())
        for _ in range(cursor.number(2)):
            check_parts("references between its items", links := links + 1, MAX_LINKS)
            item.references.setdefault(found.kind, []).append(cursor.number(size))


def _read_places(cursor: _Cursor, items: dict[int, Item], base_in_idat: int, length: int) -> None:
    sizes = cursor.number(2)
    offset_size, length_size, base_size, index_size = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    number_size = 4 if cursor.version > 1 else 2
    links = 0
    check_parts("items with parts", count := cursor.number(number_size), MAX_ITEMS)
    for _ in range(count):
        item = items.get(cursor.number(number_size), Item())
        is_in_idat = cursor.version > 0 and cursor.number(2) & 15 == 1
        cursor.number(2)  # the file
        base = cursor.number(base_size) + (base_in_idat if is_in_idat else 0)
        for _ in range(cursor.number(2)):
            check_parts("parts of its items", links := links + 1, MAX_LINKS)
            if cursor.version > 0:
                cursor.number(index_size)
            start = base + cursor.number(offset_size)
            size = cursor.number(length_size)
            item.extents.append((start, start + size if size else max(start, length)))
