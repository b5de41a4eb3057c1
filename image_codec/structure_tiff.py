"""A look at a TIFF's directories before a decoder sees them. (TIFF 6.0; BigTIFF as libtiff has it.)"""

import contextlib
import struct
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import Any

from errors import ImageCorrupt
from image_codec.limits import Limits, check_parts

# Real files have some dozen tags in a directory.
MOST_TAGS = 2000
# Pillow makes objects of all numbers in the directories. Most are places and lengths of strips or tiles: a picture of
# 25 megapixels in tiles of 16 x 16 px has 200,000.
MOST_NUMBERS = 250_000

# Tags of a page's and a tile's width and height, in px.
EDGES = (256, 257, 322, 323)
# Tiles reach over the border: how many times the limit's px all may have together.
TILE_SURPLUS = 2
# The first tag of most pages: what it is. Its bits for previews and masks, which are not decoded. (NewSubfileType)
PAGE_KIND, NO_PAGE = 254, 0b101
# Types of whole numbers: SHORT, LONG, IFD, LONG8, IFD8.
WHOLE_NUMBERS = {3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
# Types whose values are bytes or text, and stay so.
BYTES, ASCII, UNDEFINED = 1, 2, 7
# Tags that point to further directories: EXIF, GPS, interoperability.
POINTERS = (0x8769, 0x8825, 0xA005)


@dataclass(frozen=True)
class _Layout:
    """How one of the two kinds of TIFF writes its directories: `struct` formats."""

    count: str
    tag: str
    offset: str


CLASSIC = _Layout(count="H", tag="HHI4s", offset="I")
BIG = _Layout(count="Q", tag="HHQ8s", offset="Q")
BIG_VERSION = 43


def check_tiff(data: bytes, limits: Limits) -> None:
    """Make sure that a TIFF has no more pages, tags, numbers and pixels in its tiles than real ones have.

    Raises:
        ImageTooComplex: it has more tags or numbers.
        ImageCorrupt: an important tag is of the wrong type.
        TooManyFrames, ImageTooLarge: it has more pages, or px in its tiles, than `limits` allow.
    """
    total = _Directory()
    for pages, page in enumerate(_Walk(data), start=1):
        limits.check_frames(pages)
        check_parts("tags", page.tags, MOST_TAGS)
        total = total.plus(page)
        check_parts("numbers in its tags", total.numbers, MOST_NUMBERS)
        # Directories may point to the same bytes, which would be read, and written, again and again.
        check_parts("bytes in its tags", total.bytes, len(data))
        # Tiles are decoded as a whole, those of a small page too.
        if total.tile_pixels > TILE_SURPLUS * limits.pixels:
            raise limits.too_large(f"tiles of {total.tile_pixels} px", total.tile_pixels)


@dataclass(frozen=True)
class _Directory:
    """What a directory and those that it points to hold: `bytes` in texts and blocks, `tile_pixels` of whole tiles."""

    tags: int = 0
    numbers: int = 0
    bytes: int = 0
    tile_pixels: int = 0

    def plus(self, other: "_Directory") -> "_Directory":
        return _Directory(*(one + two for one, two in zip(astuple(self), astuple(other), strict=True)))


class _Walk:
    """Over a TIFF's pages."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._order = "<" if data.startswith(b"II") else ">"
        is_big = data[2:4] in (bytes([BIG_VERSION, 0]), bytes([0, BIG_VERSION]))
        self._layout = BIG if is_big else CLASSIC
        self._first = 8 if is_big else 4

    def __iter__(self) -> Iterator[_Directory]:
        seen = set[int]()
        place = self._offset(self._first)
        while place and place not in seen:
            seen.add(place)
            page, pointed, place = self._directory(place)
            while pointed and page.tags <= MOST_TAGS:
                if (inner := pointed.pop()) in seen:
                    continue
                seen.add(inner)
                more, further, _ = self._directory(inner)
                page, pointed = page.plus(more), pointed + further
            yield page

    def _directory(self, place: int) -> tuple[_Directory, list[int], int]:
        """What is in it, places of further directories, and the place of the next page (0: there is none).

        What lies beyond the file's end is skipped, as Pillow does.
        """
        try:
            (tags,) = self._unpack(self._layout.count, place)
        except struct.error:
            return _Directory(), [], 0
        place += struct.calcsize(self._order + self._layout.count)
        size = struct.calcsize(self._order + self._layout.tag)
        numbers, texts, pointed = 0, 0, list[int]()
        page_kind, edges = 0, dict.fromkeys(EDGES, 0)
        for index in range(min(tags, MOST_TAGS)):
            entry = place + index * size
            try:
                tag, kind, count, _ = self._unpack(self._layout.tag, entry)
            except struct.error:
                break
            if tag in POINTERS and kind in WHOLE_NUMBERS:  # Pillow follows no others
                with contextlib.suppress(ImageCorrupt):
                    pointed.append(self._number(entry))
            elif kind in (BYTES, ASCII, UNDEFINED):
                texts += count
            else:
                numbers += count
            if tag in EDGES:  # of a tag that is there twice, decoders may take either
                edges[tag] = max(edges[tag], self._number(entry))
            elif tag == PAGE_KIND and index == 0 and kind in WHOLE_NUMBERS:  # tags are in order; Pillow takes the first
                with contextlib.suppress(ImageCorrupt):
                    page_kind = self._number(entry)
        following = self._offset(place + tags * size)
        pixels = 0 if page_kind & NO_PAGE else _tile_pixels(edges)
        return _Directory(tags, numbers, texts, pixels), pointed, following

    def _number(self, entry: int) -> int:
        """The first number of the tag whose entry is at that place: in the entry if there is room, else elsewhere.

        Raises:
            ImageCorrupt: there is none.
        """
        tag, kind, count, value = self._unpack(self._layout.tag, entry)
        if kind not in WHOLE_NUMBERS:
            raise ImageCorrupt(f"the image is truncated or corrupt: tag {tag} is no whole number")
        layout = WHOLE_NUMBERS[kind]
        try:
            if struct.calcsize(self._order + layout) * count <= len(value):
                return int(struct.unpack_from(self._order + layout, value)[0])
            (place,) = struct.unpack_from(self._order + self._layout.offset, value)
            return int(self._unpack(layout, place)[0])
        except struct.error:
            raise ImageCorrupt(f"the image is truncated or corrupt: tag {tag} lies beyond its end") from None

    def _offset(self, place: int) -> int:
        """The place that is written at that place; 0, as at the end, where that lies beyond the file."""
        try:
            return int(self._unpack(self._layout.offset, place)[0])
        except struct.error:
            return 0

    def _unpack(self, layout: str, place: int) -> tuple[Any, ...]:
        try:
            return struct.unpack_from(self._order + layout, self._data, place)
        except OverflowError as exc:
            raise struct.error(str(exc)) from exc


def _tile_pixels(edges: dict[int, int]) -> int:
    """Of all tiles of a page; 0 where it has none."""
    width, height, tile_width, tile_height = edges.values()
    if not tile_width or not tile_height:
        return 0
    return -(-width // tile_width) * tile_width * -(-height // tile_height) * tile_height
