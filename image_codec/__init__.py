"""Encoded image files to pictures and back; the only package that imports PIL. Knows no model."""

from image_codec.decoding import decode
from image_codec.encoding import check_can_hold, encode
from image_codec.formats import FORMATS, Format, FormatName, sniff
from image_codec.glimpse import enlarge_bicubically, preview, tile_glimpse
from image_codec.limits import Limits
from image_codec.measuring import Size, known_format, measure
from image_codec.opening import limit_pillow
from image_codec.picture import Frame, Metadata, Picture, Samples

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
    "sniff",
    "tile_glimpse",
]
