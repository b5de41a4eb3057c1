"""Checks the outline of a JPEG before a decoder reads it: small files can cost a decoder hours.

Neither the pixel limit nor a deadline helps: a progressive JPEG can pass over the whole picture in each of a million
scans, and a decoder can't be interrupted.
"""

import re

from superscaling.pictures.limits import MAX_EXIF, check_parts

# Real JPEGs have about ten scans in a picture and a few pictures in a file (previews); libjpeg-turbo advises to
# distrust more than 500. Segments before the first scan: profiles and extended XMP take up to a few hundred.
MAX_SCANS = 500
MAX_SEGMENTS = 1000
# Some writers leave a few bytes between segments; decoders skip them one by one.
MAX_SKIPPED = 1 << 16

MARKER = 0xFF
# Markers without a length: restarts, start, end, and two that are not used.
WITHOUT_LENGTH = (*range(0xD0, 0xDA), 0x01, 0xC8)
EXIF = re.compile(rb"\xff\xe1(..)Exif", re.DOTALL)
START = b"\xff\xd8"
SCAN = b"\xff\xda"


def check_jpeg(data: bytes) -> None:
    """Make sure that a JPEG has no more parts than real pictures have.

    Raises:
        ImageTooComplex: it has more.
    """
    # In coded pixels 0xFF is followed by 0 or a restart marker, so this finds the scans (and hardly anything else).
    check_parts("scans", data.count(SCAN), MAX_SCANS)
    _check_segments(data)
    check_parts("bytes of EXIF", sum(int.from_bytes(found[1]) for found in EXIF.finditer(data)), MAX_EXIF)


def _check_segments(data: bytes) -> None:
    """Count the segments before the first scan as decoders find them, skipping what lies between."""
    place, count, skipped = len(START), 0, 0
    while place + 1 < len(data) and data[place : place + 2] != SCAN:
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
