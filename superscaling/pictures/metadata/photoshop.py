"""Photoshop's image resources, in which JPEG, TIFF and PNG keep IPTC. (Adobe Photoshop File Formats Specification)"""

import struct
from typing import NamedTuple

SIGNATURE = b"8BIM"
MAX_RESOURCES = 1000
IPTC = 0x0404
# What is said elsewhere, or only says how the old file was made: resolution, previews, JPEG quality, ICC, EXIF, XMP,
# version, digest of IPTC; the names and states of layers.
COPIES = {0x03ED, 0x0409, 0x040C, 0x0406, 0x040F, 0x0422, 0x0423, 0x0424, 0x0421, 0x0425, 0x0400, 0x0402, 0x0414}
# Places in px.
GUIDES, SLICES = 0x0408, 0x041A
# Paths are stored as shares of the sides.
PATHS = range(0x07D0, 0x0BB8)


class Resources(NamedTuple):
    """`iptc`: records, or None; `others`: resources as stored, or None; `lost`: what was left out, in words."""

    iptc: bytes | None
    others: bytes | None
    lost: tuple[str, ...]


def read_resources(data: bytes, is_turned: bool) -> Resources:
    """Read image resources; never raises.

    Args:
        data: resources, one after the other.
        is_turned: whether the picture is turned upright.
    """
    iptc, others, lost, place, count = b"", list[bytes](), list[str](), 0, 0
    while data.startswith(SIGNATURE, place) and count < MAX_RESOURCES and place + 7 <= len(data):
        number = int.from_bytes(data[place + 4 : place + 6])
        name = data[place + 6] + 1
        start = place + 6 + name + name % 2 + 4
        length = int.from_bytes(data[start - 4 : start])
        if start + length > len(data):
            break
        end = start + length + length % 2
        if number == IPTC:
            iptc = iptc or data[start : start + length]
        elif number in (GUIDES, SLICES) or (is_turned and number in PATHS):
            lost.append("Photoshop's paths" if number in PATHS else "Photoshop's guides and slices")
        elif number not in COPIES:
            others.append(data[place:end].ljust(end - place, b"\0"))
        place, count = end, count + 1
    if data[place:].strip(b"\0"):
        lost.append("damaged resources of Photoshop")
    return Resources(iptc or None, b"".join(others) or None, tuple(dict.fromkeys(lost)))


def iptc_resource(iptc: bytes) -> bytes:
    """IPTC records as an image resource."""
    return SIGNATURE + struct.pack(">HHI", IPTC, 0, len(iptc)) + iptc + b"\0" * (len(iptc) % 2)
