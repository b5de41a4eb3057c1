"""Metadata: read from Pillow's images and passed to Pillow's writers. Broken metadata never fails a picture."""

import dataclasses
import logging
import math
import re
from collections.abc import MutableMapping
from typing import Any

from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from superscaling.format_name import FormatName
from superscaling.pictures.formats import Extra, Format, mode_in_8_bits
from superscaling.pictures.limits import MAX_EXIF
from superscaling.pictures.picture import Metadata

log = logging.getLogger(__name__)

# XMP's copy of the orientation, in the two forms that Pillow reads and adds to the EXIF tags.
XMP_ORIENTATION = re.compile(rb'(tiff:Orientation(?:="|>))[2-8]')
# Largest resolution in dots per inch that every format can store. (JFIF has 16 bits.)
MAX_DPI = 65_535
ICC_TAG = 34675
# Largest EXIF block, XMP packet (after a name of 29 bytes) and profile (in 255 segments, after 14 bytes each) in a
# JPEG, in bytes.
JPEG_LIMITS = (65_533, 65_533 - 29, 255 * (65_533 - 14))
EXIF_PREFIX = b"Exif\0\0"
# Pillow's names of the formats whose resolution stands in EXIF only.
EXIF_ONLY = ("WEBP", "AVIF", "HEIF")
# In a TIFF the EXIF tags are mixed with those that say how pixels are stored. Only these describe the picture.
DESCRIBING = [
    *(ExifTags.Base.DocumentName, ExifTags.Base.ImageDescription, ExifTags.Base.Make, ExifTags.Base.Model),
    *(ExifTags.Base.PageName, ExifTags.Base.Software, ExifTags.Base.DateTime, ExifTags.Base.Artist),
    *(ExifTags.Base.HostComputer, ExifTags.Base.Copyright, ExifTags.Base.Rating, ExifTags.Base.RatingPercent),
    *(ExifTags.Base.XPTitle, ExifTags.Base.XPComment, ExifTags.Base.XPAuthor, ExifTags.Base.XPKeywords),
    ExifTags.Base.XPSubject,
]
# Names in notes about metadata that was left out.
WORDS = {
    Extra.ICC: "the ICC profile",
    Extra.EXIF: "EXIF",
    Extra.XMP: "XMP",
    Extra.DPI: "the resolution",
    Extra.PNG_COLOURS: "the description of its colours",
}
DIRECTORIES = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
# Stored mode, in 8 bits -> colour space in the header of a fitting profile (bytes 16 to 19, ICC.1).
ICC_SPACES = {"L": b"GRAY", "LA": b"GRAY", "RGB": b"RGB ", "RGBA": b"RGB ", "CMYK": b"CMYK"}


def drop_odd_blocks(image: Image.Image) -> None:
    """Drop what must not be read as metadata. To be called before an image is loaded, and again after.

    Pillow stores a PNG's texts beside its data, by their keywords: a text called "transparency" is not the
    transparency. Tags of a TIFF may have any type. And Pillow's objects take a hundred times the memory of an EXIF
    block, so blocks longer than a JPEG's are not read.
    """
    for name in ("transparency", "dpi"):
        if isinstance(image.info.get(name), str):
            del image.info[name]
    for name in ("icc_profile", "exif", "xmp"):
        if name in image.info and not isinstance(image.info[name], bytes):
            del image.info[name]
    for name in ("exif", "Raw profile type exif"):
        if len(image.info.get(name) or "") > MAX_EXIF:
            log.info("EXIF block of more than %d bytes dropped", MAX_EXIF)
            del image.info[name]


def read_exif(image: Image.Image) -> Image.Exif:
    """The EXIF tags; none if the block is broken."""
    drop_odd_blocks(image)
    try:
        return image.getexif()
    except Exception as exc:
        log.info("broken EXIF block ignored: %r", exc)
        return Image.Exif()


