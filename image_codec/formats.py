"""The supported formats and what each can hold: the one table that decoding, encoding, tests and documents read."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class FormatName(StrEnum):
    """The formats by their names on the wire."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"


@dataclass(frozen=True)
class Format:
    """One image format.

    `pillow`: Pillow's name of it; `media_type`: its content type; `max_side`: the most px of a side that its
    headers or Pillow's writer allow; `modes`: a picture's mode -> the mode it is stored in. A mode with alpha that
    is missing there can be stored, without its alpha, if the picture is opaque.
    """

    name: FormatName
    pillow: str
    media_type: str
    max_side: int
    modes: Mapping[str, str]


FORMATS = {
    each.name: each
    for each in (
        Format(FormatName.JPEG, "JPEG", "image/jpeg", 65_500, {"L": "L", "RGB": "RGB"}),
        Format(
            FormatName.PNG,
            "PNG",
            "image/png",
            2**31 - 1,
            {"L": "L", "LA": "LA", "RGB": "RGB", "RGBA": "RGBA"},
        ),
        Format(
            FormatName.WEBP,
            "WEBP",
            "image/webp",
            16_383,
            {"L": "RGB", "LA": "RGBA", "RGB": "RGB", "RGBA": "RGBA"},
        ),
    )
}

# Pillow's modes of the files that are read -> the picture's mode, without and with transparency (an alpha channel,
# a transparent palette entry or a transparent colour). A mode that is missing is refused by name.
READ_MODES = {
    "1": ("L", "LA"),
    "L": ("L", "LA"),
    "LA": ("LA", "LA"),
    "P": ("RGB", "RGBA"),
    "RGB": ("RGB", "RGBA"),
    "RGBA": ("RGBA", "RGBA"),
}
