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
        return cls._value2member_map_.get(OTHER_NAMES.get(name, name))  # type: ignore[return-value]


class ReadOnlyName(StrEnum):
    """The image formats that are read and not written."""

    HEIC = "heic"


OTHER_NAMES = {"jpg": "jpeg", "tif": "tiff"}
