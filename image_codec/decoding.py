"""Bytes of an image file to a `Picture`."""

import io
import logging
import math
import re
import warnings

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from errors import ImageCorrupt, ImageTooLarge, ServiceError, UnsupportedImage, UnsupportedMode
from image_codec.formats import FORMATS, READ_MODES, FormatName
from image_codec.picture import Frame, Metadata, Picture
from image_codec.structure import MOST_EXIF, check_structure, is_lossless_webp

log = logging.getLogger(__name__)

# The only decoders that are ever tried.
PILLOW_FORMATS = [each.pillow for each in FORMATS.values()]
# A JPEG with further pictures (previews, the other eye's view) behind it: its first one is the picture.
MPO = "MPO"
FORMAT_NAMES = {each.pillow: each.name for each in FORMATS.values()} | {MPO: FormatName.JPEG}
# EXIF's orientation -> what makes the picture upright. (Exif 2.3, tag 0x0112)
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# The same in XMP, in the two spellings that Pillow reads as well (and adds to the EXIF tags).
XMP_ORIENTATION = re.compile(rb'(tiff:Orientation(?:="|>))[2-8]')
# More than any real picture has; Pillow itself refuses twice as many.
MOST_PIXELS = 1 << 31
# The finest resolution that every format can store, in dots per inch. (JPEG's JFIF has 16 bits.)
MOST_DPI = 65_535


def limit_pillow() -> None:
    """Set Pillow's own limits, once, before any picture is opened.

    `decode` checks the header's pixels against the service's limit, with an error that says so. Pillow's check runs
    a moment earlier; it is left as the last resort for sizes that no real picture has. Pillow's warnings, on large
    pictures and on blocks that it skips, are silenced here, because a filter can't be changed safely while other
    threads decode.
    """
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


def sniff(data: bytes) -> FormatName | None:
    """The format of an image file, by its header; None where it is none that is supported."""
    try:
        check_structure(data)
        return FORMAT_NAMES[str(_open(data, MOST_PIXELS).format)]
    except ServiceError:
        return None


def decode(data: bytes, max_pixels: int) -> Picture:
    """Decode an image file; the EXIF orientation is applied.

    Args:
        data: the file.
        max_pixels: the most px, width times height; checked on the header, before anything is decoded.

    Raises:
        UnsupportedImage: it is no image of a supported format.
        ImageTooLarge: it has more than `max_pixels`.
        ImageTooComplex: it is built to cost a decoder hours.
        UnsupportedMode: it is animated, or of a mode that is not read.
        ImageCorrupt: it is truncated or damaged.
    """
    check_structure(data)
    image = _open(data, max_pixels)
    _check_variant(image)
    spare = _open(data, max_pixels)
    try:
        spare.verify()  # finds wrong checksums that decoding does not look at; spoils the image
        image.load()
        _drop_odd_blocks(image)
        exif = _exif(image)
        frame = _frame(_upright(image, exif))
    except Exception as exc:  # a decoder may raise anything for bytes it can't make sense of
        raise _corrupt(exc) from exc
    return Picture((frame,), FORMAT_NAMES[str(image.format)], _metadata(image, exif), is_lossless_webp(data))


def _open(data: bytes, max_pixels: int) -> Image.Image:
    """Read the header and check the size."""
    try:
        image = Image.open(io.BytesIO(data), formats=PILLOW_FORMATS)
    except UnidentifiedImageError as exc:
        raise UnsupportedImage(f"the bytes are no image of a supported format ({', '.join(FORMATS)})") from exc
    except Image.DecompressionBombError as exc:
        raise _too_large("more pixels than any picture", None, max_pixels) from exc
    except Exception as exc:
        raise _corrupt(exc) from exc
    pixels = image.width * image.height
    if pixels > max_pixels:
        raise _too_large(f"{image.width} x {image.height} = {pixels} px", pixels, max_pixels)
    return image


def _too_large(size: str, pixels: int | None, max_pixels: int) -> ImageTooLarge:
    return ImageTooLarge(
        f"the image has {size}; at most {max_pixels} px are accepted: raise UPSCALER_MAX_PIXELS for more",
        limit=max_pixels,
        actual=pixels,
        setting="UPSCALER_MAX_PIXELS",
    )


def _check_variant(image: Image.Image) -> None:
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != MPO:
        raise UnsupportedMode(f"the image is animated ({frames} frames): only single pictures are read")
    if image.mode not in READ_MODES:
        raise UnsupportedMode(f"{image.format} of mode {image.mode} is not read (read are {', '.join(READ_MODES)})")


def _corrupt(exc: Exception) -> ImageCorrupt:
    return ImageCorrupt(f"the image is truncated or corrupt: {exc}")


def _drop_odd_blocks(image: Image.Image) -> None:
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


def _frame(image: Image.Image) -> Frame:
    opaque_mode, transparent_mode = READ_MODES[image.mode]
    mode = transparent_mode if image.has_transparency_data else opaque_mode
    channels = np.asarray(image.convert(mode))
    if channels.ndim == 2:
        channels = channels[:, :, np.newaxis]
    if mode.endswith("A"):
        return Frame(channels[:, :, :-1], channels[:, :, -1])
    return Frame(channels)


def _exif(image: Image.Image) -> Image.Exif:
    """The EXIF tags; none where the block is broken."""
    try:
        return image.getexif()
    except Exception as exc:  # metadata never fails a picture, whatever is wrong with it
        log.info("broken EXIF block ignored: %r", exc)
        return Image.Exif()


def _upright(image: Image.Image, exif: Image.Exif) -> Image.Image:
    method = UPRIGHT.get(exif.get(ExifTags.Base.Orientation, 1))
    return image if method is None else image.transpose(method)


def _metadata(image: Image.Image, exif: Image.Exif) -> Metadata:
    return Metadata(
        icc=image.info.get("icc_profile") or None, exif=_upright_exif(exif), xmp=_upright_xmp(image), dpi=_dpi(image)
    )


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
    except Exception as exc:  # a broken block inside: see `_exif`
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
