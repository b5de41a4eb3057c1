"""Large, repetitive files that are made to cost a decoder time, by name. None is a picture that somebody has.

Each is made when it is asked for: together they take hundreds of megabytes. `tests/test_hostile_files.py` measures the
CPU time that each costs, `make fuzz` does so with other lengths.
"""

import struct
import zlib
from collections.abc import Callable, Mapping

from conftest import encoded, png_chunk
from PIL import Image

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_PIXELS = png_chunk(b"IDAT", zlib.compress(bytes(8 * 9)))
ZEROS = zlib.compress(bytes(1_000_000), 9)
PROFILE = png_chunk(b"iCCP", b"a\0\0" + ZEROS)
# A block of the code by which a GIF's decoder forgets its codes.
CLEARS = b"\xff" + b"\x24\x49\x92" * 85
SMALL = Image.new("RGB", (8, 8), (200, 30, 90))
# How one is made, of about so many bytes.
Make = Callable[[int], bytes]
# Tag, type, count, and the value or its place.
Tag = tuple[int, int, int, bytes | int]
# An eighth of the largest body that a service takes by default.
LENGTH = 8 << 20


def png(before: bytes = b"", behind: bytes = b"", size: tuple[int, int] = (8, 8), pixels: bytes = PNG_PIXELS) -> bytes:
    """A grey PNG with chunks before and behind those of its pixels."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 0, 0, 0, 0))
    return PNG_SIGNATURE + header + before + pixels + behind + png_chunk(b"IEND")


def filled(unit: bytes, length: int) -> bytes:
    """The unit, repeated up to about that length."""
    return unit * max(1, length // len(unit))


def in_png(unit: bytes) -> Make:
    """A PNG with many of a chunk before its pixels."""
    return lambda length: png(filled(unit, length))


def text(name: bytes, keyword: bytes, content: bytes) -> bytes:
    """A chunk of compressed text."""
    head = b"\0\0" if name == b"zTXt" else b"\0\1\0\0\0"
    return png_chunk(name, keyword + head + zlib.compress(content, 9))


def png_in_bytes(length: int) -> bytes:
    """Each chunk has a byte of the pixels."""
    packed = zlib.compress(bytes(1000 * 1001), 0)[: length // 13]
    return png(size=(1000, 1000), pixels=b"".join(png_chunk(b"IDAT", bytes((each,))) for each in packed))


def apng(length: int, head: bytes = b"") -> bytes:
    """Two frames, the second in tiny pieces."""
    control = struct.pack(">IIIIIHHBB", 0, 8, 8, 0, 0, 1, 10, 0, 0)
    packed = zlib.compress(bytes(8 * 9))
    animation = png_chunk(b"acTL", struct.pack(">II", 2, 0)) + png_chunk(b"fcTL", control)
    second = png_chunk(b"fcTL", struct.pack(">I", 1) + control[4:]) + png_chunk(b"fdAT", bytes(3) + b"\2" + packed)
    return png(head + animation, second + filled(png_chunk(b"fdAT", bytes(4)), length))


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


def in_jpeg(unit: bytes) -> Make:
    """A JPEG with many of a segment at its beginning."""
    return lambda length: jpeg(filled(unit, length))


def behind_jpeg(unit: bytes, end: bytes = b"\xff\xd9") -> Make:
    """A JPEG with bytes behind its codes."""
    return lambda length: jpeg()[:-2] + filled(unit, length) + end


def segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def gif(extensions: bytes = b"", blocks: bytes = b"\2\x44\1\0", size: tuple[int, int] = (8, 8)) -> bytes:
    """A grey GIF; `blocks`: of its pixels, by default one code for the end of the picture."""
    head = b"GIF89a" + struct.pack("<HHBBB", *size, 0x80, 0, 0) + bytes(6)
    return head + extensions + b"," + struct.pack("<HHHHB", 0, 0, *size, 0) + b"\2" + blocks + b";"


def in_gif(unit: bytes) -> Make:
    """A GIF with many of an extension before its picture."""
    return lambda length: gif(filled(unit, length))


def bmp(width: int, height: int, compression: int, data: bytes) -> bytes:
    """A BMP of a grey palette; `compression`: 0 none, 1 and 2 runs of 8 and of 4 bits."""
    bits = 4 if compression == 2 else 8
    colours = bytes(4 << bits)
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(data), 0, 0, 1 << bits, 0)
    start = 14 + len(head) + len(colours)
    return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + head + colours + data


def of_runs(width: int, height: int, compression: int, unit: bytes) -> Make:
    """A BMP of many equal codes."""
    return lambda length: bmp(width, height, compression, filled(unit, length))


def webp(chunks: bytes) -> bytes:
    """A WebP with further chunks behind its pixels."""
    data = encoded(SMALL, "WEBP", lossless=True, exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0")
    return data[:4] + struct.pack("<I", len(data) + len(chunks) - 8) + data[8:] + chunks


def in_webp(unit: bytes) -> Make:
    """A WebP with many of a chunk behind its pixels."""
    return lambda length: webp(filled(unit, length))


def tiff(*tags: Tag, data: bytes = b"") -> bytes:
    """A TIFF of one directory: tag, type, count, value or its place in `data`, which follows the directory."""
    start = 8 + 2 + 12 * len(tags) + 4
    entries = b""
    for tag, kind, count, value in tags:
        place = struct.pack("<I", start + value) if isinstance(value, int) else value.ljust(4, b"\0")
        entries += struct.pack("<HHI", tag, kind, count) + place
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(4) + data


def grey_tiff(width: int, height: int, compression: int = 1) -> list[Tag]:
    """The tags of a grey page, without its strips."""
    numbers = {256: width, 257: height, 258: 8, 259: compression, 262: 1, 277: 1, 278: height}
    return [(tag, 4, 1, struct.pack("<I", number)) for tag, number in numbers.items()]


def tiff_of(data: bytes, *tags: Tag, size: tuple[int, int] = (8, 8), compression: int = 1) -> bytes:
    """A grey page in a strip of 64 bytes at the beginning of `data`."""
    strip: list[Tag] = [(273, 4, 1, 0), (279, 4, 1, b"\x40")]
    return tiff(*sorted([*grey_tiff(*size, compression), *strip, *tags], key=lambda each: each[0]), data=data)


def with_tag(tag: int) -> Make:
    """A TIFF with a tag of a long value."""
    return lambda length: tiff_of(bytes(64) + bytes(range(256)) * (length // 256 + 1), (tag, 1, length, 64))


def tiff_with_tags(length: int) -> bytes:
    """As many tags as a directory can have."""
    return tiff_of(bytes(64), *((40_000 + at % 20_000, 4, 1, b"\1") for at in range(min(length // 12, 60_000))))


def tiff_with_strips(length: int, packed: bytes = b"", compression: int = 1) -> bytes:
    """Strips of a row each, all in the same place."""
    count = min(length // 8, 200_000)
    strip = packed or bytes(8)
    # Behind the directory of nine tags, and the lengths and places of all strips.
    offsets = struct.pack("<I", 8 + 2 + 12 * 9 + 4 + 8 * count) * count
    lengths = struct.pack("<I", len(strip)) * count
    tags = [each for each in grey_tiff(8, count, compression) if each[0] != 278]
    tags += [(273, 4, count, 0), (278, 4, 1, struct.pack("<I", 1)), (279, 4, count, 4 * count)]
    return tiff(*sorted(tags, key=lambda each: each[0]), data=offsets + lengths + strip)


def behind_avif(unit: bytes) -> Make:
    """An AVIF with many boxes behind its picture."""
    return lambda length: encoded(SMALL, "AVIF") + filled(unit, length)


HOSTILE: Mapping[str, Make] = {
    # Chunks that unpack to 1 MB each.
    "png profiles": in_png(PROFILE),
    "png profiles behind": lambda length: png(behind=filled(PROFILE, length)),
    "apng profiles": lambda length: apng(0, filled(PROFILE, length)),
    "png broken profiles": in_png(png_chunk(b"iCCP", b"a\0\0" + ZEROS[:-9])),
    "png zTXt": in_png(text(b"zTXt", b"a", bytes(1_000_000))),
    "png iTXt": in_png(text(b"iTXt", b"a", bytes(1_000_000))),
    "png XMP": in_png(text(b"iTXt", b"XML:com.adobe.xmp", b"<" * 1_000_000)),
    "png raw profiles": in_png(text(b"zTXt", b"Raw profile type icc", b"\nicc\n 9\n" + b"zz" * 500_000)),
    "png tEXt": in_png(png_chunk(b"tEXt", b"a\0b")),
    "png eXIf": in_png(png_chunk(b"eXIf", bytes(60_000))),
    "png empty chunks": in_png(png_chunk(b"abCd")),
    "png empty pixels": lambda length: png(pixels=filled(png_chunk(b"IDAT"), length)),
    "png pixels in bytes": png_in_bytes,
    "png claims": lambda _: png(size=(5000, 5000)),
    "apng pieces": apng,
    "apng frames": in_png(png_chunk(b"acTL", bytes(8)) + png_chunk(b"fcTL", bytes(26))),
    "jpeg claims": lambda _: claiming(jpeg(), 5000, 5000),
    "jpeg claims progressively": lambda _: claiming(jpeg(progressive=True), 5000, 5000),
    "jpeg claims in grey": lambda _: claiming(jpeg(picture=SMALL.convert("L")), 5000, 5000),
    "jpeg scans": scans,
    "jpeg comments": in_jpeg(segment(0xFE, b"")),
    "jpeg APP1": in_jpeg(segment(0xE1, b"Exif\0\0" + bytes(60_000))),
    "jpeg XMP": in_jpeg(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + b"<a:b " * 12_000)),
    "jpeg APP2": in_jpeg(segment(0xE2, b"ICC_PROFILE\0\1\1" + bytes(60_000))),
    "jpeg APP13": in_jpeg(segment(0xED, b"Photoshop 3.0\0" + b"8BIM\4\4\0\0\0\0\0\0" * 4000)),
    "jpeg tables": in_jpeg(segment(0xDB, b"\0" + bytes(range(1, 65)))),
    "jpeg codes": in_jpeg(segment(0xC4, bytes(17))),
    "jpeg fill bytes": in_jpeg(b"\xff"),
    "jpeg garbage": lambda length: jpeg()[:20] + bytes(length) + jpeg()[20:],
    "jpeg restarts": behind_jpeg(b"\xff\xd0"),
    "jpeg stuffing": behind_jpeg(b"\xff\0"),
    "jpeg behind": behind_jpeg(b"\xff\xd9\xff\xd8\xff\xe0\0\x10hdrgm"),
    "gif empty comments": in_gif(b"!\xfe\0"),
    "gif empty controls": in_gif(b"!\xf9\0"),
    "gif empty texts": in_gif(b"!\1\0"),
    "gif comments": in_gif(b"!\xfe\1a\0"),
    "gif applications": in_gif(b"!\xff\x0bNETSCAPE2.0\3\1\0\0\0"),
    "gif blocks of a byte": lambda length: gif(b"!\xfe" + filled(b"\1a", length) + b"\0"),
    "gif pixels in bytes": lambda length: gif(blocks=filled(b"\1\x44", length) + b"\0"),
    "gif clears": lambda length: gif(blocks=filled(CLEARS, length) + b"\0", size=(2000, 2000)),
    "gif claims": lambda _: gif(size=(5000, 5000)),
    "gif frames": in_gif(b"," + struct.pack("<HHHHB", 0, 0, 8, 8, 0) + b"\2\2\x44\1\0"),
    "gif behind": lambda length: gif() + filled(b"!\xfe\0", length),
    "bmp runs of one": of_runs(1, 2, 1, b"\1\0"),
    "bmp runs of half bytes": of_runs(1, 2, 2, b"\xff\0"),
    "bmp ends of rows": of_runs(1000, 1000, 1, b"\0\0"),
    "bmp moves": of_runs(8, 8, 1, b"\0\2\0\0"),
    "bmp absolute": of_runs(8, 8, 1, b"\0\3\1\1\1\0"),
    "bmp claims in runs": lambda _: bmp(5000, 5000, 1, b"\0\1"),
    "bmp claims": lambda _: bmp(5000, 5000, 0, b""),
    "webp chunks": in_webp(b"abcd\0\0\0\0"),
    "webp EXIF": in_webp(b"EXIF\2\0\0\0ab"),
    "webp profiles": in_webp(b"ICCP\2\0\0\0ab"),
    "webp behind": lambda length: webp(b"") + filled(b"RIFFabcd", length),
    "tiff strips": tiff_with_strips,
    "tiff packed strips": lambda length: tiff_with_strips(length, zlib.compress(bytes(8)), 8),
    "tiff empty strips": lambda length: tiff_with_strips(length, b"\0", 8),
    "tiff profile": with_tag(34675),
    "tiff XMP": with_tag(700),
    "tiff IPTC": with_tag(33723),
    "tiff Photoshop": with_tag(34377),
    "tiff private": with_tag(50_000),
    "tiff description": with_tag(270),
    "tiff tags": tiff_with_tags,
    "tiff claims": lambda _: tiff_of(bytes(64), size=(5000, 5000)),
    "tiff packed claims": lambda _: tiff_of(zlib.compress(bytes(64)).ljust(64), size=(5000, 5000), compression=8),
    "tiff behind": lambda length: tiff_of(bytes(64) + filled(b"II*\0", length)),
    "avif boxes": behind_avif(struct.pack(">I4s", 8, b"free")),
    "avif unknown boxes": behind_avif(struct.pack(">I4s", 8, b"abcd")),
    "avif long boxes": behind_avif(struct.pack(">I4s", 1 << 20, b"abcd") + bytes(range(256)) * 4096),
    "zeros": bytes,
    "white space": lambda length: filled(b" \n", length),
    "comments": lambda length: filled(b"<!-- a -->", length),
}
