"""The names of the image formats."""

from enum import StrEnum


class FormatName(StrEnum):
    """The image formats that are read and written, by their names in the API."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    TIFF = "tiff"
    BMP = "bmp"
    GIF = "gif"
    AVIF = "avif"


class ReadOnlyName(StrEnum):
    """The image formats that are read and not written."""

    HEIC = "heic"
