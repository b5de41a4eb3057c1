"""A `Picture` to the bytes of an image file."""

import io
import logging
from typing import Any

import numpy as np
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from errors import FormatCannotHold
from image_codec.formats import FORMATS, Format, FormatName
from image_codec.picture import Frame, Metadata, Picture

log = logging.getLogger(__name__)

# From this quality up JPEG keeps the colours of every pixel (4:4:4); below it halves them both ways (4:2:0).
FULL_CHROMA_QUALITY = 90
# The longest EXIF block that fits into JPEG's segment, in bytes.
JPEG_EXIF_LIMIT = 65_533
# The longest XMP packet, in bytes: its segment begins with a name of 29.
JPEG_XMP_LIMIT = 65_533 - 29


def check_can_hold(picture: Picture, scale: int, name: FormatName) -> None:
    """Make sure, before the work, that `picture` enlarged by `scale` can be stored in the format `name`.

    Raises:
        FormatCannotHold: it can't, without losing its transparency or because it is too long.
    """
    file_format = FORMATS[name]
    _stored_mode(picture, file_format)
    if (side := scale * max(picture.width, picture.height)) > file_format.max_side:
        raise FormatCannotHold(
            f"the result's longer side is {side} px; {name} holds at most {file_format.max_side} px:"
            " ask for another format",
            limit=file_format.max_side,
            actual=side,
        )


def encode(picture: Picture, name: FormatName, quality: int | None, default_quality: int) -> bytes:
    """Write an image file, with the picture's metadata.

    Args:
        picture: has passed `check_can_hold`.
        quality: 1 to 100, for the formats that have one; None: lossless where the picture was and the format can,
            else `default_quality`.

    Raises:
        FormatCannotHold: see `check_can_hold`.
    """
    file_format = FORMATS[name]
    mode = _stored_mode(picture, file_format)
    image = _image(picture.frames[0], picture.mode).convert(mode)
    options = _metadata_options(picture, mode, name)
    if name is FormatName.JPEG:
        quality = quality or default_quality
        options |= {"quality": quality, "subsampling": 0 if quality >= FULL_CHROMA_QUALITY else 2}
    elif name is FormatName.WEBP and quality is None and picture.is_lossless:
        options |= {"lossless": True}
    elif name is FormatName.WEBP:
        options |= {"quality": quality or default_quality}
    file = io.BytesIO()
    image.save(file, file_format.pillow, **options)
    return file.getvalue()


def _stored_mode(picture: Picture, file_format: Format) -> str:
    if picture.mode in file_format.modes:
        return file_format.modes[picture.mode]
    without_alpha = picture.mode.removesuffix("A")
    if all(frame.is_opaque for frame in picture.frames):
        return file_format.modes[without_alpha]
    raise FormatCannotHold(
        f"the image has transparent parts, which {file_format.name} can't hold: ask for"
        f" {' or '.join(each.name for each in FORMATS.values() if picture.mode in each.modes)}"
    )


def _image(frame: Frame, mode: str) -> Image.Image:
    channels = frame.colour if frame.alpha is None else np.dstack((frame.colour, frame.alpha))
    if mode == "L":
        channels = channels[:, :, 0]
    return Image.fromarray(np.ascontiguousarray(channels))


def _metadata_options(picture: Picture, mode: str, name: FormatName) -> dict[str, Any]:
    metadata: Metadata = picture.metadata
    options: dict[str, Any] = {}
    if metadata.icc and _icc_fits(metadata.icc, mode):
        options["icc_profile"] = metadata.icc
    if metadata.exif:
        exif = _exif_for_size(metadata.exif, picture.width, picture.height)
        if exif and (name is not FormatName.JPEG or len(exif) <= JPEG_EXIF_LIMIT):
            options["exif"] = exif
    if metadata.xmp:
        options |= _xmp_option(metadata.xmp, name)
    if metadata.dpi:
        options["dpi"] = metadata.dpi
    return options


def _xmp_option(xmp: bytes, name: FormatName) -> dict[str, Any]:
    """How an XMP packet is handed to Pillow; not at all where the format can't hold it."""
    if name is FormatName.PNG:
        try:
            texts = PngInfo()
            texts.add_itxt("XML:com.adobe.xmp", xmp.decode())
        except UnicodeDecodeError:
            return {}
        return {"pnginfo": texts}
    if name is FormatName.JPEG and len(xmp) > JPEG_XMP_LIMIT:
        return {}
    return {"xmp": xmp}


def _icc_fits(icc: bytes, mode: str) -> bool:
    """Whether the profile's colour space (bytes 16 to 19 of its header, ICC.1) is the one the pixels are stored in."""
    return icc[16:20] == (b"GRAY" if mode.startswith("L") else b"RGB ")


def _exif_for_size(data: bytes, width: int, height: int) -> bytes | None:
    """Correct the tags that repeat the picture's size; None where a broken block inside makes that impossible."""
    try:
        return _exif_with_size(data, width, height)
    except Exception as exc:  # metadata never fails a picture
        log.info("broken EXIF block dropped: %r", exc)
        return None


def _exif_with_size(data: bytes, width: int, height: int) -> bytes:
    exif = Image.Exif()
    exif.load(data)
    details = exif.get_ifd(ExifTags.IFD.Exif)
    for tags, tag, size in (
        (exif, ExifTags.Base.ImageWidth, width),
        (exif, ExifTags.Base.ImageLength, height),
        (details, ExifTags.Base.ExifImageWidth, width),
        (details, ExifTags.Base.ExifImageHeight, height),
    ):
        if tag in tags:
            tags[tag] = size
    return exif.tobytes()
