"""The chunks of PNG and WebP files."""

import itertools
import re
import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from superscaling.errors import ImageCorrupt
from superscaling.recognition.formats import PNG_SIGNATURE
from superscaling.recognition.limits import check_parts

# A PNG of 64 MiB in the smallest usual chunks, of 4 KiB, has about 16,000. (A WebP has a few per frame.)
MAX_CHUNKS = 20_000
# PNG's chunks that describe its colours, besides iCCP -> their lengths. (PNG specification, third edition, 11.3.2)
COLOUR_CHUNKS = {b"cHRM": 32, b"gAMA": 4, b"sRGB": 1, b"cICP": 4, b"mDCV": 24, b"cLLI": 8}
TRANSPARENCY = b"tRNS"
ANIMATION = (b"acTL", b"fcTL", b"fdAT")
NAME = re.compile(rb"\w{4}")
# After "RIFF", the size and "WEBP".
WEBP_FIRST = 12
LOSSY, LOSSLESS, ANIMATED = b"VP8 ", b"VP8L", b"ANMF"
# Chunks with what is read of a file.
WEBP_CHUNKS = (LOSSY, LOSSLESS, ANIMATED, b"VP8X", b"ALPH", b"ANIM", b"ICCP", b"EXIF", b"XMP ")
WEBP_IN_FRAME = 16  # bytes of an animation's frame before its chunks: place, time, flags


class Chunk(NamedTuple):
    """`start`, `end`: of its content in the file. In a truncated file `end` may lie behind the file's."""

    name: bytes
    start: int
    end: int


def listed(chunks: Iterator[Chunk]) -> list[Chunk]:
    """All chunks of a file.

    Raises:
        ImageTooComplex: there are more than real pictures have.
    """
    found = list(itertools.islice(chunks, MAX_CHUNKS + 1))
    check_parts("chunks", len(found), MAX_CHUNKS)
    return found


def png_chunks(data: bytes) -> Iterator[Chunk]:
    """A PNG's chunks up to its end: length, name, content, checksum. (PNG specification, 5.3)"""
    place = len(PNG_SIGNATURE)
    while place < len(data):
        chunk = Chunk(data[place + 4 : place + 8], place + 8, place + 8 + int.from_bytes(data[place : place + 4]))
        yield chunk
        if chunk.name == b"IEND":
            return
        place = chunk.end + 4


def webp_chunks(data: bytes, place: int = WEBP_FIRST) -> Iterator[Chunk]:
    """A WebP's chunks from `place` to its end: name, length, content, padded to an even length. (RFC 9649, 2.3)"""
    end = webp_end(data)
    while place < end:
        length = int.from_bytes(data[place + 4 : place + 8], "little")
        yield Chunk(data[place : place + 4], place + 8, place + 8 + length)
        place += 8 + length + length % 2


def webp_end(data: bytes) -> int:
    """Where a WebP ends, by its header; at most the end of the file."""
    return min(len(data), 8 + int.from_bytes(data[4:8], "little"))


class PngParts(NamedTuple):
    """`pixels`: a file of the still picture alone; `others`: chunks that describe it; `damaged`: names of more.

    `end`: of the file's last chunk.
    """

    pixels: bytes
    others: tuple[Chunk, ...]
    damaged: tuple[bytes, ...]
    end: int


def split_png(data: bytes, chunks: Sequence[Chunk]) -> PngParts:
    """Part the pixels of a PNG from what describes them. Decoders stop at damage in either.

    `pixels` is `data` itself if there is nothing else. Pixels of damaged chunks are left to `check_pixel_checksums`.

    Raises:
        ImageCorrupt: a chunk that says how pixels are stored is damaged.
    """
    view = memoryview(data)
    parts, others, damaged, place = list[memoryview](), list[Chunk](), list[bytes](), 0
    for chunk in chunks:
        if chunk.name == b"IDAT" or not NAME.fullmatch(chunk.name):
            continue
        is_broken = chunk.name not in ANIMATION and not has_right_checksum(view, chunk)
        is_needed = chunk.name[:1].isupper()
        if is_needed and is_broken and chunk.end + 4 <= len(data):
            raise ImageCorrupt(f"broken PNG file (bad header checksum in {chunk.name!r})")
        if is_needed or (chunk.name == TRANSPARENCY and not is_broken):
            continue
        parts.append(view[place : chunk.start - 8])
        place = chunk.end + 4
        if is_broken:
            damaged.append(chunk.name)
        elif chunk.name not in ANIMATION:
            others.append(chunk)
    pixels = b"".join((*parts, view[place:])) if parts else data
    return PngParts(pixels, tuple(others), tuple(damaged), chunks[-1].end + 4 if chunks else len(data))


def has_right_checksum(data: memoryview, chunk: Chunk) -> bool:
    """Whether a PNG's chunk is complete and its CRC right."""
    if chunk.end + 4 > len(data):
        return False
    return zlib.crc32(data[chunk.start - 4 : chunk.end]) == int.from_bytes(data[chunk.end : chunk.end + 4])


def png_chunk(name: bytes, content: bytes) -> bytes:
    """A PNG's chunk, with length and CRC."""
    return len(content).to_bytes(4) + name + content + zlib.crc32(name + content).to_bytes(4)


def check_pixel_checksums(data: bytes, chunks: Sequence[Chunk]) -> bool:
    """Check the CRCs of pixels and animation from a PNG's first pixels to its end, which Pillow does not check.

    Its `verify` would, but spoils the image; the errors have the same words.

    Returns:
        Whether the file has its end mark. Without it, decoders tell whether the pixels are complete.

    Raises:
        ImageCorrupt: one is wrong, or the file ends within a chunk.
    """
    view = memoryview(data)
    for chunk in chunks:
        if chunk.name == b"IEND":
            return True
        if chunk.start + 4 > len(data):  # not even the smallest chunk
            return False
        if not NAME.fullmatch(chunk.name):
            raise ImageCorrupt(f"broken PNG file (chunk {chunk.name!r})")
        if chunk.end + 4 > len(data):
            raise ImageCorrupt("Truncated File Read")
        if (chunk.name[:1].isupper() or chunk.name in ANIMATION) and not has_right_checksum(view, chunk):
            raise ImageCorrupt(f"broken PNG file (bad header checksum in {chunk.name!r})")
    return False


def is_lossless_webp(data: bytes, chunks: Sequence[Chunk]) -> bool:
    """Whether the pixels of every frame of a WebP are in lossless chunks. (RFC 9649)"""
    kinds = set()
    for chunk in chunks:
        kinds.add(chunk.name)
        if chunk.name == ANIMATED:  # holds the chunk of the pixels, perhaps after one of alpha
            kinds |= {inner.name for inner in itertools.islice(webp_chunks(data, chunk.start + WEBP_IN_FRAME), 2)}
    return LOSSLESS in kinds and LOSSY not in kinds
