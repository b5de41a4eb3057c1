"""A look at a TIFF's directories before a decoder sees them. (TIFF 6.0; BigTIFF as libtiff has it.)"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from image_codec.limits import Limits, check_parts

# Real files have some dozen tags in a directory.
MOST_TAGS = 2000
# Pillow makes objects of all numbers in the directories. Most are places and lengths of strips or tiles: a picture of
# 25 megapixels in tiles of 16 x 16 px has 200,000.
MOST_NUMBERS = 250_000

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
    """Make sure that a TIFF has no more pages, tags and numbers than real ones have.

    Raises:
        ImageTooComplex: it has more tags or numbers.
        TooManyFrames: it has more pages than `limits` allow.
    """
    numbers = 0
    for pages, (tag_count, number_count) in enumerate(_Walk(data), start=1):
        limits.check_frames(pages)
        numbers += number_count
        check_parts("tags", tag_count, MOST_TAGS)
        check_parts("numbers in its tags", numbers, MOST_NUMBERS)


class _Walk:
    """Over a TIFF's pages: the tags and numbers of each, with those of the directories that it points to."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._order = "<" if data.startswith(b"II") else ">"
        is_big = data[2:4] in (bytes([BIG_VERSION, 0]), bytes([0, BIG_VERSION]))
        self._layout = BIG if is_big else CLASSIC
        self._first = 8 if is_big else 4

    def __iter__(self) -> Iterator[tuple[int, int]]:
        seen = set[int]()
        try:
            (place,) = self._unpack(self._layout.offset, self._first)
            while place and place not in seen:
                seen.add(place)
                tags, numbers, pointed, place = self._directory(place)
                while pointed and tags <= MOST_TAGS:
                    if (inner := pointed.pop()) in seen:
                        continue
                    seen.add(inner)
                    more_tags, more_numbers, further, _ = self._directory(inner)
                    tags, numbers, pointed = tags + more_tags, numbers + more_numbers, pointed + further
                yield tags, numbers
        except (struct.error, OverflowError):  # cut off: the decoder will say so
            return

    def _directory(self, place: int) -> tuple[int, int, list[int], int]:
        """Tags, numbers, places of further directories, and the place of the next page (0: there is none)."""
        (tags,) = self._unpack(self._layout.count, place)
        place += struct.calcsize(self._order + self._layout.count)
        size = struct.calcsize(self._order + self._layout.tag)
        numbers, pointed = 0, list[int]()
        for index in range(min(tags, MOST_TAGS)):
            tag, kind, count, value = self._unpack(self._layout.tag, place + index * size)
            if tag in POINTERS:
                pointed += self._unpack_value(value)
            elif kind not in (BYTES, ASCII, UNDEFINED):
                numbers += count
        try:
            (following,) = self._unpack(self._layout.offset, place + tags * size)
        except (struct.error, OverflowError):
            following = 0
        return tags, numbers, pointed, following

    def _unpack(self, layout: str, place: int) -> tuple[Any, ...]:
        return struct.unpack_from(self._order + layout, self._data, place)

    def _unpack_value(self, value: bytes) -> tuple[Any, ...]:
        return struct.unpack_from(self._order + self._layout.offset, value)
