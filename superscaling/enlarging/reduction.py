"""Antialiased reduction of colours and alpha to an exact size."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from superscaling.engines import Pixels
from superscaling.enlarging.channels import extremes_under, write_levels
from superscaling.pictures import Frame, Samples, Size, reduce_plane

Plane = NDArray[np.float32]
# Below this share of opacity the colours of a neighbourhood count more and more equally: they are hardly seen, and the
# quotient of two small numbers means nothing.
LEAST_OPACITY = 1 / 8


def reduce_colour(
    colour: NDArray[np.float32] | Pixels, opacity: Plane | None, reduce: Callable[[Plane], Plane], target: Samples
) -> None:
    """Reduce colours (h, w, c) of any levels; each pixel counts as much as it is opaque.

    Args:
        colour: what is reduced.
        opacity: (h, w) from 0 to 1; None: all pixels count alike.
        reduce: reduces one plane.
        target: (h', w', c), where the result is written, clamped and rounded.
    """
    weight = None if opacity is None else reduce(opacity)
    for channel in range(colour.shape[2]):
        if channel and np.array_equal(colour[:, :, channel], colour[:, :, channel - 1]):  # grey
            target[:, :, channel] = target[:, :, channel - 1]
            continue
        plane = colour[:, :, channel].astype(np.float32)
        reduced = reduce(plane)
        if opacity is not None and weight is not None:
            missing = np.maximum(LEAST_OPACITY - weight, 0)
            reduced = (reduce(plane * opacity) + missing * reduced) / (weight + missing)
        write_levels(reduced, target[:, :, channel])


def reduce_alpha(alpha: Samples, size: Size) -> Samples:
    """Reduce (h, w) to `size`. Each pixel stays within the alpha that it covers: no rings at edges, and no holes."""
    reduced = np.empty(size, alpha.dtype)
    write_levels(reduce_plane(alpha.astype(np.float32), size), reduced)
    return np.clip(reduced, *(extremes_under(alpha, extreme, size) for extreme in (np.minimum, np.maximum)))


def reduce_frame(frame: Frame, size: Size) -> Frame:
    """Reduce a whole frame to `size`, on neither axis larger than the frame."""
    colour = np.empty((*size, frame.colour.shape[2]), frame.colour.dtype)
    opacity = None if frame.is_opaque or frame.alpha is None else opacity_of(frame.alpha)
    reduce_colour(frame.colour, opacity, lambda plane: reduce_plane(plane, size), colour)
    alpha = None if frame.alpha is None else reduce_alpha(frame.alpha, size)
    return replace(frame, colour=colour, alpha=alpha)


def opacity_of(alpha: Samples) -> Plane:
    """Levels of alpha as shares from 0 to 1."""
    opacity = alpha.astype(np.float32)
    opacity /= np.iinfo(alpha.dtype).max
    return opacity
