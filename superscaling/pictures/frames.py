"""Upright frames with their metadata, of single pictures and of animations."""

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile

from superscaling.format_name import FormatName
from superscaling.pictures.containers.animation import Rgba
from superscaling.pictures.formats import FORMATS
from superscaling.pictures.loading import load_frame, split_alpha
from superscaling.pictures.metadata import read_exif, read_metadata
from superscaling.pictures.opening import tiff_tags
from superscaling.pictures.picture import Frame, Metadata

# Whether rows and columns are swapped, and whether the rows, and the columns, of the result are reversed.
Turn = tuple[bool, bool, bool]
# EXIF orientation -> how to turn the picture upright. (Exif 2.3, tag 0x0112)
UPRIGHT: dict[int, Turn] = {
    1: (False, False, False),
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}
NO_TURN = UPRIGHT[1]
SIDEWAYS = [orientation for orientation, (is_swapped, _, _) in UPRIGHT.items() if is_swapped]
# Equal neighbours become one frame as long as every format can store its time.
MAX_MERGED_MILLISECONDS = FORMATS[FormatName.GIF].max_milliseconds


def upright_frame(image: ImageFile.ImageFile) -> Frame:
    """Decode the current frame or page of `image`, upright, with its metadata.

    Raises:
        UnsupportedMode: its mode is not supported.
        Exception: whatever a decoder raises for damaged bytes.
    """
    # Pillow turns a TIFF when it loads it, and removes the tag.
    stored = tiff_tags(image).get(ExifTags.Base.Orientation)
    frame = load_frame(image)
    turn, metadata = turn_and_metadata(image, stored)
    return dataclasses.replace(_upright(frame, turn), metadata=metadata)


def turn_and_metadata(image: Image.Image, tiff_orientation: object = None) -> tuple[Turn, Metadata]:
    """How to turn a picture upright, and its metadata, in which the orientation is reset."""
    exif = read_exif(image)
    turn = UPRIGHT.get(exif.get(ExifTags.Base.Orientation, 1), NO_TURN)
    is_on_its_side = turn[0] or tiff_orientation in SIDEWAYS
    return turn, read_metadata(image, exif, is_on_its_side)


def animation_frames(
    shown: Iterable[tuple[Rgba, float]],
    is_grey: bool,
    has_alpha: bool,
    metadata: Metadata | None = None,
    turn: Turn = NO_TURN,
) -> tuple[Frame, ...]:
    """The frames of an animation, upright; equal neighbours become one.

    Args:
        shown: (h, w, 4) RGBA and milliseconds of each picture.
        is_grey, has_alpha: which channels the frames have.
        metadata: of the file.
        turn: from `turn_and_metadata`.
    """
    channels = ([0] if is_grey else [0, 1, 2]) + ([3] if has_alpha else [])
    frames, last = list[Frame](), None
    for pixels, milliseconds in shown:
        if (
            last is not None
            and (pixels == last).all()
            and frames[-1].milliseconds + milliseconds <= MAX_MERGED_MILLISECONDS
        ):
            frames[-1] = dataclasses.replace(frames[-1], milliseconds=frames[-1].milliseconds + milliseconds)
            continue
        last = pixels
        kept = pixels[:, :, channels]
        frame = _upright(split_alpha(kept) if has_alpha else Frame(kept), turn)
        frames.append(dataclasses.replace(frame, milliseconds=milliseconds, metadata=metadata or Metadata()))
    return tuple(frames)


def _upright(frame: Frame, turn: Turn) -> Frame:
    is_swapped, reverses_rows, reverses_columns = turn

    def turned(pixels: NDArray[Any]) -> NDArray[Any]:
        pixels = pixels.swapaxes(0, 1) if is_swapped else pixels
        return np.ascontiguousarray(pixels[:: -1 if reverses_rows else 1, :: -1 if reverses_columns else 1])

    alpha = None if frame.alpha is None else turned(frame.alpha)
    return dataclasses.replace(frame, colour=turned(frame.colour), alpha=alpha)
