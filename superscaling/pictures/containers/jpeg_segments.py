"""The segments of a JPEG file. (ITU-T T.81, annex B)"""

import re
from collections.abc import Iterable
from typing import NamedTuple

COMMENT, START_OF_SCAN, END_OF_PICTURE = 0xFE, 0xDA, 0xD9
APPLICATION = range(0xE0, 0xF0)
JFIF, ADOBE = 0xE0, 0xEE
# Markers without a length: restarts, start, end, and two that are not used.
WITHOUT_LENGTH = (*range(0xD0, 0xDA), 0x01, 0xC8)
# A marker between coded pixels, in which 0xFF is followed by 0 or a restart marker.
MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]", re.DOTALL)
# What says how pixels are coded, of what programs add: the colour model.
OF_PIXELS = {JFIF: b"JFIF\0", ADOBE: b"Adobe"}
MAX_SEGMENT = 65_533  # bytes of content


class Segment(NamedTuple):
    """`start`, `end`: of its content in the file; its marker and its length lie before."""

    marker: int
    start: int
    end: int


def without_descriptions(data: bytes, head: Iterable[Segment], end: int) -> list[range]:
    """Where in a file, up to `end`, all is but those segments of its head that say nothing of how pixels are coded."""
    parts, place = list[range](), 0
    for segment in head:
        is_of_pixels = data.startswith(OF_PIXELS.get(segment.marker, b"\0"), segment.start)
        if segment.marker == COMMENT or (segment.marker in APPLICATION and not is_of_pixels):
            parts.append(range(place, min(end, segment.start - 4)))
            place = segment.end
    return [part for part in (*parts, range(place, end)) if part]


def segment(marker: int, content: bytes) -> bytes:
    """A segment; the content has at most `MAX_SEGMENT` bytes."""
    return b"\xff" + bytes([marker]) + (len(content) + 2).to_bytes(2) + content
