"""Image files to pictures and back. The only package that imports PIL; knows no model."""

from superscaling.format_name import FormatName, ReadOnlyName
from superscaling.pictures.containers.bands import piece_bytes
from superscaling.pictures.encoder_sample import encoding_sample
from superscaling.pictures.encoding import Encoded, check_can_hold, check_count, check_size, encode
from superscaling.pictures.gigantic import (
    CutBands,
    GiganticHeader,
    band_name,
    cut_bands,
    inspect_gigantic,
    join_bands,
)
from superscaling.pictures.inspection import InspectedImage, decode, inspect
from superscaling.pictures.opening import limit_pillow
from superscaling.pictures.picture import Frame, Metadata, Picture, Samples, Size, to_8_bits
from superscaling.pictures.previews import enlarge_bicubically, preview, preview_tile
from superscaling.pictures.resampling import LANCZOS_SUPPORT, reduce_plane
from superscaling.recognition.foreign import name_foreign_image
from superscaling.recognition.formats import FORMATS, MEDIA_TYPES, READABLE, Format, media_type_of, sniff
from superscaling.recognition.kinds import answer_format, describe_unsupported
from superscaling.recognition.limits import Limits

__all__ = [
    "FORMATS",
    "LANCZOS_SUPPORT",
    "MEDIA_TYPES",
    "READABLE",
    "CutBands",
    "Encoded",
    "Format",
    "FormatName",
    "Frame",
    "GiganticHeader",
    "InspectedImage",
    "Limits",
    "Metadata",
    "Picture",
    "ReadOnlyName",
    "Samples",
    "Size",
    "answer_format",
    "band_name",
    "check_can_hold",
    "check_count",
    "check_size",
    "cut_bands",
    "decode",
    "describe_unsupported",
    "encode",
    "encoding_sample",
    "enlarge_bicubically",
    "inspect",
    "inspect_gigantic",
    "join_bands",
    "limit_pillow",
    "media_type_of",
    "name_foreign_image",
    "piece_bytes",
    "preview",
    "preview_tile",
    "reduce_plane",
    "sniff",
    "to_8_bits",
]
