"""Small image files to show while the result is not finished."""

import io
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from superscaling.format_name import FormatName
from superscaling.pictures.encoding import encode
from superscaling.pictures.picture import Frame, Metadata, Picture, Samples, Size, in_8_bits
from superscaling.recognition.formats import FORMATS

# Shown for moments only: nearly as good as PNG, in a tenth of its time.
JPEG_QUALITY = 92
PNG_COMPRESSION = 1  # fast


@dataclass(frozen=True)
class PreviewFile:
    """`data`: an image file; `width`, `height`: in px."""

    data: bytes
    media_type: str
    width: int
    height: int


def preview(frame: Frame, result: Size, longest: int) -> PreviewFile:
    """A frame as a PNG of 8 bits, resized bicubically to the result's proportions.

    Args:
        frame: all that the result shows.
        result: height and width of the result in px.
        longest: longer side of the preview in px, at most. It is no larger than the frame needs, either.
    """
    frame = in_8_bits(frame)
    # With the profile, so that colours look as in the result.
    metadata = Metadata(icc=frame.metadata.icc, png_colours=frame.metadata.png_colours)
    reduced = _reduced(replace(frame, metadata=metadata), result, longest)
    data = encode(Picture((reduced,), FormatName.PNG), FormatName.PNG, None, JPEG_QUALITY).data
    return PreviewFile(data, FORMATS[FormatName.PNG].media_type, reduced.width, reduced.height)


def preview_tile(colour: Samples, alpha: NDArray[np.uint8] | None) -> PreviewFile:
    """A part of a picture as a JPEG, or as a PNG if it is not opaque.

    Args:
        colour: (h, w, 3) RGB or (h, w) grey, uint8.
        alpha: (h, w) uint8.
    """
    height, width = colour.shape[:2]
    file = io.BytesIO()
    if alpha is None or (alpha == 255).all():
        Image.fromarray(colour).save(file, "JPEG", quality=JPEG_QUALITY, subsampling=0)
        return PreviewFile(file.getvalue(), FORMATS[FormatName.JPEG].media_type, width, height)
    Image.fromarray(np.dstack((colour, alpha))).save(file, "PNG", compress_level=PNG_COMPRESSION)
    return PreviewFile(file.getvalue(), FORMATS[FormatName.PNG].media_type, width, height)


def enlarge_bicubically(plane: Samples, size: Size) -> NDArray[np.uint8]:
    """(h, w) uint8 to another height and width in px."""
    height, width = size
    return _resized(plane, (width, height))


def _reduced(frame: Frame, result: Size, longest: int) -> Frame:
    height, width = result
    factor = min(1, longest / max(result), max(frame.height / height, frame.width / width))
    size = max(1, round(width * factor)), max(1, round(height * factor))
    if size == (frame.width, frame.height):
        return frame
    alpha = None if frame.alpha is None else _resized(frame.alpha, size)
    planes = [_resized(frame.colour[:, :, index], size) for index in range(frame.colour.shape[2])]
    return replace(frame, colour=np.dstack(planes), alpha=alpha)


def _resized(plane: Samples, size: tuple[int, int]) -> NDArray[np.uint8]:
    image = Image.fromarray(np.ascontiguousarray(plane))
    return np.asarray(image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0), np.uint8)
