"""The table of supported formats and what each can store."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum

from superscaling.format_name import FormatName
from superscaling.pictures.containers.chunks import PNG_SIGNATURE


class Series(Enum):
    """What several pictures in one file mean."""

    ANIMATION = "animation"  # frames of one size, each shown for a time
    PAGES = "pages"  # independent pictures


class Extra(StrEnum):
    """Kinds of metadata, by the names of the attributes of `Metadata`."""

    ICC = "icc"
    EXIF = "exif"
    XMP = "xmp"
    RESOLUTION = "resolution"
    ASPECT = "aspect"
    PNG_COLOURS = "png_colours"
    TEXTS = "texts"
    COMMENTS = "comments"
    IPTC = "iptc"
    PHOTOSHOP = "photoshop"
    GEO = "geo"


# What every format with metadata holds.
COMMON = frozenset({Extra.ICC, Extra.EXIF, Extra.XMP, Extra.RESOLUTION, Extra.ASPECT})
PHOTOSHOPS = frozenset({Extra.IPTC, Extra.PHOTOSHOP})


@dataclass(frozen=True)
class Format:
    """One image format.

    `pillow`: Pillow's name; `signature`: matches the beginning of its files; `max_side`: largest side in px that its
    headers and Pillow's writer allow; `modes`: mode of the picture -> mode in the file (opaque pictures whose mode is
    missing are stored without alpha); `series`: what several pictures mean, if it can store several; `extras`:
    metadata that it can store; `max_plays`, `max_milliseconds`: limits of animations; `memory`: of its encoder,
    relative to the others (`tests/test_memory.py` measures it).
    """

    name: FormatName
    pillow: str
    media_type: str
    signature: re.Pattern[bytes]
    max_side: int
    modes: Mapping[str, str]
    series: Series | None = None
    extras: frozenset[Extra] = COMMON
    max_plays: int = 0
    max_milliseconds: int = 0
    memory: int = 1


FORMATS = {
    each.name: each
    for each in (
        Format(
            FormatName.JPEG,
            pillow="JPEG",
            media_type="image/jpeg",
            signature=re.compile(rb"\xff\xd8\xff"),
            max_side=65_500,
            modes={"L": "L", "RGB": "RGB", "CMYK": "CMYK"},
            extras=COMMON | PHOTOSHOPS | {Extra.COMMENTS},
        ),
        Format(
            FormatName.PNG,
            pillow="PNG",
            media_type="image/png",
            signature=re.compile(re.escape(PNG_SIGNATURE)),
            max_side=2**31 - 1,
            modes={"L": "L", "LA": "LA", "RGB": "RGB", "RGBA": "RGBA", "CMYK": "RGB", "I;16": "I;16"},
            series=Series.ANIMATION,
            extras=COMMON | PHOTOSHOPS | {Extra.PNG_COLOURS, Extra.TEXTS},
            max_plays=2**31 - 1,
            max_milliseconds=65_535_000,
        ),
        Format(
            FormatName.WEBP,
            pillow="WEBP",
            media_type="image/webp",
            signature=re.compile(rb"RIFF....WEBP", re.DOTALL),
            max_side=16_383,
            modes={"L": "RGB", "LA": "RGBA", "RGB": "RGB", "RGBA": "RGBA", "CMYK": "RGB"},
            series=Series.ANIMATION,
            max_plays=65_535,
            max_milliseconds=2**24 - 1,
            memory=3,
        ),
        Format(
            FormatName.TIFF,
            pillow="TIFF",
            media_type="image/tiff",
            # Little and big endian, and BigTIFF of little endian: Pillow reads no other.
            signature=re.compile(rb"II[*+]\0|MM\0\*"),
            max_side=2**31 - 1,
            modes={mode: mode for mode in ("L", "LA", "RGB", "RGBA", "CMYK", "I;16")},
            series=Series.PAGES,
            extras=COMMON | PHOTOSHOPS | {Extra.GEO},
        ),
        Format(
            FormatName.BMP,
            pillow="BMP",
            media_type="image/bmp",
            signature=re.compile(rb"BM"),
            max_side=2**31 - 1,
            modes={"L": "L", "RGB": "RGB", "CMYK": "RGB"},
            extras=frozenset({Extra.RESOLUTION}),
        ),
        Format(
            FormatName.GIF,
            pillow="GIF",
            media_type="image/gif",
            signature=re.compile(rb"GIF8[79]a"),
            max_side=65_535,
            modes=dict.fromkeys(("L", "LA", "RGB", "RGBA", "CMYK"), "P"),
            series=Series.ANIMATION,
            extras=frozenset(),
            max_plays=65_536,
            max_milliseconds=655_350,
        ),
    )
}

# Pillow's mode -> mode of the picture without and with transparency (alpha channel, transparent palette entry or
# colour). Other modes are rejected.
READ_MODES = {
    "1": ("L", "LA"),
    "L": ("L", "LA"),
    "LA": ("LA", "LA"),
    "La": ("LA", "LA"),
    "P": ("RGB", "RGBA"),
    "PA": ("RGBA", "RGBA"),
    "RGB": ("RGB", "RGBA"),
    "RGBA": ("RGBA", "RGBA"),
    "RGBa": ("RGBA", "RGBA"),
    "RGBX": ("RGB", "RGB"),
    "YCbCr": ("RGB", "RGB"),
    "LAB": ("RGB", "RGB"),
    "CMYK": ("CMYK", "CMYK"),
    # With a transparent value, 16-bit grey is read as 8 bits: alpha always has 8.
    "I;16": ("I;16", "LA"),
    "I;16B": ("I;16", "LA"),
}


def sniff(data: bytes) -> FormatName | None:
    """The format of an image file by its first bytes; None if it is not supported."""
    return next((each.name for each in FORMATS.values() if each.signature.match(data)), None)
