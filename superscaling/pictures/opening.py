"""Opens image files with Pillow, and translates what its decoders raise."""

import contextlib
import io
import struct
import traceback
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from PIL import AvifImagePlugin, Image, ImageFile, UnidentifiedImageError

from superscaling.errors import ImageCorrupt, ServiceError, UnsupportedImage
from superscaling.format_name import FormatName
from superscaling.pictures.containers.tiff_opening import open_tiff
from superscaling.recognition.directories import POINTERS
from superscaling.recognition.formats import FORMATS
from superscaling.recognition.limits import Limits

XMP = 700  # tag of a TIFF
# More than any real picture has; Pillow itself rejects twice as many.
MAX_PIXELS = 1 << 31
# Decoders may raise these for damaged bytes. Raised by this package's own code, they are bugs.
DEFECTS = (AttributeError, TypeError, NameError, AssertionError)
# What is raised for lengths and places that are wrong: its text is about our code, not about the file.
MISPLACED = (IndexError, KeyError, StopIteration, struct.error)


def limit_pillow() -> None:
    """Set Pillow's own limits, for this process. To be called before any picture is opened.

    The service's limit is checked in `open_image`, with a clear error. Pillow's check runs a moment earlier and stays
    as the last resort for absurd sizes. Its warnings, about large pictures and skipped blocks, are silenced: what
    becomes of a picture is told by errors and notes, not in the log.
    """
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # by default as many for each picture as there are CPUs
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


@contextlib.contextmanager
def decoder_errors() -> Iterator[None]:
    """Turn whatever a decoder raises for bytes that it can't make sense of into ImageCorrupt."""
    try:
        yield
    except (ServiceError, MemoryError):  # whoever limits the memory knows what it means that it did not suffice
        raise
    except Exception as exc:
        if isinstance(exc, DEFECTS) and _is_raised_here(exc):
            raise
        reason = "" if isinstance(exc, MISPLACED) else str(exc).strip()
        raise ImageCorrupt(reason or "its parts are not where they should be") from exc


def _is_raised_here(exc: Exception) -> bool:
    """Whether `superscaling` raised it, not a decoder that it calls."""
    *_, (frame, _) = traceback.walk_tb(exc.__traceback__)
    return Path(__file__).parent.parent in Path(frame.f_code.co_filename).parents


def open_image(data: bytes, name: FormatName, limits: Limits) -> ImageFile.ImageFile:
    """Read the header of a file of the format `name`; no other decoder is tried.

    Raises:
        UnsupportedImage: it only begins like one.
        ImageTooLarge: it has more pixels than `limits` allow.
        Exception: whatever a decoder raises for bytes that it can't make sense of.
    """
    try:
        if name is FormatName.TIFF:
            image = open_tiff(data)
        else:
            image = Image.open(io.BytesIO(data), formats=[FORMATS[name].pillow])
    except UnidentifiedImageError as exc:
        raise UnsupportedImage(f"the file starts like {name}, but is damaged or of an unsupported variant") from exc
    except Image.DecompressionBombError as exc:
        raise limits.too_large("more pixels than any real image") from exc
    limits.check_pixels(image.width, image.height)
    return image


def hide_metadata(image: ImageFile.ImageFile) -> None:
    """Keep Pillow from metadata, which it reads while it loads an image. To be called before.

    It turns a TIFF not only by its own tag, but also by a copy in XMP, and stops at broken EXIF directories.
    """
    for name in ("xmp", "XML:com.adobe.xmp", "exif"):
        image.info.pop(name, None)
    tags = getattr(image, "tag_v2", None)
    for tag in (XMP, *POINTERS):
        if tags is not None and tag in tags:
            del tags[tag]


def frame_count(image: Image.Image) -> int:
    """Number of frames, pages or pictures in the file."""
    return int(getattr(image, "n_frames", 1))


def tiff_tags(image: Image.Image) -> Mapping[int, Any]:
    """The tags of the current page of a TIFF; empty for other formats."""
    return getattr(image, "tag_v2", {})


def raw_mode(image: ImageFile.ImageFile) -> str:
    """How the pixels are stored in the file, by Pillow's names; of an image that is not loaded yet."""
    if not image.tile:
        return ""
    arguments = image.tile[0].args
    return str(arguments[0] if isinstance(arguments, tuple) and arguments else arguments)
