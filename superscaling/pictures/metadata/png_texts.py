"""Texts in PNG files, some of which hold metadata. (PNG specification, third edition, 11.3.3)"""

import re
import zlib
from collections.abc import Iterable

from superscaling.pictures.containers.chunks import Chunk

# Most bytes that are unpacked of one file, which may compress a thousandfold.
MAX_UNPACKED = 1 << 26
# Most bytes of texts that are copied to a result.
MAX_TEXTS = 1 << 24
# Most bytes of a text that holds metadata, perhaps in hexadecimal.
MAX_BLOCK = 1 << 25
# Texts that unpack to more are copied unpacked: Pillow, for one, opens no file with such texts.
MAX_PACKED_TEXT = 1 << 20
TEXTS = (b"tEXt", b"zTXt", b"iTXt")
XMP = b"XML:com.adobe.xmp"
# Blocks in hexadecimal, as ImageMagick and exiftool write them: keyword, in small letters -> field.
PROFILE = b"raw profile type "
PROFILES = {b"exif": "exif", b"app1": "exif", b"xmp": "xmp", b"iptc": "photoshop", b"8bim": "photoshop", b"icc": "icc"}
LENGTH = re.compile(rb"\s*\w*\s+\d+\s")


class Unpacker:
    """Unpacks what a file compresses, up to a limit for all of it."""

    def __init__(self) -> None:
        self._rest = MAX_UNPACKED

    def unpack(self, packed: bytes, most: int) -> bytes | None:
        """Unpack up to `most` bytes; None if there are more, or if it is damaged."""
        most = min(most, self._rest)
        unpacker = zlib.decompressobj()
        try:
            unpacked = unpacker.decompress(packed, most) if most > 0 else b""
        except zlib.error:
            unpacked = b""
            self._rest -= most  # what was unpacked before the damage is not known
        self._rest -= len(unpacked)
        return unpacked if unpacker.eof else None


def read_texts(
    data: bytes, chunks: Iterable[Chunk], unpacker: Unpacker
) -> tuple[dict[str, bytes], list[tuple[bytes, bytes]], list[bytes]]:
    """Metadata in texts by its field, chunks of other texts by name and content, and keywords of what was left out."""
    fields, texts, lost, rest = dict[str, bytes](), list[tuple[bytes, bytes]](), list[bytes](), MAX_TEXTS
    for name, start, end in chunks:
        if name not in TEXTS:
            continue
        content = data[start:end]
        keyword = keyword_of((name, content))
        if (field := _field(keyword)) is None:
            name, content = _readable(name, content, unpacker, rest)
            rest -= len(content)
            if content and rest >= 0:
                texts.append((name, content))
                continue
        elif field in fields:
            continue
        elif block := _block(name, content, unpacker):
            fields[field] = block
            continue
        lost.append(keyword)
    return fields, texts, lost


def keyword_of(text: tuple[bytes, bytes]) -> bytes:
    """The keyword of a chunk of text."""
    return text[1][:80].partition(b"\0")[0]


def _field(keyword: bytes) -> str | None:
    """Which metadata a text holds; None if it is a text."""
    if keyword == XMP:
        return "xmp"
    kind = keyword.lower()
    return PROFILES.get(kind.removeprefix(PROFILE)) if kind.startswith(PROFILE) else None


def _readable(name: bytes, content: bytes, unpacker: Unpacker, most: int) -> tuple[bytes, bytes]:
    """Name and content of a chunk of text as it is copied; empty if it can't be unpacked to `most` bytes."""
    head, packed, plain = _parts(name, content)
    if packed is None:
        return name, content
    unpacked = unpacker.unpack(packed, most)
    if unpacked is None:
        return name, b""
    return (name, content) if len(unpacked) <= MAX_PACKED_TEXT else (plain, head + unpacked)


def _parts(name: bytes, content: bytes) -> tuple[bytes, bytes | None, bytes]:
    """Of a chunk of text: what stands before an unpacked text; the packed text, or None; the name when unpacked."""
    keyword, _, rest = content.partition(b"\0")
    if name == b"zTXt":
        return keyword + b"\0", rest[1:], b"tEXt"
    if name == b"iTXt" and rest[:1] == b"\1":
        language, _, rest = rest[2:].partition(b"\0")
        translated, _, packed = rest.partition(b"\0")
        return b"\0".join((keyword, b"\0\0" + language, translated, b"")), packed, name
    return content, None, name


def _block(name: bytes, content: bytes, unpacker: Unpacker) -> bytes | None:
    """The metadata in a text; None if it can't be read."""
    head, packed, _ = _parts(name, content)
    if packed is not None:
        text = unpacker.unpack(packed, MAX_BLOCK)
    elif name == b"iTXt":
        text = content.partition(b"\0")[2][2:].partition(b"\0")[2].partition(b"\0")[2]
    else:
        text = content.partition(b"\0")[2]
    if not text or head.startswith(XMP + b"\0"):
        return text
    found = LENGTH.match(text[:200])
    try:
        return bytes.fromhex(text[found.end() :].decode("ascii")) if found else None
    except ValueError:
        return None
