"""Reduction of planes by Pillow's Lanczos kernel."""

import itertools
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from superscaling.pictures.picture import Size

# The kernel reaches so many px of the result to each side of a pixel's centre.
LANCZOS_SUPPORT = 3
# The longest side in px that Pillow reduces at once. Its weights take 48 bytes per px of it; more than 2 GB of them
# fail, and its places in the source are 32-bit floats.
MAX_SIDE = 1 << 18
# A longer side is first averaged by a whole factor, to at least so many px for each px of the result.
LEAST_AVERAGED = 64

# left, top, right, bottom in px.
SourceBox = tuple[float, float, float, float]


def reduce_plane(plane: NDArray[np.float32], size: Size, box: SourceBox | None = None) -> NDArray[np.float32]:
    """Reduce a plane (h, w) of any values; the result may overshoot at edges.

    Args:
        plane: at least as large as its reduction.
        size: height and width of the result in px.
        box: what of the plane the result shows; None: all of it. The kernel sees what is around it, too.
    """
    height, width = plane.shape
    left, top, right, bottom = box or (0, 0, width, height)
    if max(right - left, bottom - top) <= MAX_SIDE:
        return _reduce_at_once(plane, size, box)
    if right - left >= bottom - top:
        return _reduce_long(plane, size, (left, top, right, bottom))
    return _reduce_long(plane.T, size[::-1], (top, left, bottom, right)).T


def _reduce_long(plane: NDArray[np.float32], size: Size, box: SourceBox) -> NDArray[np.float32]:
    """`reduce_plane` where the width is longer than `MAX_SIDE`: memory for weights does not grow with it."""
    left, top, right, bottom = box
    height, width = size
    if (factor := int((right - left) / width / LEAST_AVERAGED)) > 1:
        plane = np.asarray(Image.fromarray(np.ascontiguousarray(plane)).reduce((factor, 1)))
        left, right = left / factor, right / factor
    ratio = (right - left) / width
    reach = math.ceil(LANCZOS_SUPPORT * ratio) + 1
    count = min(width, math.ceil((right - left) / MAX_SIDE))
    reduced = np.empty(size, np.float32)
    for first, last in itertools.pairwise(width * number // count for number in range(count + 1)):
        start, stop = left + first * ratio, min(right, left + last * ratio)
        seen = max(0, math.floor(start) - reach)
        part = plane[:, seen : math.ceil(stop) + reach]
        reduced[:, first:last] = _reduce_at_once(part, (height, last - first), (start - seen, top, stop - seen, bottom))
    return reduced


def _reduce_at_once(plane: NDArray[np.float32], size: Size, box: SourceBox | None) -> NDArray[np.float32]:
    height, width = size
    image = Image.fromarray(np.ascontiguousarray(plane))
    reduced: NDArray[np.float32] = np.array(image.resize((width, height), Image.Resampling.LANCZOS, box))
    return reduced
