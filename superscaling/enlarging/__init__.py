"""Pictures to larger pictures."""

from superscaling.enlarging.frame_reuse import PreviousFrame
from superscaling.enlarging.picture_upscaler import PictureUpscaler, to_luma
from superscaling.enlarging.upscaler import START_TIMEOUT, Upscaler

__all__ = [
    "START_TIMEOUT",
    "PictureUpscaler",
    "PreviousFrame",
    "Upscaler",
    "to_luma",
]
