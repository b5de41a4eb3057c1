"""Reads the metadata of a JPEG file."""

import re
import struct

from superscaling.pictures.containers.jpeg_outline import JpegOutline
from superscaling.pictures.containers.jpeg_segments import ADOBE, COMMENT, MAX_SEGMENT
from superscaling.pictures.density import Density, from_jfif
from superscaling.pictures.metadata import words, xmp
from superscaling.pictures.metadata.exif import PREFIX
from superscaling.pictures.metadata.words import named
from superscaling.pictures.picture import Metadata
from superscaling.recognition.directories import first_directory, layout_of, read_directory

JFIF = b"JFIF\0"
LONG_XMP = b"http://ns.adobe.com/xmp/extension/\0"
ICC, PICTURES, ISO_GAIN_MAP = b"ICC_PROFILE\0", b"MPF\0", b"urn:iso:std:iso:ts:21496:-1\0"
PHOTOSHOP = b"Photoshop 3.0\0"
# Most bytes of a profile in one segment, behind its name, its number and the number of segments.
MAX_ICC_PART = MAX_SEGMENT - len(ICC) - 2
BOXES = b"JP"  # JUMBF, in APP11
# What programs note about how they compressed the old file, and previews.
SILENT = (b"JFXX\0", b"Ducky", b"Adobe_CM", b"AVI1")
LETTERS = re.compile(rb"[\w .:/-]*")
# MPF's tag for the number of pictures. (CIPA DC-007)
PICTURE_COUNT = 0xB001
# What lies behind the picture, by bytes in it.
BEHIND = (
    ((b"hdrgm:", b"hdrgainmap", b"HDRGainMap", ISO_GAIN_MAP[:-1]), words.GAIN_MAP),
    ((b"ftypmp42", b"ftypisom", b"ftypqt", b"ftypmp41", b"ftypiso", b"ftypavc1"), words.VIDEO),
    ((b"depthmap", b"disparity"), words.DEPTH),
)


def read_jpeg(data: bytes, outline: JpegOutline) -> Metadata:
    """The metadata as stored. `exif` may have several segments.

    Args:
        data: the file.
        outline: of its first picture.
    """
    density: Density | None = None
    exif, comments, photoshop, packet = list[bytes](), list[bytes](), list[bytes](), None
    profile, profile_parts = dict[int, bytes](), 0
    lost, others, has_pictures = list[str](), list[bytes](), False
    for marker, start, end in outline.head:
        content = data[start:end] if marker == COMMENT or 0xE0 <= marker < 0xF0 else b""
        match marker:
            case 0xE0 if content.startswith(JFIF) and len(content) >= 12:
                density = density or from_jfif(*struct.unpack_from(">BHH", content, 7))
            case 0xE1 if content.startswith(PREFIX):
                exif.append(content.removeprefix(PREFIX))
            case 0xE1 if content.startswith(xmp.NAME):
                packet = packet or content.removeprefix(xmp.NAME)
            case 0xE1 if content.startswith(LONG_XMP):
                lost.append("extended XMP")
            case 0xE2 if content.startswith(ICC) and len(content) >= 14:
                profile_parts = content[13]
                profile[content[12]] = content[14:]
            case 0xE2 if content.startswith(PICTURES):
                has_pictures = picture_count(content.removeprefix(PICTURES)) > 1
            case 0xE2 if content.startswith(ISO_GAIN_MAP):
                lost.append(words.GAIN_MAP)
            case 0xED if content.startswith(PHOTOSHOP):
                photoshop.append(content.removeprefix(PHOTOSHOP))
            case 0xEB if content.startswith(BOXES):
                lost.append("JUMBF boxes such as Content Credentials")
            case _ if marker == COMMENT:
                comments.append(content)
            case _ if content and marker != ADOBE and not content.startswith((JFIF, *SILENT)):
                letters = LETTERS.match(content[:20])
                others.append(b"APP%d %s" % (marker - 0xE0, letters[0] if letters else b""))
    is_whole = sorted(profile) == list(range(1, profile_parts + 1))
    if profile and not is_whole:
        lost.append("an incomplete ICC profile")
    if others:
        lost.append(named("application data", (each.rstrip() for each in others)))
    return Metadata(
        icc=b"".join(profile[each] for each in sorted(profile)) if is_whole else None,
        exif=b"".join(exif) or None,
        xmp=packet,
        density=density,
        comments=tuple(each for each in comments if each.rstrip(b"\0")),
        photoshop=b"".join(photoshop) or None,
        lost=(*lost, *_behind(data, outline.end, has_pictures)),
    )


def picture_count(index: bytes) -> int:
    """Number of pictures in the file, by the content of its MPF segment; 1 if that says nothing."""
    if (layout := layout_of(index)) is None:
        return 1
    entry = read_directory(index, first_directory(index, layout), layout).entries.get(PICTURE_COUNT)
    if entry is None or len(entry.data) != 4:
        return 1
    return max(1, int(struct.unpack(layout.order + "I", entry.data)[0]))


def pictures_in(data: bytes, outline: JpegOutline) -> int:
    """Number of pictures in a JPEG file, by its index (MPF); 1 if there is none."""
    for marker, start, end in outline.head:
        if marker == 0xE2 and data.startswith(PICTURES, start):
            return picture_count(data[start + len(PICTURES) : end])
    return 1


def _behind(data: bytes, end: int, has_pictures: bool) -> list[str]:
    """What lies behind the picture, in words; pictures of an MPO are said elsewhere."""
    found = [what for marks, what in BEHIND if any(data.find(mark, end) >= 0 for mark in marks)]
    if found or has_pictures:
        return found
    rest = data[end:].removeprefix(b"\xff\xd9")
    said = words.behind(rest)
    return [words.PICTURES] if said and rest.lstrip(b"\0\xff \r\n").startswith(b"\xd8") else said
