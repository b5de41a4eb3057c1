"""Reads the metadata of a PNG file. (PNG specification, third edition, 11.3)"""

from superscaling.pictures.containers.chunks import COLOUR_CHUNKS, PngParts
from superscaling.pictures.density import from_png
from superscaling.pictures.metadata import xmp
from superscaling.pictures.metadata.exif import MAX_EXIF, PREFIX
from superscaling.pictures.metadata.png_texts import TEXTS, Unpacker, read_texts
from superscaling.pictures.metadata.words import behind, named
from superscaling.pictures.picture import Metadata

# Most bytes of a profile.
MAX_ICC = 1 << 25
PHYS_LENGTH = 9  # bytes
# What says how the old file stored its pixels and when it was written, and its wishes about how to show it.
SILENT = (b"bKGD", b"hIST", b"sPLT", b"sBIT", b"tIME", b"iDOT", b"vpAg", b"orNT")


def read_png(data: bytes, parts: PngParts) -> Metadata:
    """The metadata as stored.

    Args:
        data: the file.
        parts: of it.
    """
    unpacker = Unpacker()
    fields, texts, texts_lost = read_texts(data, parts.others, unpacker)
    lost, others, density, colours = list[str](), list[bytes](), None, list[tuple[bytes, bytes]]()
    damaged, has_profile = list(parts.damaged), False
    for name, start, end in parts.others:
        if name == b"eXIf":
            fields["exif"] = data[start : min(end, start + MAX_EXIF + 1 + len(PREFIX))]
        elif name == b"iCCP" and has_profile:  # there may be one; each takes time to unpack
            damaged.append(name)
        elif name == b"iCCP":
            has_profile = True
            if profile := unpacker.unpack(data[start:end].partition(b"\0")[2][1:], MAX_ICC):
                fields["icc"] = profile
            else:
                lost.append("an ICC profile that can't be read")
        elif name == b"pHYs":
            density = from_png(data[start:end])
            damaged += [] if end - start == PHYS_LENGTH else [name]
        elif name in COLOUR_CHUNKS:
            if end - start == COLOUR_CHUNKS[name]:
                colours.append((name, data[start:end]))
            else:
                damaged.append(name)
        elif name not in SILENT and name not in TEXTS:
            others.append(name)
    for words, names in (("texts", texts_lost), ("damaged PNG chunks", damaged), ("PNG chunks", others)):
        lost += [named(words, names)] if names else []
    lost += behind(data[parts.end :])
    packet = fields.get("xmp")
    return Metadata(
        icc=fields.get("icc"),
        exif=fields.get("exif"),
        xmp=packet.removeprefix(xmp.NAME) if packet else None,
        density=density,
        png_colours=tuple(colours),
        texts=tuple(texts),
        photoshop=fields.get("photoshop"),
        lost=tuple(lost),
    )
