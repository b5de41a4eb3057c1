"""Reduces colours to the palettes of a GIF."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from superscaling.pictures.picture import Samples

MAX_COLOURS = 256
# The palette is chosen from a sample of about so many px.
SAMPLE = 1 << 18
# Iterations of k-means after the median cut.
K_MEANS = 1
# All frames share one palette if each frame's mean squared error is at most so many times that with its own palette, or
# at most so many levels squared, which is invisible.
SHARED_ERROR = 1.25
UNSEEN_ERROR = 1.0
# Rows computed at a time, to save memory.
BAND = 256


@dataclass(frozen=True)
class Indexed:
    """`indices`: (h, w) uint8; `palette`: (n, 3) uint8, n at most 256; `transparent`: index of invisible pixels."""

    indices: NDArray[np.uint8]
    palette: NDArray[np.uint8]
    transparent: int | None = None


# Colours (h, w, 3) uint8, and (h, w) bool: true for invisible pixels.
Masked = tuple[Samples, NDArray[np.bool_]]


def index_frames(colours: Sequence[Samples], visible: Sequence[NDArray[np.bool_]]) -> list[Indexed]:
    """Choose palettes, one for all frames if it is good enough, and the index of each pixel.

    If all frames together fit into one palette, the result is exact. Otherwise a single frame is dithered
    (Floyd-Steinberg); an animation is not, because the pattern would flicker.

    Args:
        colours: (h, w, 3) uint8 for each frame.
        visible: (h, w) bool for each frame; invisible pixels have the same index in all frames.
    """
    gaps = [~each for each in visible]
    has_gaps = any(each.any() for each in gaps)
    most = MAX_COLOURS - has_gaps
    frames = list(zip(colours, gaps, strict=True))
    if (exact := _all_colours(frames, most)) is not None:
        indexed = [Indexed(_find(frame, exact), _unpacked(exact)) for frame in colours]
    else:
        indexed = _quantized(frames, most)
    return [_with_gaps(each, gap) if has_gaps else each for each, gap in zip(indexed, gaps, strict=True)]


def _all_colours(frames: Sequence[Masked], most: int) -> NDArray[np.uint32] | None:
    """All visible colours as sorted numbers; None if there are more than `most`."""
    colours = np.zeros(0, np.uint32)
    for frame, gaps in frames:
        for rows in _bands(frame):
            colours = np.union1d(colours, _packed(frame[rows])[~gaps[rows]])
            if len(colours) > most:
                return None
    return colours


def _find(frame: Samples, colours: NDArray[np.uint32]) -> NDArray[np.uint8]:
    indices = np.empty(frame.shape[:2], np.uint8)
    for rows in _bands(frame):
        indices[rows] = np.searchsorted(colours, _packed(frame[rows]))
    return indices


def _quantized(frames: Sequence[Masked], most: int) -> list[Indexed]:
    shared = _choose(frames, most)
    if len(frames) == 1:
        return [_nearest(frames[0][0], shared, Image.Dither.FLOYDSTEINBERG)]
    with_shared = [_nearest(frame, shared, Image.Dither.NONE) for frame, _ in frames]
    with_own = [_nearest(each[0], _choose([each], most), Image.Dither.NONE) for each in frames]
    suffices = all(
        _error(frame, one) <= max(_error(frame, other) * SHARED_ERROR, UNSEEN_ERROR)
        for frame, one, other in zip(frames, with_shared, with_own, strict=True)
    )
    return with_shared if suffices else with_own


def _choose(frames: Sequence[Masked], most: int) -> NDArray[np.uint8]:
    """A palette (n, 3) of at most `most` colours for the visible pixels."""
    step = math.ceil(math.sqrt(sum(gaps.size for _, gaps in frames) / SAMPLE))
    seen = np.concatenate([frame[::step, ::step][~gaps[::step, ::step]] for frame, gaps in frames])
    if not len(seen):
        return np.zeros((1, 3), np.uint8)
    chosen = Image.fromarray(seen[np.newaxis]).quantize(most, Image.Quantize.MEDIANCUT, K_MEANS).getpalette("RGB")
    return np.array(chosen, np.uint8).reshape(-1, 3)[:most]


def _nearest(frame: Samples, palette: NDArray[np.uint8], dither: Image.Dither) -> Indexed:
    image = Image.new("P", (1, 1))
    # Pillow always searches 256 colours: the palette is padded with its last one.
    image.putpalette(np.pad(palette, [(0, MAX_COLOURS - len(palette)), (0, 0)], mode="edge").tobytes())
    indices = np.asarray(Image.fromarray(frame).quantize(palette=image, dither=dither))
    return Indexed(np.minimum(indices, len(palette) - 1).astype(np.uint8), palette)


def _with_gaps(indexed: Indexed, gaps: NDArray[np.bool_]) -> Indexed:
    transparent = len(indexed.palette)
    palette = np.concatenate((indexed.palette, np.zeros((1, 3), np.uint8)))
    return Indexed(np.where(gaps, np.uint8(transparent), indexed.indices), palette, transparent)


def _error(frame: Masked, indexed: Indexed) -> float:
    """Mean squared error of the visible pixels, in levels."""
    colours, gaps = frame
    total, count = 0.0, 0
    for rows in _bands(colours):
        difference = colours[rows].astype(np.float32) - indexed.palette[indexed.indices[rows]]
        total += float((difference[~gaps[rows]] ** 2).sum())
        count += int((~gaps[rows]).sum()) * 3
    return total / max(count, 1)


def _bands(frame: Samples) -> Iterator[slice]:
    return (slice(top, top + BAND) for top in range(0, len(frame), BAND))


def _packed(colours: Samples) -> NDArray[np.uint32]:
    """Colours as numbers, 0xRRGGBB."""
    red, green, blue = (colours[..., channel].astype(np.uint32) for channel in range(3))
    return np.asarray(red << 16 | green << 8 | blue, np.uint32)


def _unpacked(numbers: NDArray[np.uint32]) -> NDArray[np.uint8]:
    return np.stack((numbers >> 16, numbers >> 8 & 255, numbers & 255), axis=-1).astype(np.uint8)
