"""Pictures to larger pictures."""

from superscaling.enlarging.bands import BandUpscaler, PartRow
from superscaling.enlarging.blocks import PictureInParts
from superscaling.enlarging.channels import to_luma, write_levels
from superscaling.enlarging.corrections import correct
from superscaling.enlarging.file_upscaler import (
    DecodedFile,
    EnlargedFile,
    FileUpscaler,
    InspectedFile,
    notes_on_options,
)
from superscaling.enlarging.loaded_models import LoadedModel, LoadedModels
from superscaling.enlarging.network import START_TIMEOUT
from superscaling.enlarging.part_upscalers import PartSize
from superscaling.enlarging.picture_upscaler import PictureUpscaler
from superscaling.enlarging.result_sizes import check_results, choose_least_sizes, choose_sizes, cropped
from superscaling.enlarging.upscaler import Upscaler

__all__ = [
    "START_TIMEOUT",
    "BandUpscaler",
    "DecodedFile",
    "EnlargedFile",
    "FileUpscaler",
    "InspectedFile",
    "LoadedModel",
    "LoadedModels",
    "PartRow",
    "PartSize",
    "PictureInParts",
    "PictureUpscaler",
    "Upscaler",
    "check_results",
    "choose_least_sizes",
    "choose_sizes",
    "correct",
    "cropped",
    "notes_on_options",
    "to_luma",
    "write_levels",
]
