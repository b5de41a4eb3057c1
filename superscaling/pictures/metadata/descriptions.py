"""Descriptions of TIFFs that programs read: OME-XML, ImageJ's and tifffile's. They repeat the size."""

import re

from superscaling.pictures.metadata.resizing import Resizing

OME, IMAGEJ, SHAPED = "OME-XML", "ImageJ's description", "tifffile's description"
MAX_BYTES = 1 << 24
PIXELS = re.compile(rb"<(?:\w+:)?Pixels\s[^<>]*>")
ATTRIBUTE = re.compile(rb"(\s)(\w+)(\s*=\s*[\"'])([^\"'<>]*)(?=[\"'])")
# Elements with places in px.
PLACED = (b"<ROI", b":ROI")
# Where the microscope's stage was, which says nothing of a part of the picture; with the units.
STAGE = re.compile(
    rb"\sPosition[XY](?:Unit)?\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*')|<(?:\w+:)?StageLabel\s[^<>]*(?:/>|></(?:\w+:)?StageLabel>)"
)
STAGE_PLACES = "places of the stage"
CHANNELS = {"L": b"1", "LA": b"2", "I": b"1", "RGB": b"3", "RGBA": b"4"}


def kind_of(description: bytes) -> str | None:
    """Which of these it is, in words; None for any other text."""
    start = description[:4000].lstrip()
    if start.startswith(b"<") and re.search(rb"<(?:\w+:)?OME[\s>]", start):
        return OME
    if start.startswith(b"ImageJ="):
        return IMAGEJ
    return SHAPED if re.match(rb'\{"shape":', start) else None


def resize(description: bytes, resizing: Resizing, mode: str) -> tuple[bytes | None, tuple[str, ...]]:
    """The description of the result, None if it does not describe a file with just this picture; and what it lacks.

    Args:
        description: one of these.
        resizing: from the picture to the result.
        mode: of the stored pixels.
    """
    if len(description) > MAX_BYTES:
        return None, ()
    if kind_of(description) == OME:
        return _ome(description, resizing, mode)
    # ImageJ's unit gives the resolution another meaning, and numbers of slices or frames mean further pages.
    is_plain = kind_of(description) == IMAGEJ and not re.search(
        rb"^(?:unit|images|spacing)=", description, re.MULTILINE
    )
    return description if is_plain else None, ()


def _ome(description: bytes, resizing: Resizing, mode: str) -> tuple[bytes | None, tuple[str, ...]]:
    found = PIXELS.findall(description)
    if len(found) != 1 or any(mark in description for mark in PLACED):
        return None, ()
    (pixels,) = found
    values = {name: value for _, name, _, value in ATTRIBUTE.findall(pixels)}
    planes = [values.get(name, b"1") for name in (b"SizeZ", b"SizeT")]
    if (
        (values.get(b"SizeY"), values.get(b"SizeX")) != tuple(str(each).encode() for each in resizing.before)
        or planes != [b"1", b"1"]
        or values.get(b"SizeC") != CHANNELS.get(mode.partition(";")[0])
        or values.get(b"Type") != (b"uint16" if "16" in mode else b"uint8")
    ):
        return None, ()
    height, width = resizing.size
    new = {b"SizeX": str(width).encode(), b"SizeY": str(height).encode()}
    for name, factor in ((b"PhysicalSizeX", resizing.across), (b"PhysicalSizeY", resizing.down)):
        if name in values:
            try:
                new[name] = f"{float(values[name]) / float(factor):.12g}".encode()
            except ValueError:
                return None, ()
    changed = ATTRIBUTE.sub(lambda each: b"".join((*each.groups()[:3], new.get(each[2], each[4]))), pixels)
    description, removed = description.replace(pixels, changed), 0
    if resizing.is_cropped:
        description, removed = STAGE.subn(b"", description)
    return description, (STAGE_PLACES,) if removed else ()
