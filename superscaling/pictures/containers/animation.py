"""Animations as their files hold them, partial pictures on a canvas, and the whole pictures that they show."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

Rgba = NDArray[np.uint8]


class Disposal(Enum):
    """What happens to a part's place on the canvas once its time is over."""

    KEEP = "keep"
    CLEAR = "clear"  # it becomes transparent
    RESTORE = "restore"  # it becomes what it was before


@dataclass(frozen=True)
class Part:
    """A picture that is put on the canvas.

    `file`: an image file of its own, with the part alone; `left`, `top`, `width`, `height`: its place in px;
    `is_blended`: over what is there, else instead of it.
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
    """`width`, `height` of the canvas in px; `plays`: how often it runs, 0 for ever."""

    width: int
    height: int
    plays: int
    parts: tuple[Part, ...]


def show(animation: Animation, read: Callable[[bytes], Rgba]) -> Iterator[tuple[Rgba, float]]:
    """What is on the canvas, after each part: (h, w, 4) RGBA, and for how many milliseconds.

    The canvas is transparent at first. What of a part lies outside of it is not seen.

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
    """Put `pixels` over `place`. (Porter and Duff's "over" on colours that are not multiplied by alpha.)"""
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
