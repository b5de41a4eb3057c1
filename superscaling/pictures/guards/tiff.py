"""Checks the directories of a TIFF before a decoder reads them. (TIFF 6.0; BigTIFF as in libtiff.)"""

import contextlib
import struct
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import Any, NamedTuple

from superscaling.errors import ImageCorrupt
from superscaling.pictures.guards.tiff_kind import KIND_TAGS, MAX_CHANNELS, check_kind
from superscaling.recognition.directories import ASCII, LONG, MAX_TAGS, POINTERS, SHORT, UNDEFINED
from superscaling.recognition.limits import Limits, check_parts

# Pillow creates an object for each number in the directories. Most are offsets and lengths of strips or tiles: a
# picture of 25 megapixels in tiles of 16 x 16 px has 200,000.
MAX_NUMBERS = 250_000

# Tags: width and height of a page and of a tile, in px.
EDGES = (256, 257, 322, 323)
# Tiles extend over the border: together they may have so many times the limit in px.
TILE_SURPLUS = 2
# NewSubfileType, the first tag of most pages, and its bits for previews and masks, which are not decoded.
PAGE_KIND, NO_PAGE = 254, 0b101
# Tags: offsets and lengths of strips or tiles, and their compression (1 is none).
PLACES, LENGTHS, COMPRESSION = (273, 324), (279, 325), 259
# Strips may overlap, and each is decompressed: together they may have so many times the file's length.
LENGTH_SURPLUS = 2
# Types of unsigned integers: SHORT, LONG, IFD, LONG8, IFD8.
WHOLE_NUMBERS = {3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
# Signed types that decoders accept as offsets, too: SBYTE, SSHORT, SLONG, SLONG8.
INTEGERS = {**WHOLE_NUMBERS, 6: "b", 8: "h", 9: "i", 17: "q"}
# Type that Pillow keeps as bytes, like ASCII and UNDEFINED.
BYTES = 1


# Tags of `KIND_TAGS` -> their numbers.
Stored = dict[int, tuple[int, ...]]


@dataclass(frozen=True)
class _Layout:
    """`struct` formats of the directories of one kind of TIFF."""

    count: str
    tag: str
    offset: str


CLASSIC = _Layout(count="H", tag="HHI4s", offset="I")
BIG = _Layout(count="Q", tag="HHQ8s", offset="Q")
BIG_SIGNATURES = (b"II+\0", b"MM\0+")


def check_tiff(data: bytes, limits: Limits) -> None:
    """Make sure that a TIFF has no more pages, tags, numbers, strips and tile pixels than real files have, and is read.

    Raises:
        ImageTooComplex: it has more tags, numbers or bytes to decompress.
        ImageCorrupt: an important tag is of the wrong type.
        UnsupportedMode: a page is of a kind that is not read.
        TooManyFrames, ImageTooLarge: it has more pages, or px in tiles, than `limits` allow.
    """
    total = _Directory()
    for pages, (page, stored) in enumerate(_Walk(data), start=1):
        limits.check_frames(pages)
        check_parts("tags", page.tags, MAX_TAGS)
        total = total.plus(page)
        check_parts("numbers in its tags", total.numbers, MAX_NUMBERS)
        # Directories may share bytes, which would be read and written many times.
        check_parts("bytes in its tags", total.bytes, len(data))
        check_parts("bytes in its strips", total.packed, LENGTH_SURPLUS * len(data))
        # Tiles are decoded as a whole, even those of a small page.
        if total.tile_pixels > TILE_SURPLUS * limits.pixels:
            raise limits.too_large(f"tiles of {total.tile_pixels} px", total.tile_pixels)
        if stored is not None:
            check_kind(stored)


@dataclass(frozen=True)
class _Directory:
    """The contents of a directory and those that it points to.

    `bytes`: of texts and blocks; `packed`: bytes of compressed strips or tiles; `tile_pixels`: px of whole tiles.
    """

    tags: int = 0
    numbers: int = 0
    bytes: int = 0
    packed: int = 0
    tile_pixels: int = 0

    def plus(self, other: "_Directory") -> "_Directory":
        return _Directory(*(one + two for one, two in zip(astuple(self), astuple(other), strict=True)))


class _Read(NamedTuple):
    """A directory.

    `pointed`: offsets of directories that it points to; `following`: the next page's, 0 if there is none; `stored`: how
    its pixels are stored, None if they are not read or that is unknown.
    """

    contents: _Directory
    pointed: list[int]
    following: int
    stored: Stored | None


class _Walk:
    """Iterates over the pages of a TIFF: what each contains, and how its pixels are stored, as in `_Read`."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._order = "<" if data[:2] == b"II" else ">"
        is_big = data[:4] in BIG_SIGNATURES
        self._layout = BIG if is_big else CLASSIC
        self._first = 8 if is_big else 4

    def __iter__(self) -> Iterator[tuple[_Directory, Stored | None]]:
        pages = set[int]()
        place = self._offset(self._first)
        while place and place not in pages:
            pages.add(place)
            page, pointed, place, stored = self._directory(place)
            seen = set[int]()  # per page: Pillow reads shared directories again for each page
            while pointed and page.tags <= MAX_TAGS and page.numbers <= MAX_NUMBERS:
                if (inner := pointed.pop()) in seen:
                    continue
                seen.add(inner)
                more, further, _, _ = self._directory(inner)
                page, pointed = page.plus(more), pointed + further
            yield page, stored

    def _directory(self, place: int) -> "_Read":
        """Read the directory at that offset.

        What lies behind the end of the file is skipped, as in Pillow.
        """
        try:
            (tags,) = self._unpack(self._layout.count, place)
        except struct.error:
            return _Read(_Directory(), [], 0, None)
        place += struct.calcsize(self._order + self._layout.count)
        size = struct.calcsize(self._order + self._layout.tag)
        numbers, texts, pointed = 0, 0, list[int]()
        page_kind, edges, stored = 0, dict.fromkeys(EDGES, 0), Stored()
        pieces, packed, is_packed, is_whole = 0, 0, False, True
        for index in range(min(tags, MAX_TAGS)):
            entry = place + index * size
            try:
                tag, kind, count, _ = self._unpack(self._layout.tag, entry)
            except struct.error:
                is_whole = False
                break
            if tag in POINTERS and kind in INTEGERS:
                with contextlib.suppress(ImageCorrupt):
                    pointed.append(self._number(entry))
            elif kind in (BYTES, ASCII, UNDEFINED):
                texts += count
            else:
                numbers += count
            if tag in EDGES:  # of duplicate tags, decoders may use either
                edges[tag] = max(edges[tag], self._number(entry))
            elif tag == PAGE_KIND and index == 0 and kind in (SHORT, LONG) and count == 1:
                page_kind = self._number(entry)  # only if Pillow is sure to read it as well, and skips the page
            elif tag in PLACES:
                pieces = max(pieces, count)
            elif tag in LENGTHS and numbers <= MAX_NUMBERS:  # more are rejected unread
                packed += self._sum(entry)
            elif tag == COMPRESSION:
                is_packed |= self._number(entry) != 1
            if tag in KIND_TAGS:
                stored[tag] = self._numbers(entry, MAX_CHANNELS)
        if is_packed and pieces > 1 and not packed and numbers <= MAX_NUMBERS:
            raise ImageCorrupt("the lengths of its strips are missing")
        following = self._offset(place + tags * size)
        is_page = not page_kind & NO_PAGE
        contents = _Directory(tags, numbers, texts, packed if is_packed else 0, _tile_pixels(edges) if is_page else 0)
        return _Read(contents, pointed, following, stored if is_page and is_whole else None)

    def _number(self, entry: int) -> int:
        """The first number of the tag whose entry is at that offset."""
        return self._numbers(entry, 1)[0]

    def _sum(self, entry: int) -> int:
        """The sum of its numbers; 0 if the first is 0, which for libtiff means that all are unknown."""
        first, *others = self._numbers(entry, MAX_NUMBERS)
        return first + sum(others) if first else 0

    def _numbers(self, entry: int, most: int) -> tuple[int, ...]:
        """The first numbers of the tag whose entry is at that offset: in the entry if they fit, otherwise elsewhere.

        Raises:
            ImageCorrupt: there are none.
        """
        tag, kind, count, value = self._unpack(self._layout.tag, entry)
        if kind not in (INTEGERS if tag in POINTERS else WHOLE_NUMBERS):
            raise ImageCorrupt(f"tag {tag} is not an integer")
        length = struct.calcsize(self._order + INTEGERS[kind])
        layout = f"{max(1, min(count, most))}{INTEGERS[kind]}"
        try:
            if length * count <= len(value):
                return struct.unpack_from(self._order + layout, value)
            (place,) = struct.unpack_from(self._order + self._layout.offset, value)
            return self._unpack(layout, place)
        except struct.error:
            raise ImageCorrupt(f"tag {tag} points beyond the end of the file") from None

    def _offset(self, place: int) -> int:
        """The offset that is stored at `place`; 0, as at the end, if `place` is behind the end of the file."""
        try:
            return int(self._unpack(self._layout.offset, place)[0])
        except struct.error:
            return 0

    def _unpack(self, layout: str, place: int) -> tuple[Any, ...]:
        if place < 0:  # Python would count from the end
            raise struct.error("a negative place")
        try:
            return struct.unpack_from(self._order + layout, self._data, place)
        except OverflowError as exc:
            raise struct.error(str(exc)) from exc


def _tile_pixels(edges: dict[int, int]) -> int:
    """Px of all tiles of a page; 0 if it has none."""
    width, height, tile_width, tile_height = edges.values()
    if not tile_width or not tile_height:
        return 0
    return -(-width // tile_width) * tile_width * -(-height // tile_height) * tile_height
