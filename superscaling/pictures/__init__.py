"""Encoded image files to pictures and back; the only package that imports PIL. Knows no model."""

from superscaling.format_name import FormatName
from superscaling.pictures.decoding import decode
from superscaling.pictures.encoding import check_can_hold, encode
from superscaling.pictures.formats import FORMATS, Format, sniff
from superscaling.pictures.inspection import Size, known_format, measure
from superscaling.pictures.limits import Limits
from superscaling.pictures.opening import limit_pillow
from superscaling.pictures.picture import Frame, Metadata, Picture, Samples
from superscaling.pictures.previews import enlarge_bicubically, preview, preview_tile

__all__ = [
    "FORMATS",
    "Format",
    "FormatName",
    "Frame",
    "Limits",
    "Metadata",
    "Picture",
    "Samples",
    "Size",
    "check_can_hold",
    "decode",
    "encode",
    "enlarge_bicubically",
    "known_format",
    "limit_pillow",
    "measure",
    "preview",
    "preview_tile",
    "sniff",
]
