"""The names of the image formats."""

from enum import StrEnum
from typing import Self


class FormatName(StrEnum):
    """The image formats that are read and written."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    TIFF = "tiff"
    BMP = "bmp"
    GIF = "gif"
    AVIF = "avif"

    # What people write instead: `JPG`, `tif`, `image/jpeg`.
    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        name = value.strip().lower().removeprefix("image/")
        return next((each for each in cls if each == OTHER_NAMES.get(name, name)), None)


class ReadOnlyName(StrEnum):
    """The image formats that are read and not written."""

    HEIC = "heic"


OTHER_NAMES = {"jpg": "jpeg", "tif": "tiff"}


def names_of(format_name: FormatName) -> list[str]:
    """What people call a format, its own name first."""
    return [format_name, *(other for other, name in OTHER_NAMES.items() if name == format_name)]
