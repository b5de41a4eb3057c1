"""Pictures to larger pictures."""

from superscaling.enlarging.blocks import PartSize, PictureInParts
from superscaling.enlarging.channels import to_luma, write_levels
from superscaling.enlarging.corrections import correct
from superscaling.enlarging.file_upscaler import DecodedFile, EnlargedFile, FileUpscaler, InspectedFile
from superscaling.enlarging.loaded_models import LoadedModel, LoadedModels
from superscaling.enlarging.network import START_TIMEOUT
from superscaling.enlarging.picture_upscaler import PictureUpscaler
from superscaling.enlarging.result_sizes import check_results, choose_least_sizes, choose_sizes, cropped
from superscaling.enlarging.upscaler import Upscaler

__all__ = [
    "START_TIMEOUT",
    "DecodedFile",
    "EnlargedFile",
    "FileUpscaler",
    "InspectedFile",
    "LoadedModel",
    "LoadedModels",
    "PartSize",
    "PictureInParts",
    "PictureUpscaler",
    "Upscaler",
    "check_results",
    "choose_least_sizes",
    "choose_sizes",
    "correct",
    "cropped",
    "to_luma",
    "write_levels",
]
