"""Large, repetitive files that are made to cost a decoder time, by name. None is a picture that somebody has.

Each is made when it is asked for: together they take hundreds of megabytes. `tests/test_hostile_files.py` measures the
CPU time that each costs, `make fuzz` does so with other lengths.
"""

import struct
import zlib
from collections.abc import Callable, Mapping

import numpy as np
from conftest import encoded, png_chunk
from PIL import Image

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
SMALL = Image.new("RGB", (8, 8), (200, 30, 90))
# An eighth of the largest body that a service takes by default: enough that what is too slow shows.
LENGTH = 8 << 20


def png(before: bytes = b"", behind: bytes = b"", width: int = 8, height: int = 8, pixels: bytes | None = None) -> bytes:
    """A grey PNG with chunks before and behind its pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = png_chunk(b"IDAT", zlib.compress(bytes(height * (width + 1)))) if pixels is None else pixels
    return PNG_SIGNATURE + png_chunk(b"IHDR", header) + before + data + behind + png_chunk(b"IEND")


def filled(unit: bytes, length: int) -> bytes:
    """The unit, repeated up to about that length."""
    return unit * max(1, length // len(unit))


def png_with_profiles(length: int, behind: bool = False) -> bytes:
    """Each profile unpacks to 1 MB."""
    profile = filled(png_chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(1_000_000), 9)), length)
    return png(behind=profile) if behind else png(profile)


def apng(length: int) -> bytes:
    """Two frames, the second in tiny pieces."""
    control = struct.pack(">IIIIIHHBB", 0, 8, 8, 0, 0, 1, 10, 0, 0)
    packed = zlib.compress(bytes(8 * 9))
    animation = png_chunk(b"acTL", struct.pack(">II", 2, 0)) + png_chunk(b"fcTL", control)
    second = png_chunk(b"fcTL", struct.pack(">I", 1) + control[4:]) + png_chunk(b"fdAT", bytes(3) + b"\2" + packed)
    return png(animation, second + filled(png_chunk(b"fdAT", bytes(4)), length))


def jpeg(head: bytes = b"", picture: Image.Image = SMALL, **options: object) -> bytes:
    """A JPEG with something between its start and its first segment."""
    data = encoded(picture, "JPEG", **options)
    return data[:2] + head + data[2:]


def claiming(data: bytes, width: int, height: int) -> bytes:
    """The same JPEG, with another size in its header."""
    place = next(at for at in (data.find(mark) for mark in (b"\xff\xc0", b"\xff\xc2")) if at >= 0)
    return data[: place + 5] + struct.pack(">HH", height, width) + data[place + 9 :]


def scans(length: int) -> bytes:
    """A progressive JPEG of 2000 x 2000 px that adds a bit of nothing, again and again."""
    data = encoded(Image.new("L", (2000, 2000)), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:-2] + filled(data[last:-2], length) + data[-2:]


def segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def gif(extensions: bytes = b"", blocks: bytes | None = None, width: int = 8, height: int = 8, end: bytes = b"") -> bytes:
    """A grey GIF; `blocks`: of its pixels, by default one code for the end of the picture."""
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    data = b"\2\x44\1\0" if blocks is None else blocks
    return head + extensions + b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\2" + data + end + b";"


def bmp(width: int, height: int, compression: int, bits: int, data: bytes) -> bytes:
    """A BMP of a grey palette."""
    colours = bytes(4 << bits)
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(data), 0, 0, 1 << bits, 0)
    start = 14 + len(head) + len(colours)
    return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + head + colours + data


def webp(chunks: bytes) -> bytes:
    """A WebP with further chunks behind its pixels."""
    data = encoded(SMALL, "WEBP", lossless=True, exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0")
    data = data[:8] + data[8:] + chunks
    return data[:4] + struct.pack("<I", len(data) - 8) + data[8:]


def tiff(*tags: tuple[int, int, int, bytes | int], data: bytes = b"") -> bytes:
    """A TIFF of one directory: tag, type, count, value or its place in `data`, which follows the directory."""
    start = 8 + 2 + 12 * len(tags) + 4
    entries = b""
    for tag, kind, count, value in tags:
        place = struct.pack("<I", start + value) if isinstance(value, int) else value.ljust(4, b"\0")
        entries += struct.pack("<HHI", tag, kind, count) + place
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(4) + data


def grey_tiff(width: int, height: int, compression: int = 1) -> list[tuple[int, int, int, bytes | int]]:
    """The tags of a grey page, without its strips."""
    numbers = {256: width, 257: height, 258: 8, 259: compression, 262: 1, 277: 1, 278: height}
    return [(tag, 4, 1, struct.pack("<I", number)) for tag, number in numbers.items()]


def tiff_with_tag(tag: int, length: int) -> bytes:
    """A tag with a long value."""
    tags = [*grey_tiff(8, 8), (273, 4, 1, 0), (279, 4, 1, struct.pack("<I", 64)), (tag, 1, length, 64)]
    return tiff(*sorted(tags, key=lambda each: each[0]), data=bytes(64) + bytes(range(256)) * (length // 256 + 1))


def tiff_with_strips(length: int, packed: bytes = b"", compression: int = 1) -> bytes:
    """Strips of a row each, all in the same place."""
    count = min(length // 8, 200_000)
    strip = packed or bytes(8)
    offsets = struct.pack("<I", 8 + 2 + 12 * 9 + 4 + 8 * count) * count
    lengths = struct.pack("<I", len(strip)) * count
    tags = [each for each in grey_tiff(8, count, compression) if each[0] != 278]
    tags += [(273, 4, count, 0), (278, 4, 1, struct.pack("<I", 1)), (279, 4, count, 4 * count)]
    return tiff(*sorted(tags, key=lambda each: each[0]), data=offsets + lengths + strip)


def heif_with_boxes(kind: bytes, length: int) -> bytes:
    """An AVIF behind which there are many empty boxes."""
    return encoded(SMALL, "AVIF") + filled(struct.pack(">I4s", 8, kind), length)


HOSTILE: Mapping[str, Callable[[int], bytes]] = {
    "png profiles": png_with_profiles,
    "png profiles behind": lambda length: png_with_profiles(length, behind=True),
    "apng profiles": lambda length: apng(0)[:-12] + png_with_profiles(length)[33:-12] + png_chunk(b"IEND"),
    "png broken profiles": lambda length: png(filled(png_chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(1_000_000), 9)[:-9]), length)),
    "png zTXt": lambda length: png(filled(png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1_000_000), 9)), length)),
    "png iTXt": lambda length: png(filled(png_chunk(b"iTXt", b"a\0\1\0\0\0" + zlib.compress(bytes(1_000_000), 9)), length)),
    "png XMP": lambda length: png(filled(png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b"<" * 1_000_000, 9)), length)),
    "png raw profiles": lambda length: png(filled(png_chunk(b"zTXt", b"Raw profile type icc\0\0" + zlib.compress(b"\nicc\n 9\n" + b"zz" * 500_000, 9)), length)),
    "png tEXt": lambda length: png(filled(png_chunk(b"tEXt", b"a\0b"), length)),
    "png eXIf": lambda length: png(filled(png_chunk(b"eXIf", bytes(60_000)), length)),
    "png empty chunks": lambda length: png(filled(png_chunk(b"abCd"), length)),
    "png empty IDAT": lambda length: png(pixels=filled(png_chunk(b"IDAT"), length)),
    "png IDAT of a byte": lambda length: png(pixels=b"".join(png_chunk(b"IDAT", bytes((each,))) for each in zlib.compress(bytes(500 * 1001), 0)[: length // 13]), width=1000, height=500),
    "png claims": lambda length: png(width=5000, height=5000, pixels=png_chunk(b"IDAT", zlib.compress(bytes(8 * 9)))),
    "apng pieces": apng,
    "apng frames": lambda length: png(png_chunk(b"acTL", struct.pack(">II", 1, 0)) + filled(png_chunk(b"fcTL", bytes(26)), length)),
    "jpeg claims": lambda length: claiming(jpeg(), 5000, 5000),
    "jpeg claims progressively": lambda length: claiming(jpeg(progressive=True), 5000, 5000),
    "jpeg claims in grey": lambda length: claiming(jpeg(picture=SMALL.convert("L")), 5000, 5000),
    "jpeg scans": scans,
    "jpeg comments": lambda length: jpeg(filled(segment(0xFE, b""), length)),
    "jpeg APP1": lambda length: jpeg(filled(segment(0xE1, b"Exif\0\0" + bytes(60_000)), length)),
    "jpeg APP1 of XMP": lambda length: jpeg(filled(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + b"<a:b " * 12_000), length)),
    "jpeg APP2": lambda length: jpeg(filled(segment(0xE2, b"ICC_PROFILE\0\1\1" + bytes(60_000)), length)),
    "jpeg APP13": lambda length: jpeg(filled(segment(0xED, b"Photoshop 3.0\0" + b"8BIM\4\4\0\0\0\0\0\0" * 4000), length)),
    "jpeg tables": lambda length: jpeg(filled(segment(0xDB, b"\0" + bytes(range(1, 65))), length)),
    "jpeg codes": lambda length: jpeg(filled(segment(0xC4, bytes(17)), length)),
    "jpeg restarts": lambda length: jpeg()[:-2] + filled(b"\xff\xd0", length) + b"\xff\xd9",
    "jpeg fill bytes": lambda length: jpeg()[:2] + filled(b"\xff", length) + jpeg()[2:],
    "jpeg garbage between": lambda length: jpeg()[:2] + filled(b"\0", length) + jpeg()[2:],
    "jpeg stuffed": lambda length: jpeg()[:-2] + filled(b"\xff\0", length) + b"\xff\xd9",
    "jpeg behind": lambda length: jpeg() + filled(b"\xff\xd8\xff\xe0\0\x10hdrgm", length),
    "gif empty extensions": lambda length: gif(filled(b"!\xfe\0", length)),
    "gif empty controls": lambda length: gif(filled(b"!\xf9\0", length)),
    "gif comments": lambda length: gif(filled(b"!\xfe\1a\0", length)),
    "gif texts": lambda length: gif(filled(b"!\1\0", length)),
    "gif applications": lambda length: gif(filled(b"!\xff\x0bNETSCAPE2.0\3\1\0\0\0", length)),
    "gif blocks of a byte": lambda length: gif(b"!\xfe" + filled(b"\1a", length) + b"\0"),
    "gif pixels of a byte": lambda length: gif(blocks=filled(b"\1\x44", length) + b"\0"),
    "gif clears": lambda length: gif(blocks=filled(b"\xff" + b"\x24\x49\x92" * 85, length) + b"\0", width=2000, height=2000),
    "gif claims": lambda length: gif(width=5000, height=5000),
    "gif claims, filled up": lambda length: gif(width=5000, height=5000, blocks=b"\1\x44" + filled(b"\xff" + bytes(255), length) + b"\0"),
    "gif frames": lambda length: gif(filled(b"," + struct.pack("<HHHHB", 0, 0, 8, 8, 0) + b"\2\2\x44\1\0", length)),
    "gif behind": lambda length: gif() + filled(b"!\xfe\0", length),
    "bmp runs of one": lambda length: bmp(1, 2, 1, 8, filled(b"\1\0", length)),
    "bmp half bytes": lambda length: bmp(1, 2, 2, 4, filled(b"\xff\0", length)),
    "bmp ends of lines": lambda length: bmp(1000, 1000, 1, 8, filled(b"\0\0", length)),
    "bmp moves": lambda length: bmp(8, 8, 1, 8, filled(b"\0\2\0\0", length)),
    "bmp absolute": lambda length: bmp(8, 8, 1, 8, filled(b"\0\3\1\1\1\0", length)),
    "bmp claims": lambda length: bmp(5000, 5000, 1, 8, b"\0\1"),
    "bmp claims without data": lambda length: bmp(5000, 5000, 0, 8, b""),
    "webp chunks": lambda length: webp(filled(b"abcd\0\0\0\0", length)),
    "webp EXIF": lambda length: webp(filled(b"EXIF\2\0\0\0ab", length)),
    "webp profiles": lambda length: webp(filled(b"ICCP\2\0\0\0ab", length)),
    "webp behind": lambda length: webp(b"") + filled(b"RIFFabcd", length),
    "tiff strips": tiff_with_strips,
    "tiff packed strips": lambda length: tiff_with_strips(length, zlib.compress(bytes(8)), 8),
    "tiff empty strips": lambda length: tiff_with_strips(length, b"\0", 8),
    "tiff profile": lambda length: tiff_with_tag(34675, length),
    "tiff XMP": lambda length: tiff_with_tag(700, length),
    "tiff IPTC": lambda length: tiff_with_tag(33723, length),
    "tiff Photoshop": lambda length: tiff_with_tag(34377, length),
    "tiff private": lambda length: tiff_with_tag(50000, length),
    "tiff description": lambda length: tiff_with_tag(270, length),
    "tiff tags": lambda length: tiff(*grey_tiff(8, 8), *[(40_000 + at % 20_000, 4, 1, b"\1") for at in range(min(length // 12, 60_000))]),
    "tiff claims": lambda length: tiff(*grey_tiff(5000, 5000), (273, 4, 1, 0), (279, 4, 1, b"\x40"), data=bytes(64)),
    "tiff claims, packed": lambda length: tiff(*grey_tiff(5000, 5000, 8), (273, 4, 1, 0), (279, 4, 1, b"\x40"), data=zlib.compress(bytes(64)).ljust(64, b"\0")),
    "tiff behind": lambda length: tiff(*grey_tiff(8, 8), (273, 4, 1, 0), (279, 4, 1, b"\x40"), data=bytes(64) + b"II*\0" * (length // 4)),
    "avif boxes": lambda length: heif_with_boxes(b"free", length),
    "avif boxes of unknown kinds": lambda length: heif_with_boxes(b"abcd", length),
    "avif behind": lambda length: encoded(SMALL, "AVIF") + struct.pack(">I4s", length + 8, b"abcd") + bytes(range(256)) * (length // 256),
    "zeros": bytes,
    "white space": lambda length: filled(b" \n", length),
    "comments": lambda length: filled(b"<!-- a -->", length),
}
