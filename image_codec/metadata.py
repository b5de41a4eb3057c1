"""What comes with the pixels: taken from Pillow's image, handed to Pillow's writers. It never fails a picture."""

import logging
import math
import re
from typing import Any

from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from image_codec.formats import Extra, Format, FormatName
from image_codec.picture import Metadata
from image_codec.structure import MOST_EXIF

log = logging.getLogger(__name__)

# XMP's copy of the orientation, in the two spellings that Pillow reads as well (and adds to the EXIF tags).
XMP_ORIENTATION = re.compile(rb'(tiff:Orientation(?:="|>))[2-8]')
# The finest resolution that every format can store, in dots per inch. (JPEG's JFIF has 16 bits.)
MOST_DPI = 65_535
# The longest EXIF block and XMP packet that fit into JPEG's segments, in bytes; XMP's begins with a name of 29.
JPEG_LIMITS = (65_533, 65_533 - 29)
EXIF_PREFIX = b"Exif\0\0"
# In a TIFF the EXIF tags stand among those that say how the pixels are stored: only these describe the picture.
DESCRIBING = [
    *(ExifTags.Base.DocumentName, ExifTags.Base.ImageDescription, ExifTags.Base.Make, ExifTags.Base.Model),
    *(ExifTags.Base.PageName, ExifTags.Base.Software, ExifTags.Base.DateTime, ExifTags.Base.Artist),
    *(ExifTags.Base.HostComputer, ExifTags.Base.Copyright),
]
DIRECTORIES = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
# The colour space in a profile's header (bytes 16 to 19, ICC.1) that fits the stored mode.
ICC_SPACES = {"L": b"GRAY", "LA": b"GRAY", "I;16": b"GRAY", "RGB": b"RGB ", "RGBA": b"RGB ", "CMYK": b"CMYK"}


def drop_odd_blocks(image: Image.Image) -> None:
    """Drop what is no metadata: it must not be read at all.

    Pillow files a PNG's texts beside its data, by their keywords: a text called "transparency" is none. And it makes
    objects of all that an EXIF block holds, a hundred times its size: longer ones than a JPEG's are not read.
    """
    for name in ("transparency", "icc_profile", "exif", "xmp", "dpi"):
        if isinstance(image.info.get(name), str):
            del image.info[name]
    for name in ("exif", "Raw profile type exif"):
        if len(image.info.get(name) or "") > MOST_EXIF:
            log.info("EXIF block of more than %d bytes dropped", MOST_EXIF)
            del image.info[name]


def read_exif(image: Image.Image) -> Image.Exif:
    """The EXIF tags; none where the block is broken."""
    try:
        return image.getexif()
    except Exception as exc:
        log.info("broken EXIF block ignored: %r", exc)
        return Image.Exif()


def read_metadata(image: Image.Image, exif: Image.Exif) -> Metadata:
    """All that is carried along, upright: the orientation is reset."""
    return Metadata(
        icc=image.info.get("icc_profile") or None,
        exif=_upright_exif(_described(exif) if image.format == "TIFF" else exif),
        xmp=_upright_xmp(image),
        dpi=_dpi(image),
    )


def fitting(metadata: Metadata, target: Format, mode: str, width: int, height: int) -> Metadata:
    """The part of `metadata` that a file of the format `target` can hold.

    Args:
        mode: in which the pixels are stored there.
        width, height: of the enlarged picture, in px.
    """
    icc, exif, xmp = metadata.icc, metadata.exif, metadata.xmp
    most_exif, most_xmp = JPEG_LIMITS if target.name is FormatName.JPEG else (math.inf, math.inf)
    if exif:
        exif = _exif_for_size(exif, width, height)
    return Metadata(
        icc=icc if icc and Extra.ICC in target.extras and icc[16:20] == ICC_SPACES.get(mode) else None,
        exif=exif if exif and Extra.EXIF in target.extras and len(exif) <= most_exif else None,
        xmp=xmp if xmp and Extra.XMP in target.extras and len(xmp) <= most_xmp and _is_text(xmp) else None,
        dpi=metadata.dpi if Extra.DPI in target.extras else None,
    )


def left_out(before: Metadata, after: Metadata) -> list[Extra]:
    """What was there before and no longer is, but for the resolution, which nobody misses."""
    kinds = {Extra.ICC: "icc", Extra.EXIF: "exif", Extra.XMP: "xmp"}
    return [extra for extra, name in kinds.items() if getattr(before, name) and not getattr(after, name)]


