"""Reads the metadata of a GIF file, from its extensions. (GIF89a; XMP part 3, 1.1.2; ICC.1, B.5)"""

from fractions import Fraction

from superscaling.pictures.containers.animation import Animation
from superscaling.pictures.density import Density, Unit
from superscaling.pictures.metadata.words import behind, named
from superscaling.pictures.picture import Metadata

COMMENT = 0xFE
# An application's name and code, after their length.
NAME = slice(1, 12)
XMP, ICC = b"XMP DataXMP", b"ICCRGBG1012"
# XMP stands there without lengths of blocks, and before bytes that end the block wherever a decoder looks.
XMP_END = b"\x01\xff\xfe\xfd"


def read_gif_metadata(data: bytes, gif: Animation) -> Metadata:
    """The metadata as stored.

    Args:
        data: the file.
        gif: its parts.
    """
    comments, blocks, others = list[bytes](), dict[bytes, bytes](), list[bytes]()
    for label, content in gif.extensions:
        if label == COMMENT:
            comments.append(_joined(content))
        elif content[NAME] == XMP:
            blocks.setdefault(XMP, content[NAME.stop :].partition(XMP_END)[0])
        elif content[NAME] == ICC:
            blocks.setdefault(ICC, _joined(content[NAME.stop :]))
        else:
            others.append(content[NAME])
    return Metadata(
        icc=blocks.get(ICC),
        xmp=blocks.get(XMP),
        density=Density.of(Fraction(64), Fraction(gif.aspect + 15), Unit.NONE) if gif.aspect else None,
        comments=tuple(filter(None, comments)),
        lost=(*([named("application data", others)] if others else []), *behind(data[gif.end :])),
    )


def _joined(blocks: bytes) -> bytes:
    """Blocks without their lengths."""
    parts, place = list[bytes](), 0
    while place < len(blocks) and (length := blocks[place]):
        parts.append(blocks[place + 1 : place + 1 + length])
        place += 1 + length
    return b"".join(parts)
