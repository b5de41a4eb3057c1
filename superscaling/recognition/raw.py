"""Tells a camera's raw file from other TIFFs: what decoders read of it is only its preview. (TIFF/EP; DNG 1.7)"""

import re
from collections.abc import Iterator

from superscaling.recognition.directories import UNDEFINED, Entry, first_directory, layout_of, read_directory

# Tags: compression, what the samples mean, maker, further directories, version of DNG.
COMPRESSION, PHOTOMETRIC, MAKE, SUB_DIRECTORIES, DNG_VERSION = 259, 262, 271, 330, 50706
# Samples behind a colour filter, and colour before it is developed.
RAW_SAMPLES = (32_803, 34_892)
# Compressions of makers: Nikon, Sony, Pentax, Samsung, Kodak and others. (exiftool's table of tag 259)
RAW_COMPRESSIONS = (32_767, 32_769, 32_770, 34_713, 65_535, 65_000, 65_024)
TAGS = (COMPRESSION, PHOTOMETRIC, MAKE, SUB_DIRECTORIES, DNG_VERSION)
MAX_DIRECTORIES = 20
MAX_NAME = 40  # bytes of the maker's name
NONE = Entry(UNDEFINED, b"")
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
    order = "<" if data.startswith(b"II") else ">"
    for tags in _directories(data, order):
        for tag, raw in ((PHOTOMETRIC, RAW_SAMPLES), (COMPRESSION, RAW_COMPRESSIONS)):
            is_raw |= any(number in raw for number in tags.get(tag, NONE).integers(order)[:1])
        is_dng |= DNG_VERSION in tags
        make = make or tags.get(MAKE, NONE).data[:MAX_NAME].decode("latin-1")
    if not is_raw:
        return None
    return "DNG" if is_dng else next((kind for maker, kind in MAKERS.items() if maker in make.upper()), "TIFF/EP")


def _directories(data: bytes, order: str) -> Iterator[dict[int, Entry]]:
    """The tags above of the first directories and of those that these point to."""
    if (layout := layout_of(data)) is None:
        return
    places = [first_directory(data, layout)]
    for index in range(MAX_DIRECTORIES):
        if index >= len(places):
            return
        found = read_directory(data, places[index], layout, only=TAGS)
        yield found.entries
        pointed = found.entries.get(SUB_DIRECTORIES, NONE).integers(order)[:MAX_DIRECTORIES]
        places += [place for place in (*pointed, found.following) if place > 0]
