"""Pictures to larger pictures."""

from superscaling.enlarging.channels import to_luma
from superscaling.enlarging.corrections import correct
from superscaling.enlarging.loaded_models import LoadedModel, LoadedModels
from superscaling.enlarging.picture_upscaler import PictureUpscaler
from superscaling.enlarging.upscaler import START_TIMEOUT, Upscaler, write_levels

__all__ = [
    "START_TIMEOUT",
    "LoadedModel",
    "LoadedModels",
    "PictureUpscaler",
    "Upscaler",
    "correct",
    "to_luma",
    "write_levels",
]
