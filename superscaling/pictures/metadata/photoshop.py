"""Photoshop's image resources, in which JPEG, TIFF and PNG keep IPTC. (Adobe Photoshop File Formats Specification)"""

import struct
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from superscaling.pictures.density import MAX_ASPECT, Density, Unit
from superscaling.pictures.metadata.resizing import Resizing
from superscaling.pictures.metadata.turning import NO_TURN, Turn

SIGNATURE = b"8BIM"
MAX_RESOURCES = 1000
IPTC = 0x0404
# Pixels per inch across and down, each as a number of 16.16 bits and two units to show it in.
RESOLUTION = 0x03ED
# What is said elsewhere, or only says how the old file was made: resolution, previews, JPEG quality, ICC, EXIF, XMP,
# version, digest of IPTC; the names and states of layers.
COPIES = {RESOLUTION, 0x0409, 0x040C, 0x0406, 0x040F, 0x0422, 0x0423, 0x0424, 0x0421, 0x0425, 0x0400, 0x0402, 0x0414}
# Places in px.
GUIDES, SLICES = 0x0408, 0x041A
# How long a pixel is, and places of things that were counted.
MEASUREMENTS = (0x0432, 0x0438)
# Width / height of a pixel: a version, and a number of 64 bits.
PIXEL_ASPECT = 0x0428
# Paths are stored as shares of the sides: records of 26 bytes, of which these kinds are knots, three points each: y and
# x, in 8.24 bits.
PATHS = range(0x07D0, 0x0BB6)
PATH_RECORD = np.dtype([("kind", ">u2"), ("points", ">i4", 6)])
KNOTS, POINT_UNIT, MAX_POINT = (1, 2, 4, 5), 1 << 24, 1 << 31
# What notes call what is left out.
PATHS_WORDS, GUIDES_WORDS = "Photoshop's paths", "Photoshop's guides and slices"
MEASUREMENTS_WORDS, DAMAGE_WORDS = "Photoshop's measurements", "damaged resources of Photoshop"


class Resources(NamedTuple):
    """`iptc`: records; `others`: resources as stored; `density`: each None if missing; `lost`: the rest, in words."""

    iptc: bytes | None
    others: bytes | None
    density: Density | None
    lost: tuple[str, ...]


class Resource(NamedTuple):
    """`number`: its kind; `head`: signature, number and name as stored."""

    number: int
    head: bytes
    content: bytes

    @property
    def stored(self) -> bytes:
        """As in a file."""
        return self.head + struct.pack(">I", len(self.content)) + self.content + b"\0" * (len(self.content) % 2)


def read_resources(data: bytes, turn: Turn) -> Resources:
    """Read image resources; never raises.

    Args:
        data: resources, one after the other.
        turn: how the picture is turned upright.
    """
    iptc, others, density, lost, place = b"", list[bytes](), None, list[str](), 0
    for each in _split(data):
        place += len(each.stored)
        if each.number == IPTC:
            iptc = iptc or each.content
        elif each.number == RESOLUTION:
            density = density or _density(each.content)
        elif each.number in (GUIDES, SLICES):
            lost.append(GUIDES_WORDS)
        elif each.number in MEASUREMENTS:
            lost.append(MEASUREMENTS_WORDS)
        elif turn is not NO_TURN and each.number in PATHS:
            lost.append(PATHS_WORDS)
        elif each.number not in COPIES:
            others.append((_with_aspect(each, -1) if turn.is_swapped else each).stored)
    if data[place:].strip(b"\0"):
        lost.append(DAMAGE_WORDS)
    return Resources(iptc or None, b"".join(others) or None, density, tuple(dict.fromkeys(lost)))


def resize(resources: bytes, resizing: Resizing) -> tuple[bytes | None, tuple[str, ...]]:
    """The resources of the result, None if there are none; and what had to be left out, in words.

    Args:
        resources: from `read_resources`.
        resizing: from the picture to the result.
    """
    kept, lost = list[bytes](), list[str]()
    for each in _split(resources):
        if not resizing.keeps_ratio:
            each = _with_aspect(each, 1, float(resizing.down / resizing.across))
        if each.number in PATHS and resizing.is_cropped:
            try:
                each = each._replace(content=_cropped_path(each.content, resizing))
            except ValueError:
                lost.append(PATHS_WORDS)
                continue
        kept.append(each.stored)
    return b"".join(kept) or None, tuple(dict.fromkeys(lost))


def iptc_resource(iptc: bytes) -> bytes:
    """IPTC records as an image resource."""
    return Resource(IPTC, SIGNATURE + struct.pack(">HH", IPTC, 0), iptc).stored


def _split(data: bytes) -> Iterator[Resource]:
    """The resources up to the first one that is damaged."""
    place, count = 0, 0
    while data.startswith(SIGNATURE, place) and count < MAX_RESOURCES and place + 7 <= len(data):
        name = data[place + 6] + 1
        start = place + 6 + name + name % 2 + 4
        length = int.from_bytes(data[start - 4 : start])
        if start + length > len(data):
            return
        number = int.from_bytes(data[place + 4 : place + 6])
        yield Resource(number, data[place : start - 4], data[start : start + length])
        place, count = start + length + length % 2, count + 1


def _with_aspect(resource: Resource, power: int, factor: float = 1) -> Resource:
    """The resource; of one that says how wide pixels are, that to the power, and times the factor."""
    if resource.number != PIXEL_ASPECT or len(resource.content) != 12:
        return resource
    version, aspect = struct.unpack(">Id", resource.content)
    if aspect == 1 or not 1 / MAX_ASPECT <= aspect <= MAX_ASPECT:  # says nothing, as in other headers
        return resource
    return resource._replace(content=struct.pack(">Id", version, aspect**power * factor))


def _density(content: bytes) -> Density | None:
    if len(content) != 16:
        return None
    x, _, _, y, _, _ = struct.unpack(">IHHIHH", content)
    return Density.of(Fraction(x, 1 << 16), Fraction(y, 1 << 16), Unit.INCH)


def _cropped_path(content: bytes, resizing: Resizing) -> bytes:
    """A path in a part of the picture; it may reach beyond its sides.

    Raises:
        ValueError: it is cut off, or reaches too far.
    """
    records = np.frombuffer(content, PATH_RECORD).copy()
    is_knot = np.isin(records["kind"], KNOTS)
    crop = resizing.crop
    axes = zip(resizing.before, crop.size, (crop.top, crop.left), strict=True)
    for axis, (length, shown, start) in enumerate(axes):
        places = records["points"][is_knot, axis::2] / POINT_UNIT * length
        shares = np.rint((places - start) / shown * POINT_UNIT)
        if (np.abs(shares) >= MAX_POINT).any():
            raise ValueError("a point is too far away")
        records["points"][is_knot, axis::2] = shares
    return records.tobytes()
