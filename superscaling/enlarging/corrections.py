"""Corrects what a network gets slightly wrong: grey areas become grey again, smooth areas what they were.

A network is a level or more off in flat areas (quantised, or at the border, where it pads with zeros), tints grey, and
turns smooth gradients into bands. Interpolation does none of that, and in smooth areas there is no detail to gain.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from superscaling.engines import Pixels
from superscaling.enlarging.channels import LUMA, spread
from superscaling.enlarging.interpolation import MARGIN, enlarge_linearly
from superscaling.geometry import Box

Value = TypeVar("Value", bound=np.generic)

# Where a straight line from pixel to pixel bends by at most `SMOOTH` of the range in a neighbourhood, the result is
# interpolated; by at least `ROUGH`, it is the network's. 1 and 3 levels of 255: in a smooth gradient of 8 bits,
# rounding bends by 1, curves by 2; JPEG noise near an edge bends by more.
SMOOTH, ROUGH = 1 / 255, 3 / 255
# Neighbourhoods reach so many px to each side.
RADIUS = 2
# What a pixel becomes depends on so many px on each side: the neighbourhood and the bends at its ends, and those of the
# next pixel, because the share of interpolation is itself interpolated.
REACH = RADIUS + 1 + MARGIN
# Edge in px of the squares that are interpolated, or skipped where nothing is smooth. Cores of at most `THIN` px on a
# side are cut into longer blocks of that area, as each takes a tenth of a millisecond by itself.
BLOCK, THIN = 64, 8


def correct(levels: NDArray[np.float32], pixels: Pixels, core: Box, keeps_smooth: bool = True) -> None:
    """Correct what the network made of `core`, in place.

    Args:
        levels: (scale h, scale w, 3), the network's result for the core, in levels of the type of `pixels`.
        pixels: (h', w', 3) what was enlarged: the core, and `REACH` px around it unless the picture ends there.
        core: its place in `pixels`.
        keeps_smooth: whether smooth areas are interpolated; otherwise they are the network's, and only grey stays grey.
    """
    height, width = core.size
    scale = len(levels) // height
    rows, columns = (BLOCK if other > THIN else BLOCK**2 // other for other in (width, height))
    smoothness = _smoothness(pixels) if keeps_smooth else np.zeros(pixels.shape[:2], np.float32)
    grey = ~_spread(_is_coloured(pixels))
    # A plane at a time: several times as fast as all channels at once.
    planes = [np.pad(plane, MARGIN, mode="edge") for plane in (smoothness, *np.moveaxis(pixels, 2, 0))]
    for top in range(core.top, core.bottom, rows):
        for left in range(core.left, core.right, columns):
            block = Box(top, left, top + rows, left + columns).within(core)
            around = block.moved(MARGIN, MARGIN).grown(MARGIN).slices
            share, *channels = (plane[around] for plane in planes)
            result = levels[block.seen_from(core).scaled(scale).slices]
            _correct_block(result, share, channels, grey[block.slices], scale)


def limit(levels: NDArray[np.float32], pixels: Pixels, core: Box) -> None:
    """Keep what the network made of `core` within the levels of the pixels around each, in place.

    For a pass whose input is the network's own result: that is as sharp as it gets, and to sharpen it again would draw
    lines along its edges, brighter and darker than anything beside them.

    Args:
        levels, core: as for `correct`.
        pixels: (h', w', 3), the core and at least 1 px around it unless the picture ends there.
    """
    height, _ = core.size
    scale = len(levels) // height
    for channel in range(pixels.shape[2]):
        least, most = (
            spread(pixels[:, :, channel], extreme)[core.slices].repeat(scale, axis=0).repeat(scale, axis=1)
            for extreme in (np.minimum, np.maximum)
        )
        np.clip(levels[:, :, channel], least, most, out=levels[:, :, channel])


def _correct_block(
    levels: NDArray[np.float32],
    share: NDArray[np.float32],
    channels: Sequence[NDArray[Any]],
    grey: NDArray[np.bool_],
    scale: int,
) -> None:
    """Correct a part of the result (scale h, scale w, 3) in place.

    Args:
        share: (h + 2, w + 2) of the interpolation.
        channels: (h + 2, w + 2), three, of what was enlarged.
        grey: (h, w), which pixels become grey.
    """
    if grey.all() and all(np.array_equal(channels[0], other) for other in channels[1:]):
        luma = levels @ LUMA
        _interpolate([luma], share, channels[:1], scale)
        levels[:] = luma[:, :, np.newaxis]
        return
    results = [levels[:, :, channel] for channel in range(len(channels))]
    if grey.any():
        luma, where = levels @ LUMA, grey.repeat(scale, axis=0).repeat(scale, axis=1)
        for result in results:
            np.copyto(result, luma, where=where)
    # Last, so that a flat tint of one level stays.
    _interpolate(results, share, channels, scale)


def _interpolate(
    results: Sequence[NDArray[np.float32]], share: NDArray[np.float32], channels: Sequence[NDArray[Any]], scale: int
) -> None:
    """Replace a share of each result (scale h, scale w), in place, by the interpolation of what was enlarged."""
    rows, columns = (np.flatnonzero(share.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return
    # What takes part: smooth pixels, and their neighbours, to which the share falls off.
    part = Box(rows[0], columns[0], rows[-1] + 1, columns[-1] + 1).grown(MARGIN)
    part = part.within(Box(0, 0, *share.shape).grown(-MARGIN))
    around, inside = part.grown(MARGIN).slices, part.moved(-MARGIN, -MARGIN).scaled(scale).slices
    share = enlarge_linearly(share[around], scale)
    for result, channel in zip(results, channels, strict=True):
        difference = enlarge_linearly(channel[around], scale)
        difference -= result[inside]
        difference *= share
        result[inside] += difference


def is_flat(pixels: Pixels) -> bool:
    """Whether all pixels (h, w, c) are equal: then `correct` would make them so again, whatever the network does."""
    first_column = pixels[:, 0]
    return bool((first_column == first_column[0]).all() and (pixels[:, 1:] == pixels[:, :-1]).all())


def _is_coloured(pixels: Pixels) -> NDArray[np.bool_]:
    """(h, w): whether channels differ by more than a level: grey that was stored as YCbCr may differ by one."""
    red, green, blue = (pixels[:, :, channel] for channel in range(3))
    most, least = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    is_coloured: NDArray[np.bool_] = most - least > 1
    return is_coloured


def _smoothness(pixels: Pixels) -> NDArray[np.float32]:
    """(h, w, c) to (h, w): the share of interpolation, from 0 to 1."""
    most = np.float32(np.iinfo(pixels.dtype).max)
    share: NDArray[np.float32] = (ROUGH * most - _spread(_bends(pixels)).astype(np.float32)) / ((ROUGH - SMOOTH) * most)
    return share.clip(0, 1, out=share)


def _bends(pixels: Pixels) -> NDArray[np.signedinteger]:
    """(h, w, c) to (h, w): the largest second difference of neighbours in a row or column, in any channel.

    At the ends of rows and columns there is none.
    """
    signed = np.int16 if pixels.dtype == np.uint8 else np.int32
    bends = np.zeros(pixels.shape[:2], signed)
    for channel in range(pixels.shape[2]):
        plane: NDArray[np.signedinteger] = pixels[:, :, channel].astype(signed)
        for values, largest in ((plane, bends), (plane.T, bends.T)):
            slopes = values[1:] - values[:-1]
            inner = largest[1:-1]
            np.maximum(inner, np.abs(slopes[1:] - slopes[:-1]), out=inner)
    return bends


def _spread(plane: NDArray[Value]) -> NDArray[Value]:
    """The largest value within `RADIUS` of each."""
    return _spread_rows(_spread_rows(plane).T).T


def _spread_rows(plane: NDArray[Value]) -> NDArray[Value]:
    padded = np.pad(plane, ((RADIUS, RADIUS), (0, 0)), mode="edge")
    largest = plane.copy()
    for start in range(2 * RADIUS + 1):
        np.maximum(largest, padded[start : start + len(plane)], out=largest)
    return largest