def pillow_options(metadata: Metadata, name: FormatName) -> dict[str, Any]:
    """What hands the metadata to Pillow's writers (but TIFF's)."""
    options: dict[str, Any] = {}
    if metadata.icc:
        options["icc_profile"] = metadata.icc
    if metadata.exif:
        # A WebP's chunk of EXIF begins without JPEG's prefix, and Pillow's writer of animations leaves it there.
        options["exif"] = metadata.exif.removeprefix(EXIF_PREFIX) if name is FormatName.WEBP else metadata.exif
    if metadata.xmp and name is FormatName.PNG:
        options["pnginfo"] = PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", metadata.xmp.decode())
    elif metadata.xmp:
        options["xmp"] = metadata.xmp
    if metadata.dpi:
        options["dpi"] = metadata.dpi
    return options


def describing_tags(exif: Image.Exif) -> dict[int, Any]:
    """The tags that describe the picture, and not how a TIFF's pixels are stored; directories as dictionaries."""
    plain = {int(tag): exif[tag] for tag in DESCRIBING if tag in exif}
    return plain | {int(tag): inner for tag in DIRECTORIES if (inner := dict(exif.get_ifd(tag)))}


def loaded_exif(data: bytes | None) -> Image.Exif:
    """The tags of an EXIF block."""
    exif = Image.Exif()
    if data:
        exif.load(data)
    return exif


def _described(exif: Image.Exif) -> Image.Exif:
    """The tags that describe the picture, as a block of their own."""
    described = Image.Exif()
    for tag, value in describing_tags(exif).items():
        if tag in DIRECTORIES:
            described.get_ifd(tag).update(value)
        else:
            described[tag] = value
    return described


def _is_text(xmp: bytes) -> bool:
    try:
        xmp.decode()
    except UnicodeDecodeError:
        return False
    return True


def _upright_xmp(image: Image.Image) -> bytes | None:
    """The XMP packet with its copy of the orientation reset."""
    xmp = image.info.get("xmp")
    return XMP_ORIENTATION.sub(rb"\g<1>1", xmp) if isinstance(xmp, bytes) and xmp else None


def _dpi(image: Image.Image) -> tuple[float, float] | None:
    try:
        x, y = (float(value) for value in image.info["dpi"])
    except Exception:  # there is none, or it is none
        return None
    return (x, y) if all(math.isfinite(value) and 1 <= value <= MOST_DPI for value in (x, y)) else None


def _upright_exif(exif: Image.Exif) -> bytes | None:
    """The EXIF block with its orientation reset, without the thumbnail (Pillow does not write the IFD it is in)."""
    if not exif:
        return None
    if ExifTags.Base.Orientation in exif:
        exif[ExifTags.Base.Orientation] = 1
    for tag in [tag for tag in exif if not _can_be_written(tag, exif[tag])]:
        del exif[tag]
    try:
        return exif.tobytes()
    except Exception as exc:  # a broken block inside: see `read_exif`
        log.info("broken EXIF block dropped: %r", exc)
        return None


def _can_be_written(tag: int, value: object) -> bool:
    """Whether Pillow, which read a tag, can write it again: not if its type is none that the tag may have."""
    if tag in list(ExifTags.IFD):  # holds further tags, and is nothing alone
        return True
    alone = Image.Exif()
    alone[tag] = value
    try:
        alone.tobytes()
    except Exception:
        return False
    return True


def _exif_for_size(data: bytes, width: int, height: int) -> bytes | None:
    """Correct the tags that repeat the picture's size; None where a broken block inside makes that impossible."""
    try:
        return _exif_with_size(data, width, height)
    except Exception as exc:
        log.info("broken EXIF block dropped: %r", exc)
        return None


def _exif_with_size(data: bytes, width: int, height: int) -> bytes:
    exif = loaded_exif(data)
    details = exif.get_ifd(ExifTags.IFD.Exif) if ExifTags.IFD.Exif in exif else {}
    for tags, tag, size in (
        (exif, ExifTags.Base.ImageWidth, width),
        (exif, ExifTags.Base.ImageLength, height),
        (details, ExifTags.Base.ExifImageWidth, width),
        (details, ExifTags.Base.ExifImageHeight, height),
    ):
        if tag in tags:
            tags[tag] = size
    return exif.tobytes()
