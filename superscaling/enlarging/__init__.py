"""Pictures to larger pictures."""

from superscaling.enlarging.channels import to_luma
from superscaling.enlarging.picture_upscaler import PictureUpscaler
from superscaling.enlarging.upscaler import START_TIMEOUT, Upscaler

__all__ = [
    "START_TIMEOUT",
    "PictureUpscaler",
    "Upscaler",
    "to_luma",
]
