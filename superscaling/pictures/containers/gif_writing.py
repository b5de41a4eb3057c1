"""The GIF writer. (GIF89a specification; repeats by Netscape's extension.)

Pillow compresses the pixels of each frame. The file around them is written here, because Pillow's writer of animations
gives each frame its own palette and disposes of frames in ways that viewers interpret differently.
"""

import io
import struct
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from superscaling.geometry import Box, changed_box
from superscaling.pictures.containers.gif_reading import END, HAS_TABLE, HAS_TRANSPARENCY, IMAGE
from superscaling.pictures.containers.palette import Indexed, index_frames
from superscaling.pictures.picture import Frame, Samples

# Least alpha of a visible pixel.
VISIBLE = 128
# Disposal methods of the control extension.
KEEP, CLEAR = 1, 2
# In 10 ms. Browsers show a frame of 10 ms for 100 ms, so longer times must not be rounded down to it.
SHORTEST = 2
# Bytes that Pillow writes before the data of a grey picture: screen, table of 256 colours, position.
PILLOW_HEAD = 13 + 3 * 256 + 10


def write_gif(frames: Sequence[Frame], colours: Sequence[Samples], plays: int) -> bytes:
    """Write a GIF; alpha is thresholded at one half, times are rounded to 10 ms without drift.

    Args:
        frames: of equal size; their alpha and times are used.
        colours: of each frame, (h, w, 3) RGB uint8.
        plays: how many times an animation runs, 0 for ever.
    """
    indexed = index_frames(colours, [_is_visible(frame) for frame in frames])
    has_gaps = indexed[0].transparent is not None
    is_animated = len(indexed) > 1
    table = indexed[0].palette
    file = io.BytesIO()
    file.write(struct.pack("<6sHH", b"GIF89a", frames[0].width, frames[0].height))
    file.write(bytes([HAS_TABLE | _table_bits(table), 0, 0]) + _padded(table))
    if is_animated and plays != 1:
        # Browsers count repeats, one less than plays; 0 is for ever.
        file.write(b"!\xff\x0bNETSCAPE2.0\3\1" + struct.pack("<HB", max(plays - 1, 0), 0))
    # Transparent pixels show the previous frame, unless it was cleared.
    flags = (CLEAR if has_gaps and is_animated else KEEP) << 2 | has_gaps * HAS_TRANSPARENCY
    for index, (each, hundredths) in enumerate(zip(indexed, _hundredths(frames), strict=True)):
        if is_animated or has_gaps:
            file.write(b"!\xf9\4" + struct.pack("<BHBB", flags, hundredths, each.transparent or 0, 0))
        # Over an opaque frame only what changes is written.
        box = _changed(None if has_gaps or not index else indexed[index - 1], each)
        part = each.indices[box.slices]
        file.write(struct.pack("<sHHHH", IMAGE, box.left, box.top, part.shape[1], part.shape[0]))
        if np.array_equal(each.palette, table):
            file.write(b"\0")
        else:
            file.write(bytes([HAS_TABLE | _table_bits(each.palette)]) + _padded(each.palette))
        file.write(_compressed(part))
    file.write(END)
    return file.getvalue()


def _is_visible(frame: Frame) -> NDArray[np.bool_]:
    if frame.alpha is None:
        return np.ones(frame.colour.shape[:2], bool)
    return frame.alpha >= VISIBLE


def _hundredths(frames: Sequence[Frame]) -> Iterator[int]:
    """The time of each frame in 10 ms; the rounding error is carried over to the next."""
    due, shown = 0.0, 0
    for frame in frames:
        due += frame.milliseconds / 10
        least = SHORTEST if frame.milliseconds > 10 else 0
        hundredths = min(max(round(due) - shown, least), 0xFFFF)
        shown += hundredths
        yield hundredths


def _changed(before: Indexed | None, after: Indexed) -> Box:
    """The smallest box outside of which two frames look the same; one pixel if nothing changed."""
    colours_before = None if before is None else before.palette[before.indices]
    return changed_box(colours_before, after.palette[after.indices]) or Box(0, 0, 1, 1)


def _table_bits(palette: NDArray[np.uint8]) -> int:
    """The table's length as stored in flags: n stands for 2 to the power of n + 1."""
    return max(len(palette) - 1, 1).bit_length() - 1


def _padded(palette: NDArray[np.uint8]) -> bytes:
    return palette.tobytes().ljust(3 << _table_bits(palette) + 1, b"\0")


def _compressed(indices: NDArray[np.uint8]) -> bytes:
    """LZW data of a picture: the initial code size, then blocks."""
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(indices)).save(file, "GIF", optimize=False, interlace=0)
    return file.getvalue()[PILLOW_HEAD : -len(END)]
