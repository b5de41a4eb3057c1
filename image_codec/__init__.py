"""Encoded image files to pictures and back; the only package that imports PIL. Knows no model."""

from image_codec.decoding import decode, limit_pillow, sniff
from image_codec.encoding import check_can_hold, encode
from image_codec.formats import FORMATS, Format, FormatName
from image_codec.picture import Frame, Metadata, Picture

__all__ = [
    "FORMATS",
    "Format",
    "FormatName",
    "Frame",
    "Metadata",
    "Picture",
    "check_can_hold",
    "decode",
    "encode",
    "limit_pillow",
    "sniff",
]
