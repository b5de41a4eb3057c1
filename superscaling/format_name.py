"""The names of the image formats."""

from enum import StrEnum


class FormatName(StrEnum):
    """The formats by their names on the wire."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    TIFF = "tiff"
    BMP = "bmp"
    GIF = "gif"