def read_metadata(image: Image.Image, exif: Image.Exif, is_on_its_side: bool) -> Metadata:
    """The metadata of the upright picture: the orientation is reset.

    Args:
        image: loaded.
        exif: from `read_exif`; changed.
        is_on_its_side: whether width and height are swapped.
    """
    is_tiff = image.format == "TIFF"
    icc = exif.get(ICC_TAG) if is_tiff else image.info.get("icc_profile")  # of this page, not of the previous one
    dpi = _resolution(exif) if is_tiff or image.format in EXIF_ONLY else image.info.get("dpi")
    return Metadata(
        icc=icc if isinstance(icc, bytes) and icc else None,
        exif=_upright_exif(_described(exif) if is_tiff else exif),
        xmp=_upright_xmp(image),
        dpi=_dpi(dpi, is_on_its_side),
    )


def fitting(metadata: Metadata, target: Format, mode: str, width: int, height: int) -> Metadata:
    """The part of `metadata` that a file of the format `target` can store.

    Args:
        metadata: of the picture.
        target: the format.
        mode: of the stored pixels.
        width, height: of the enlarged picture, in px.
    """
    fits = Metadata(**{extra: getattr(metadata, extra) for extra in target.extras})
    max_exif, max_xmp, max_icc = JPEG_LIMITS if target.name is FormatName.JPEG else (math.inf,) * 3
    exif = _exif_for(fits, target, width, height)
    return dataclasses.replace(
        fits,
        icc=fits.icc if fits.icc and len(fits.icc) <= max_icc and _fits_mode(fits.icc, mode) else None,
        exif=exif if exif and len(exif) <= max_exif else None,
        xmp=fits.xmp if fits.xmp and len(fits.xmp) <= max_xmp and _is_text(fits.xmp) else None,
    )


def _fits_mode(icc: bytes, mode: str) -> bool:
    return icc[16:20] == ICC_SPACES.get(mode_in_8_bits(mode))


def left_out(before: Metadata, after: Metadata) -> list[str]:
    """Names of the metadata in `before` that are missing in `after`."""
    missing = [extra for extra in WORDS if getattr(before, extra) and not getattr(after, extra)]
    if any(name == b"sRGB" for name, _ in before.png_colours):  # the default of every viewer
        missing = [extra for extra in missing if extra is not Extra.PNG_COLOURS]
    return [WORDS[extra] for extra in missing]


def pillow_options(metadata: Metadata, name: FormatName) -> dict[str, Any]:
    """The metadata as options of Pillow's writers, except TIFF's."""
    options: dict[str, Any] = {}
    if metadata.icc:
        options["icc_profile"] = metadata.icc
    if metadata.exif:
        # A WebP's EXIF chunk has no JPEG prefix, and Pillow's writer of animations does not remove it.
        is_bare = name in (FormatName.WEBP, FormatName.AVIF)
        options["exif"] = metadata.exif.removeprefix(EXIF_PREFIX) if is_bare else metadata.exif
    if metadata.dpi:
        options["dpi"] = metadata.dpi
    if name is FormatName.PNG:
        options["pnginfo"] = _png_info(metadata)
    elif metadata.xmp:
        options["xmp"] = metadata.xmp
    return options


def _png_info(metadata: Metadata) -> PngInfo:
    info = PngInfo()
    if metadata.xmp:
        info.add_itxt("XML:com.adobe.xmp", metadata.xmp.decode())
    for name, content in metadata.png_colours:
        info.add(name, content)
    return info


def describing_tags(exif: Image.Exif) -> dict[int, Any]:
    """The tags that describe the picture, not how pixels are stored; sub-directories as dictionaries."""
    plain: dict[int, Any] = {int(tag): exif[tag] for tag in DESCRIBING if tag in exif}
    inner = {int(tag): dict(exif.get_ifd(tag)) for tag in DIRECTORIES}
    for tags in (plain, *inner.values()):
        _keep_letters(tags)
    return plain | {tag: tags for tag, tags in inner.items() if tags}


def loaded_exif(data: bytes | None) -> Image.Exif:
    """The tags of an EXIF block."""
    exif = Image.Exif()
    if data:
        exif.load(data)
    return exif


