"""Bytes of an image file to a `Picture`."""

import io
import logging
import struct
import warnings
import zlib

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from errors import ImageCorrupt, ImageTooLarge, UnsupportedImage, UnsupportedMode
from image_codec.formats import FORMATS, READ_MODES, FormatName
from image_codec.picture import Frame, Metadata, Picture

log = logging.getLogger(__name__)

# What Pillow's decoders and `verify` raise for bytes they can't make sense of.
DECODER_ERRORS = (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, KeyError, struct.error, zlib.error)

# The only decoders that are ever tried.
PILLOW_FORMATS = [each.pillow for each in FORMATS.values()]
# A JPEG with further pictures (previews, the other eye's view) behind it: its first one is the picture.
MPO = "MPO"
FORMAT_NAMES = {each.pillow: each.name for each in FORMATS.values()} | {MPO: FormatName.JPEG}


def limit_pillow() -> None:
    """Set Pillow's own limits, once, before any picture is opened.

    `decode` checks the header's pixels against the service's limit, with an error that says so. Pillow's check runs
    a moment earlier; it is left as the last resort for sizes that no real picture has. Pillow's warnings, on large
    pictures and on blocks that it skips, are silenced here, because a filter can't be changed safely while other
    threads decode.
    """
    Image.MAX_IMAGE_PIXELS = 1 << 31
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


def decode(data: bytes, max_pixels: int) -> Picture:
    """Decode an image file; the EXIF orientation is applied.

    Args:
        data: the file.
        max_pixels: the most px, width times height; checked on the header, before anything is decoded.

    Raises:
        UnsupportedImage: it is no image of a supported format.
        ImageTooLarge: it has more than `max_pixels`.
        UnsupportedMode: it is animated, or of a mode that is not read.
        ImageCorrupt: it is truncated or damaged.
    """
    image = _open(data, max_pixels)
    try:
        _open(data, max_pixels).verify()  # finds wrong checksums that decoding does not look at; spoils the image
        image.load()
    except DECODER_ERRORS as exc:
        raise ImageCorrupt(f"the image is truncated or corrupt: {exc}") from exc
    frame = _frame(_upright(image))
    return Picture((frame,), FORMAT_NAMES[str(image.format)], _metadata(image))


def sniff(data: bytes) -> FormatName | None:
    """The format of an image file, by its header; None where it is none that is supported."""
    try:
        return FORMAT_NAMES[str(Image.open(io.BytesIO(data), formats=PILLOW_FORMATS).format)]
    except (Image.DecompressionBombError, *DECODER_ERRORS):
        return None


def _open(data: bytes, max_pixels: int) -> Image.Image:
    """Read the header and check it."""
    try:
        image = Image.open(io.BytesIO(data), formats=PILLOW_FORMATS)
    except UnidentifiedImageError as exc:
        raise UnsupportedImage(f"the bytes are no image of a supported format ({', '.join(FORMATS)})") from exc
    except Image.DecompressionBombError as exc:
        raise _too_large(max_pixels, None, "more pixels than any picture has") from exc
    except DECODER_ERRORS as exc:
        raise ImageCorrupt(f"the image is truncated or corrupt: {exc}") from exc
    pixels = image.width * image.height
    if pixels > max_pixels:
        raise _too_large(max_pixels, pixels, f"{image.width} x {image.height} = {pixels} px")
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != MPO:
        raise UnsupportedMode(f"the image is animated ({frames} frames): only single pictures are read")
    if image.mode not in READ_MODES:
        raise UnsupportedMode(f"{image.format} of mode {image.mode} is not read (read are {', '.join(READ_MODES)})")
    return image


def _too_large(max_pixels: int, pixels: int | None, size: str) -> ImageTooLarge:
    return ImageTooLarge(
        f"the image has {size}; at most {max_pixels} px are accepted: raise UPSCALER_MAX_PIXELS for more",
        limit=max_pixels,
        actual=pixels,
        setting="UPSCALER_MAX_PIXELS",
    )


def _frame(image: Image.Image) -> Frame:
    opaque_mode, transparent_mode = READ_MODES[image.mode]
    mode = transparent_mode if image.has_transparency_data else opaque_mode
    channels = np.asarray(image.convert(mode))
    if channels.ndim == 2:
        channels = channels[:, :, np.newaxis]
    if mode.endswith("A"):
        return Frame(channels[:, :, :-1], channels[:, :, -1])
    return Frame(channels)


def _upright(image: Image.Image) -> Image.Image:
    """Apply the EXIF orientation; a broken EXIF block counts as none."""
    try:
        return ImageOps.exif_transpose(image)
    except DECODER_ERRORS as exc:
        log.warning("broken EXIF block ignored: %s", exc)
        return image


def _metadata(image: Image.Image) -> Metadata:
    dpi = image.info.get("dpi")
    return Metadata(
        icc=image.info.get("icc_profile") or None,
        exif=_exif(image),
        dpi=(float(dpi[0]), float(dpi[1])) if dpi else None,
    )


def _exif(image: Image.Image) -> bytes | None:
    """The EXIF block, upright and without the thumbnail (Pillow does not write the IFD it is in)."""
    try:
        exif = image.getexif()  # the image's own: once it is changed, `_upright` would find nothing to do
        if not exif:
            return None
        if ExifTags.Base.Orientation in exif:
            exif[ExifTags.Base.Orientation] = 1
        return exif.tobytes()
    except DECODER_ERRORS as exc:
        log.warning("broken EXIF block dropped: %s", exc)
        return None
