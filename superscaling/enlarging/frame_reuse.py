"""Reuse of the previous frame of an animation: only what changed is enlarged again."""

from dataclasses import dataclass

import numpy as np

from superscaling.engines import Pixels
from superscaling.pictures import Frame


@dataclass(frozen=True)
class PreviousFrame:
    """`pixels` (h, w, c) that were enlarged, and the result `enlarged` (h', w', c)."""

    pixels: Pixels
    enlarged: Pixels


def is_shown_unchanged(frame: Frame) -> bool:
    """Whether the network is shown the frame's own colours, neither inks nor stretched contrast."""
    return frame.mode != "CMYK" and not frame.is_16_bit


def can_reuse(before: Frame, frame: Frame) -> bool:
    """Whether equal pixels of two frames have equal results: only if the network is shown exactly these pixels."""
    if before.mode != frame.mode or before.colour.shape != frame.colour.shape or not is_shown_unchanged(frame):
        return False
    if before.alpha is None or frame.alpha is None:
        return True
    # Under full transparency the network is shown colours of the surroundings instead.
    is_visible = bool(frame.alpha.all())
    return is_visible and np.array_equal(before.alpha, frame.alpha)
