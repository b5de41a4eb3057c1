"""The names of the image formats."""

from enum import StrEnum


class FormatName(StrEnum):
    """The image formats, by their names in the API."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    TIFF = "tiff"
    BMP = "bmp"
    GIF = "gif"
