"""Tells a camera's raw file from other TIFFs: what decoders read of it is only its preview. (TIFF/EP; DNG 1.7)"""

import re
import struct
from collections.abc import Iterator

# Tags: compression, what the samples mean, maker, further directories, version of DNG.
COMPRESSION, PHOTOMETRIC, MAKE, SUB_DIRECTORIES, DNG_VERSION = 259, 262, 271, 330, 50706
# Samples behind a colour filter, and colour before it is developed.
RAW_SAMPLES = (32_803, 34_892)
# Compressions of makers: Nikon, Sony, Pentax, Samsung, Kodak and others. (exiftool's table of tag 259)
RAW_COMPRESSIONS = (32_767, 32_769, 32_770, 34_713, 65_535, 65_000, 65_024)
SHORT, LONG, IFD = 3, 4, 13
MAX_DIRECTORIES, MAX_TAGS = 20, 500
# Behind the header of a TIFF.
SIGNATURES = (
    (re.compile(rb"II\*\0....CR", re.DOTALL), "Canon CR2"),
    (re.compile(rb"(?:II\*\0....IIII.waR|MM\0\*....MMMMRaw)", re.DOTALL), "Phase One IIQ"),
)
MAKERS = {
    "NIKON": "Nikon NEF",
    "SONY": "Sony ARW",
    "PENTAX": "Pentax PEF",
    "RICOH": "Pentax PEF",
    "SAMSUNG": "Samsung SRW",
    "HASSELBLAD": "Hasselblad 3FR",
    "KODAK": "Kodak DCR",
    "EPSON": "Epson ERF",
    "LEAF": "Leaf MOS",
    "MAMIYA": "Mamiya MEF",
    "PHASE ONE": "Phase One IIQ",
    "CANON": "Canon TIF",
}


def name_raw(data: bytes) -> str | None:
    """The kind of raw file that a TIFF is; None if it is an ordinary TIFF.

    A DNG of finished pictures only, as some scanners write it, counts as ordinary.
    """
    for signature, kind in SIGNATURES:
        if signature.match(data):
            return kind
    is_raw, is_dng, make = False, False, ""
    for tags in _directories(data):
        is_raw |= tags.get(PHOTOMETRIC) in RAW_SAMPLES or tags.get(COMPRESSION) in RAW_COMPRESSIONS
        is_dng |= DNG_VERSION in tags
        make = make or str(tags.get(MAKE, ""))
    if not is_raw:
        return None
    return "DNG" if is_dng else next((kind for maker, kind in MAKERS.items() if maker in make.upper()), "TIFF/EP")


def _directories(data: bytes) -> Iterator[dict[int, object]]:
    """The tags above of the first directories and of those that these point to."""
    order = "<" if data.startswith(b"II") else ">"
    try:
        places = [struct.unpack_from(order + "I", data, 4)[0]]
        for index in range(MAX_DIRECTORIES):
            if index >= len(places):
                return
            tags, following = _directory(data, order, places[index])
            yield tags
            pointed = tags.get(SUB_DIRECTORIES)
            places += [*(pointed if isinstance(pointed, tuple) else ()), *following]
    except struct.error:  # the reader says what is wrong
        return


def _directory(data: bytes, order: str, place: int) -> tuple[dict[int, object], list[int]]:
    (count,) = struct.unpack_from(order + "H", data, place)
    tags: dict[int, object] = {}
    for entry in range(place + 2, place + 2 + 12 * min(count, MAX_TAGS), 12):
        tag, kind, length = struct.unpack_from(order + "HHI", data, entry)
        if tag in (COMPRESSION, PHOTOMETRIC) and kind == SHORT:
            (tags[tag],) = struct.unpack_from(order + "H", data, entry + 8)
        elif tag == SUB_DIRECTORIES and kind in (LONG, IFD):
            start = entry + 8 if length == 1 else struct.unpack_from(order + "I", data, entry + 8)[0]
            tags[tag] = struct.unpack_from(f"{order}{min(length, MAX_DIRECTORIES)}I", data, start)
        elif tag == MAKE:
            (start,) = struct.unpack_from(order + "I", data, entry + 8)
            tags[tag] = data[start : start + min(length, 40)].decode("latin-1") if length > 4 else ""
        elif tag == DNG_VERSION:
            tags[tag] = True
    (following,) = struct.unpack_from(order + "I", data, place + 2 + 12 * count)
    return tags, [following] if following else []
