"""A look at a file's outline before a decoder sees it: small files can cost a decoder hours.

Neither the pixel limit nor a deadline helps: a progressive JPEG may pass over the whole picture in each of a million
scans, and a decoder can't be interrupted.
"""

import itertools
import re
from collections.abc import Iterator

from superscaling.format_name import FormatName
from superscaling.pictures.containers.chunks import Chunk, png_chunks, webp_chunks
from superscaling.pictures.guards.tiff import check_tiff
from superscaling.pictures.limits import MAX_EXIF, Limits, check_parts

# Real JPEGs have about ten scans in a picture and a few pictures in a file (previews); libjpeg-turbo's own advice is to
# distrust more than 500. Segments before the first scan: profiles and extended XMP take up to a few hundred.
MAX_SCANS = 500
MAX_SEGMENTS = 1000
# A PNG of 33 MB in the smallest usual chunks, of 4 KiB, has about 8,000. (A WebP has a few for each frame.)
MAX_CHUNKS = 20_000

# Some writers leave a few bytes between segments; decoders skip them one by one.
MAX_SKIPPED = 1 << 16

MARKER = 0xFF
# Restarts, start, end, and two that are not used: markers alone.
WITHOUT_LENGTH = (*range(0xD0, 0xDA), 0x01, 0xC8)
EXIF = re.compile(rb"\xff\xe1(..)Exif", re.DOTALL)
JPEG_START = b"\xff\xd8"
JPEG_SCAN = b"\xff\xda"


def check_structure(data: bytes, name: FormatName, limits: Limits) -> None:
    """Make sure that a file of the format `name` has no more parts than real pictures have.

    Raises:
        ImageTooComplex: it has.
        TooManyFrames: it has more pages than `limits` allow. (Other formats' frames are counted where they are read.)
    """
    if name is FormatName.JPEG:
        # In coded pixels 0xFF is followed by 0 or a restart marker, so that this finds scans (and few others).
        check_parts("scans", data.count(JPEG_SCAN), MAX_SCANS)
        _check_segments(data)
        check_parts("bytes of EXIF", sum(int.from_bytes(found[1]) for found in EXIF.finditer(data)), MAX_EXIF)
    elif name is FormatName.PNG:
        check_parts("chunks", _count(png_chunks(data)), MAX_CHUNKS)
    elif name is FormatName.WEBP:
        check_parts("chunks", _count(webp_chunks(data)), MAX_CHUNKS)
    elif name is FormatName.TIFF:
        check_tiff(data, limits)


def _check_segments(data: bytes) -> None:
    """Count a JPEG's segments before its first scan as decoders find them, skipping what lies between."""
    place, count, skipped = len(JPEG_START), 0, 0
    while place + 1 < len(data) and data[place : place + 2] != JPEG_SCAN:
        if data[place] != MARKER or data[place + 1 : place + 2] in (b"\xff", b"\0"):
            place += 1
            skipped += 1
        elif data[place + 1] in WITHOUT_LENGTH:
            place += 2
            skipped += 2
        else:
            place += 2 + int.from_bytes(data[place + 2 : place + 4])
            count += 1
        check_parts("segments", count, MAX_SEGMENTS)
        check_parts("bytes between segments", skipped, MAX_SKIPPED)


def _count(chunks: Iterator[Chunk]) -> int:
    """How many there are; counting ends above the limit."""
    return sum(1 for _ in itertools.islice(chunks, MAX_CHUNKS + 1))
