"""The chunks that PNG and WebP files are made of."""

from collections.abc import Iterator
from typing import NamedTuple

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Behind "RIFF", the size and "WEBP".
WEBP_FIRST = 12


class Chunk(NamedTuple):
    """`start` and `end`: of its content in the file; `end` lies behind the file where that is cut off."""

    name: bytes
    start: int
    end: int


def png_chunks(data: bytes) -> Iterator[Chunk]:
    """A PNG's chunks: length, name, content, checksum. (PNG specification, 5.3)"""
    place = len(PNG_SIGNATURE)
    while place < len(data):
        chunk = Chunk(data[place + 4 : place + 8], place + 8, place + 8 + int.from_bytes(data[place : place + 4]))
        yield chunk
        place = chunk.end + 4


def webp_chunks(data: bytes, place: int = WEBP_FIRST) -> Iterator[Chunk]:
    """A WebP's chunks from `place` on: name, length, content, a byte of padding behind an odd one. (RFC 9649, 2.3)"""
    while place < len(data):
        length = int.from_bytes(data[place + 4 : place + 8], "little")
        yield Chunk(data[place : place + 4], place + 8, place + 8 + length)
        place += 8 + length + length % 2
