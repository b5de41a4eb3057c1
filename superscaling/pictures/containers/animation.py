"""Composes the partial pictures of an animation on a canvas."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

Rgba = NDArray[np.uint8]


class Disposal(Enum):
    """What happens to a part's area of the canvas when its time is over."""

    KEEP = "keep"
    CLEAR = "clear"  # becomes transparent
    RESTORE = "restore"  # becomes what it was before


@dataclass(frozen=True)
class Part:
    """A partial picture.

    `file`: a separate image file with the part; `left`, `top`, `width`, `height`: its area in px; `is_blended`: whether
    it is drawn over the canvas, or replaces it.
    """

    file: bytes
    left: int
    top: int
    width: int
    height: int
    milliseconds: float
    disposal: Disposal
    is_blended: bool


@dataclass(frozen=True)
class Animation:
    """`width`, `height`: of the canvas in px; `plays`: how many times it runs, 0 for ever.

    Of a GIF `extensions` are labels and blocks of those that describe it, `aspect` is the header's, 0 if unknown, and
    `end` is where it ends in its file.
    """

    width: int
    height: int
    plays: int
    parts: tuple[Part, ...]
    extensions: tuple[tuple[int, bytes], ...] = ()
    aspect: int = 0
    end: int = 0


def show(animation: Animation, read: Callable[[bytes], Rgba]) -> Iterator[tuple[Rgba, float]]:
    """Yield the canvas after each part, (h, w, 4) RGBA, and for how many milliseconds it is shown.

    The canvas is transparent at first; parts are clipped to it.

    Args:
        animation: with each part at least 1 x 1 px.
        read: decodes a part's file to (h, w, 4) RGBA.
    """
    canvas = np.zeros((animation.height, animation.width, 4), np.uint8)
    for part in animation.parts:
        place = canvas[part.top : part.top + part.height, part.left : part.left + part.width]
        before = place.copy() if part.disposal is Disposal.RESTORE else 0
        pixels = read(part.file)[: place.shape[0], : place.shape[1]]
        if part.is_blended:
            _blend(place, pixels)
        else:
            place[:] = pixels
        yield canvas.copy(), part.milliseconds
        if part.disposal is not Disposal.KEEP:
            place[:] = before


def _blend(place: Rgba, pixels: Rgba) -> None:
    """Draw `pixels` over `place`. (Porter and Duff's "over" on colours that are not premultiplied.)"""
    alpha = pixels[:, :, 3]
    covering = alpha == 255
    place[covering] = pixels[covering]
    if not (partial := (alpha > 0) & ~covering).any():
        return
    above, below = pixels[partial].astype(np.float32), place[partial].astype(np.float32)
    share_above = above[:, 3:] / 255
    share_below = below[:, 3:] / 255 * (1 - share_above)
    share = share_above + share_below
    colour = (above[:, :3] * share_above + below[:, :3] * share_below) / share
    place[partial] = np.rint(np.concatenate((colour, share * 255), axis=1))
