"""The GIF writer: libvips, with libimagequant for the palettes and cgif for the file. (GIF89a specification.)"""

import io
from collections.abc import Iterator, Sequence

import numpy as np
import pyvips
from numpy.typing import NDArray
from PIL import Image

from superscaling.pictures.containers.vips import to_vips
from superscaling.pictures.picture import Frame, Samples

# libvips keeps one of them free, for pixels that an animation does not change.
MAX_COLOURS = 256
# Rows computed at a time, to save memory.
BAND = 64
# In 10 ms. Browsers show a frame of 10 ms for 100 ms, so longer times must not be rounded down to it.
SHORTEST = 2
# Bytes before the colour table, and of a control extension.
HEADER, CONTROL_LENGTH = 13, 8
# Of 1 to 10. Below, libimagequant loses 2 to 4 dB; 10 takes twice the time for 0.1 dB.
EFFORT = 7


def write_gif(frames: Sequence[Frame], colours: Sequence[Samples], plays: int) -> bytes:
    """Write a GIF; alpha is thresholded at one half, times are rounded to 10 ms without drift.

    Each frame has its own palette. Up to 255 colours of a frame, the transparent one included, are exact, and so are
    the 256 of an opaque still. Of an animation only what changes is written, so the rest can't flicker; it is not
    dithered, because the pattern would move where colours change slowly.

    Args:
        frames: of equal size; their alpha and times are used.
        colours: of each frame, (h, w, 3) RGB uint8.
        plays: how many times an animation runs, 0 for ever.
    """
    is_still = len(frames) == 1
    is_opaque_still = is_still and frames[0].is_opaque
    if is_opaque_still and (exact := _exact(colours[0])) is not None:
        return exact
    # The frames, one below the other. libvips reads them in strips: the tall picture is never in memory.
    pages = pyvips.Image.arrayjoin([_page(*each) for each in zip(frames, colours, strict=True)], across=1).copy()
    pages.set_type(pyvips.GValue.gint_type, "page-height", frames[0].height)
    pages.set_type(pyvips.GValue.gint_type, "loop", 1 if is_still else plays)
    if not is_still:
        delays = [hundredths * 10 for hundredths in _hundredths(frames)]
        pages.set_type(pyvips.GValue.array_int_type, "delay", delays)
    file = bytes(
        pages.gifsave_buffer(
            dither=1.0 if is_still else 0.0,
            effort=EFFORT,
            interpalette_maxerror=0,
            keep_duplicate_frames=True,
        )
    )
    return _without_control(file) if is_opaque_still else file


def _page(frame: Frame, colour: Samples) -> pyvips.Image:
    page = to_vips(colour)
    return page if frame.alpha is None else page.bandjoin(to_vips(frame.alpha))


def _exact(colour: Samples) -> bytes | None:
    """A still of at most 256 colours, such as any grey photograph. None if there are more."""
    counted = Image.fromarray(colour).getcolors(MAX_COLOURS)
    if counted is None:
        return None
    colours = np.array(sorted(levels for _, levels in counted), np.uint8)
    indices = np.empty(colour.shape[:2], np.uint8)
    for top in range(0, len(colour), BAND):
        indices[top : top + BAND] = np.searchsorted(_numbers(colours), _numbers(colour[top : top + BAND]))
    image = Image.fromarray(indices)
    image.putpalette(colours.tobytes())
    file = io.BytesIO()
    image.save(file, "GIF")
    return file.getvalue()


def _numbers(colours: Samples) -> NDArray[np.uint32]:
    """Colours (..., 3) as numbers, 0xRRGGBB."""
    return np.asarray(np.dot(colours, np.array([1 << 16, 1 << 8, 1], np.uint32)), np.uint32)


def _without_control(file: bytes) -> bytes:
    """The file of a still without the extension in which libvips may call a spare colour transparent."""
    place = HEADER + (3 << (file[10] & 7) + 1)
    return file[:place] + file[place + CONTROL_LENGTH :] if file[place : place + 2] == b"!\xf9" else file


def _hundredths(frames: Sequence[Frame]) -> Iterator[int]:
    """The time of each frame in 10 ms; the rounding error is carried over to the next."""
    due, shown = 0.0, 0
    for frame in frames:
        due += frame.milliseconds / 10
        least = SHORTEST if frame.milliseconds > 10 else 0
        hundredths = min(max(round(due) - shown, least), 0xFFFF)
        shown += hundredths
        yield hundredths
