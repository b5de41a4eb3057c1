"""Image files to pictures and back. The only package that imports PIL; knows no model."""

from superscaling.format_name import FormatName
from superscaling.pictures.encoding import check_can_hold, check_count, check_side, encode
from superscaling.pictures.formats import FORMATS, Format, sniff
from superscaling.pictures.inspection import InspectedImage, decode, inspect
from superscaling.pictures.limits import Limits
from superscaling.pictures.opening import limit_pillow
from superscaling.pictures.picture import Frame, Metadata, Picture, Samples, Size
from superscaling.pictures.previews import enlarge_bicubically, preview, preview_tile

__all__ = [
    "FORMATS",
    "Format",
    "FormatName",
    "Frame",
    "InspectedImage",
    "Limits",
    "Metadata",
    "Picture",
    "Samples",
    "Size",
    "check_can_hold",
    "check_count",
    "check_side",
    "decode",
    "encode",
    "enlarge_bicubically",
    "inspect",
    "limit_pillow",
    "preview",
    "preview_tile",
    "sniff",
]
