"""The chunks that PNG and WebP files are made of."""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# PNG's chunks that say what its colours are, besides iCCP -> their lengths. (PNG specification, 11.3.2)
COLOUR_CHUNKS = {b"cHRM": 32, b"gAMA": 4, b"sRGB": 1, b"cICP": 4}
# Behind "RIFF", the size and "WEBP".
WEBP_FIRST = 12
LOSSY, LOSSLESS, ANIMATED = b"VP8 ", b"VP8L", b"ANMF"
WEBP_IN_FRAME = 16  # an animation's frame begins with its place, its time and flags


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


def png_colours(data: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """Names and contents of the chunks that say what a PNG's colours are."""
    head = itertools.takewhile(lambda chunk: chunk.name != b"IDAT", png_chunks(data))
    return tuple(
        (chunk.name, data[chunk.start : chunk.end])
        for chunk in head
        if chunk.end - chunk.start == COLOUR_CHUNKS.get(chunk.name)
    )


def is_lossless_webp(data: bytes) -> bool:
    """Whether a WebP's pixels, of every frame, are in chunks of the lossless kind. (RFC 9649)"""
    kinds = set()
    for chunk in webp_chunks(data):
        kinds.add(chunk.name)
        if chunk.name == ANIMATED:  # holds the pixels' chunk, perhaps behind one of alpha
            kinds |= {inner.name for inner in itertools.islice(webp_chunks(data, chunk.start + WEBP_IN_FRAME), 2)}
    return LOSSLESS in kinds and LOSSY not in kinds
