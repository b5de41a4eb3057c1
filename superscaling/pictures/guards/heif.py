"""Checks what decoding an AVIF or a HEIC would cost, before a decoder reads its pictures."""

from superscaling.errors import ImageCorrupt, UnsupportedMode
from superscaling.pictures.guards.coded_size import av1_sizes, hevc_sizes
from superscaling.recognition.bmff import HeifFile, Item
from superscaling.recognition.limits import Limits, check_parts

CODED = (b"av01", b"hvc1")
# Blocks and a grid's tiles extend over the border: together they may have so many times the limit in px.
SURPLUS = 2
# Descriptions of several pictures may share bytes, which would be copied for each: in all, so many times the file.
SHARED = 2
# Pictures beside the primary one that a library lists.
MAX_PICTURES = 200


def check_heif(data: bytes, file: HeifFile, limits: Limits) -> None:
    """Make sure that the primary picture and its alpha cost no more than `limits` allow.

    Raises:
        ImageTooLarge: they have more pixels.
        ImageTooComplex: they have more parts than real pictures have.
        ImageCorrupt, UnsupportedMode: they are not made of coded pictures.
    """
    copied = sum(
        end - start
        for item in file.items.values()
        for _ in item.references.get(b"cdsc", ())
        for start, end in item.extents
    )
    check_parts("bytes of metadata", copied, SHARED * len(data))
    tiles = {part for item in file.items.values() for part in item.references.get(b"dimg", ())}
    listed = sum(item.kind in (*CODED, b"grid") for number, item in file.items.items() if number not in tiles)
    check_parts("pictures", listed, MAX_PICTURES)
    for item in (file.items[file.primary], file.alpha):
        if item is not None:
            _check_picture(data, file, item, limits)


def _check_picture(data: bytes, file: HeifFile, item: Item, limits: Limits) -> None:
    size = item.described(b"ispe")
    if size is None:
        raise ImageCorrupt("the size of its picture is missing")
    # Some encoders fill a picture up to whole blocks, and have it cut.
    pixels = int.from_bytes(size[4:8]) * int.from_bytes(size[8:12])
    if item.kind == b"grid":
        width, height = _grid_size(_content(data, item))
        pixels = max(pixels, width * height)
    _check_surplus(pixels, limits)
    coded, pixels = dict[int, int](), 0
    for part in file.coded(item):
        if part.kind not in CODED:
            raise UnsupportedMode(f"the picture is coded as {part.kind.decode('latin-1')!r}, which is not supported")
        if id(part) not in coded:  # a grid may show one tile many times
            coded[id(part)] = _coded_pixels(data, part)
        pixels += coded[id(part)]
    _check_surplus(pixels, limits)


def _check_surplus(pixels: int, limits: Limits) -> None:
    if pixels > SURPLUS * limits.pixels:
        raise limits.too_large(f"coded pictures of {pixels} px", pixels)


def _coded_pixels(data: bytes, item: Item) -> int:
    content = _content(data, item)
    if item.kind == b"av01":
        return max(av1_sizes(content), default=0)
    configuration = item.described(b"hvcC")
    if configuration is None:
        raise ImageCorrupt("the configuration of its code is missing")
    return max(hevc_sizes(configuration, content), default=0)


def _grid_size(content: bytes) -> tuple[int, int]:
    """Width and height of a grid in px. (ISO/IEC 23008-12, 6.6.2.3.2)"""
    size = 4 if content[1] & 1 else 2
    return int.from_bytes(content[4 : 4 + size]), int.from_bytes(content[4 + size : 4 + 2 * size])


def _content(data: bytes, item: Item) -> bytes:
    if any(end > len(data) for _, end in item.extents):
        raise ImageCorrupt("the file ends within its picture")
    check_parts("bytes of a picture", sum(end - start for start, end in item.extents), len(data))
    return b"".join(data[start:end] for start, end in item.extents)
