"""Upright frames with their metadata, of single pictures and of animations."""

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ImageFile

from superscaling.format_name import FormatName
from superscaling.pictures.containers.animation import Rgba
from superscaling.pictures.loading import load_frame, split_alpha
from superscaling.pictures.metadata.turning import NO_TURN, Turn
from superscaling.pictures.metadata.upright import turn_for, upright
from superscaling.pictures.opening import hide_metadata
from superscaling.pictures.picture import Frame, Metadata
from superscaling.pictures.sixteen_bits import is_colour_16
from superscaling.recognition.formats import FORMATS

# Equal neighbours become one frame as long as every format can store its time.
MAX_MERGED_MILLISECONDS = FORMATS[FormatName.GIF].max_milliseconds


def upright_frame(image: ImageFile.ImageFile, stored: Metadata) -> Frame:
    """Decode the current frame or page of `image`, upright, with its metadata.

    Args:
        image: not loaded.
        stored: its metadata, as the file has it.

    Raises:
        UnsupportedMode: its mode is not supported.
        Exception: whatever a decoder raises for damaged bytes.
    """
    hide_metadata(image)
    frame = load_frame(image)
    if image.format == "TIFF" and not is_colour_16(image):  # Pillow has turned it
        _, metadata = upright(stored, turn_for(stored).size((frame.height, frame.width)))
        return dataclasses.replace(frame, metadata=metadata)
    turn, metadata = upright(stored, (frame.height, frame.width))
    return dataclasses.replace(_upright(frame, turn), metadata=metadata)


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
        turn: from `upright`.
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