def _described(exif: Image.Exif) -> Image.Exif:
    """The tags that describe the picture, as a separate block."""
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


def _resolution(tags: Image.Exif) -> tuple[Any, Any] | None:
    """Dots per inch according to the tags; None if their unit is unknown."""
    per_inch = {2: 1, 3: 2.54}.get(tags.get(ExifTags.Base.ResolutionUnit, 2))
    x: Any = tags.get(ExifTags.Base.XResolution)
    y: Any = tags.get(ExifTags.Base.YResolution)
    try:
        return None if per_inch is None else (float(x) * per_inch, float(y) * per_inch)
    except Exception:  # missing or malformed
        return None


def _dpi(value: Any, is_on_its_side: bool) -> tuple[float, float] | None:
    try:
        x, y = (float(each) for each in value)
    except Exception:  # missing or malformed
        return None
    if not all(math.isfinite(each) and 1 <= each <= MAX_DPI for each in (x, y)):
        return None
    return (y, x) if is_on_its_side else (x, y)


def _upright_exif(exif: Image.Exif) -> bytes | None:
    """The EXIF block with its orientation reset, without the thumbnail, whose IFD Pillow does not write."""
    if not exif:
        return None
    if ExifTags.Base.Orientation in exif:
        exif[ExifTags.Base.Orientation] = 1
    for tag in [tag for tag in exif if not _can_be_written(tag, exif[tag])]:
        del exif[tag]
    try:
        for tags in (exif, *(exif.get_ifd(tag) for tag in DIRECTORIES if tag in exif)):
            _keep_letters(tags)
        block = exif.tobytes()
    except Exception as exc:  # a broken block inside
        log.info("broken EXIF block dropped: %r", exc)
        return None
    return block if len(block) <= MAX_EXIF else None


def _can_be_written(tag: int, value: object) -> bool:
    """Whether Pillow can write a tag that it has read: not if its value has a wrong type."""
    if tag in list(ExifTags.IFD):  # a sub-directory
        return True
    alone = Image.Exif()
    alone[tag] = value
    try:
        alone.tobytes()
    except Exception:
        return False
    return True


class _Letters(str):
    """A text that Pillow writes back byte for byte: it reads all texts as Latin-1, whatever they are."""

    def encode(self, encoding: str = "latin-1", errors: str = "strict") -> bytes:
        """Encode as Latin-1, although Pillow asks for ASCII with replacements."""
        return super().encode("latin-1", errors)


def _keep_letters(tags: MutableMapping[int, Any]) -> None:
    for tag, value in list(tags.items()):
        if isinstance(value, str):
            tags[tag] = _Letters(value)


def _exif_for(metadata: Metadata, target: Format, width: int, height: int) -> bytes | None:
    """The EXIF block with the size of the result; None if a broken block inside makes that impossible."""
    if not metadata.exif and not (metadata.dpi and target.pillow in EXIF_ONLY):
        return None
    try:
        exif = loaded_exif(metadata.exif)
        details = exif.get_ifd(ExifTags.IFD.Exif) if ExifTags.IFD.Exif in exif else {}
        for tags, tag, size in (
            (exif, ExifTags.Base.ImageWidth, width),
            (exif, ExifTags.Base.ImageLength, height),
            (details, ExifTags.Base.ExifImageWidth, width),
            (details, ExifTags.Base.ExifImageHeight, height),
        ):
            if tag in tags:
                tags[tag] = size
        if target.name is FormatName.AVIF and ExifTags.Base.Orientation in exif:
            del exif[ExifTags.Base.Orientation]  # Pillow's writer would write the block anew, with damaged letters
        if metadata.dpi:  # a WebP and an AVIF can store it nowhere else
            exif[ExifTags.Base.XResolution], exif[ExifTags.Base.YResolution] = metadata.dpi
            exif[ExifTags.Base.ResolutionUnit] = 2
        for tags in (exif, details):
            _keep_letters(tags)
        return exif.tobytes()
    except Exception as exc:
        log.info("broken EXIF block dropped: %r", exc)
        return None
