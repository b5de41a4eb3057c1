"""Frames to a GIF. (GIF89a specification; the repeats by Netscape's extension.)

The pixels of each frame are compressed by Pillow; the file around them is ours, because Pillow's writer of animations
gives every frame a palette of its own and clears frames in ways that viewers understand differently.
"""

import io
import struct
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from superscaling.pictures.containers.gif_reading import END, HAS_TABLE, HAS_TRANSPARENCY, IMAGE
from superscaling.pictures.containers.palette import Indexed, index_frames
from superscaling.pictures.picture import Frame, Samples

# From this alpha on a pixel is visible.
VISIBLE = 128
# The control extension's ways to dispose of a frame.
KEEP, CLEAR = 1, 2
# Browsers show a frame of 10 ms for 100 ms: what is longer than 10 ms must not be rounded to it.
SHORTEST = 2
# What Pillow writes before the data of a grey picture: screen, table of 256 colours, the picture's place.
PILLOW_HEAD = 13 + 3 * 256 + 10


def write_gif(frames: Sequence[Frame], colours: Sequence[Samples], plays: int) -> bytes:
    """Write a GIF of all frames; alpha is cut at one half, times are rounded to 10 ms without drifting.

    Args:
        frames: of equal size; of them the alpha and the times are used.
        colours: of each frame, (h, w, 3) RGB uint8.
        plays: how often an animation runs, 0 for ever.
    """
    indexed = index_frames(colours, [_is_visible(frame) for frame in frames])
    has_gaps = indexed[0].transparent is not None
    is_animated = len(indexed) > 1
    table = indexed[0].palette
    file = io.BytesIO()
    file.write(struct.pack("<6sHH", b"GIF89a", frames[0].width, frames[0].height))
    file.write(bytes([HAS_TABLE | _table_bits(table), 0, 0]) + _padded(table))
    if is_animated and plays != 1:
        # Browsers count the repeats, one less than the plays; 0 is for ever.
        file.write(b"!\xff\x0bNETSCAPE2.0\3\1" + struct.pack("<HB", max(plays - 1, 0), 0))
    # What is transparent shows the frame before, unless that was cleared.
    flags = (CLEAR if has_gaps and is_animated else KEEP) << 2 | has_gaps * HAS_TRANSPARENCY
    for index, (each, hundredths) in enumerate(zip(indexed, _hundredths(frames), strict=True)):
        if is_animated or has_gaps:
            file.write(b"!\xf9\4" + struct.pack("<BHBB", flags, hundredths, each.transparent or 0, 0))
        # Over an opaque frame only what changes is written.
        rows, columns = _everything(each) if has_gaps or not index else _changed(indexed[index - 1], each)
        part = each.indices[rows, columns]
        file.write(struct.pack("<sHHHH", IMAGE, columns.start, rows.start, part.shape[1], part.shape[0]))
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
    """How long each frame is shown, in 10 ms: what is rounded off one is made good by the next."""
    due, shown = 0.0, 0
    for frame in frames:
        due += frame.milliseconds / 10
        least = SHORTEST if frame.milliseconds > 10 else 0
        hundredths = min(max(round(due) - shown, least), 0xFFFF)
        shown += hundredths
        yield hundredths


def _everything(indexed: Indexed) -> tuple[slice, slice]:
    height, width = indexed.indices.shape
    return slice(0, height), slice(0, width)


def _changed(before: Indexed, after: Indexed) -> tuple[slice, slice]:
    """Rows and columns of the smallest box outside of which the two look the same; of one pixel, if all does."""
    differs = (before.palette[before.indices] != after.palette[after.indices]).any(axis=2)
    if not differs.any():
        return slice(0, 1), slice(0, 1)
    rows, columns = (np.flatnonzero(differs.any(axis=axis)) for axis in (1, 0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _table_bits(palette: NDArray[np.uint8]) -> int:
    """The table's length as the flags have it: 2 to the power of one more."""
    return max(len(palette) - 1, 1).bit_length() - 1


def _padded(palette: NDArray[np.uint8]) -> bytes:
    return palette.tobytes().ljust(3 << _table_bits(palette) + 1, b"\0")


def _compressed(indices: NDArray[np.uint8]) -> bytes:
    """The data of a GIF's picture: the size of the first codes, then blocks."""
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(indices)).save(file, "GIF", optimize=False, interlace=0)
    return file.getvalue()[PILLOW_HEAD : -len(END)]
