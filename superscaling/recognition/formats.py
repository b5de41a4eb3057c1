"""The table of supported formats and what each can store."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum

from superscaling.format_name import FormatName, ReadOnlyName

# PNG 3, 5.2.
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


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
    """One image format that is read and written.

    `pillow`: Pillow's name; `signature`: matches the beginning of its files; `max_side`: largest side in px that its
    headers and Pillow's writer allow; `max_pixels`: likewise its area; `modes`: mode of the picture -> mode in the file
    (`stored_mode` knows what becomes of others); `series`: what several pictures mean, if it can store several;
    `extras`: metadata that it can store; `has_quality`: whether its compression has a quality, 1 to 100; `max_plays`,
    `max_milliseconds`: limits of animations; `memory`: of its encoder, relative to the others (`tests/test_memory.py`
    measures it).
    """

    name: FormatName
    pillow: str
    media_type: str
    signature: re.Pattern[bytes]
    max_side: int
    modes: Mapping[str, str]
    series: Series | None = None
    extras: frozenset[Extra] = COMMON
    has_quality: bool = False
    max_pixels: int = 2**62
    max_plays: int = 0
    max_milliseconds: int = 0
    memory: int = 1

    def stored_mode(self, mode: str) -> str | None:
        """The mode in the file of a picture of `mode`; None if it can't be stored.

        16 bits become 8 where only these are stored. (Opaque pictures may also be stored without their alpha.)
        """
        return self.modes.get(mode) or self.modes.get(mode_in_8_bits(mode))


def is_16_bit(mode: str) -> bool:
    """Whether the samples of a mode, of a picture or in a file, have 16 bits."""
    return mode.endswith(";16")


def mode_in_8_bits(mode: str) -> str:
    """The mode of a picture of `mode` once its samples are rounded to 8 bits."""
    return "L" if mode == "I;16" else mode.removesuffix(";16")


# Modes of pictures -> modes in files that keep 16 bits.
WITH_16_BITS = {mode: mode for mode in ("L", "LA", "RGB", "RGBA", "I;16", "LA;16", "RGB;16", "RGBA;16")}

# What follows `ftyp` in files of the HEIF family: the major brand, a version, and the compatible brands. Some writers
# name as major brand the container's instead of the codec's. (ISO/IEC 23008-12, 10.2; AVIF 1.1, 6)
CONTAINER_BRANDS, LATER_BRANDS = rb"(?:mif[12]|msf1|miaf|MiHE)", rb"(?:....){1,24}?"

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
            has_quality=True,
            extras=COMMON | PHOTOSHOPS | {Extra.COMMENTS},
        ),
        Format(
            FormatName.PNG,
            pillow="PNG",
            media_type="image/png",
            signature=re.compile(re.escape(PNG_SIGNATURE)),
            max_side=2**31 - 1,
            modes=WITH_16_BITS | {"CMYK": "RGB"},
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
            has_quality=True,
            max_plays=65_535,
            max_milliseconds=2**24 - 1,
            memory=3,
        ),
        Format(
            FormatName.TIFF,
            pillow="TIFF",
            media_type="image/tiff",
            signature=re.compile(rb"II[*+]\0|MM\0[*+]"),
            max_side=2**31 - 1,
            modes=WITH_16_BITS | {"CMYK": "CMYK"},
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
            memory=2,
        ),
        Format(
            FormatName.AVIF,
            pillow="AVIF",
            media_type="image/avif",
            signature=re.compile(
                rb"....ftyp(?:avi[fs]|" + CONTAINER_BRANDS + LATER_BRANDS + rb"(?:avi[fs]))", re.DOTALL
            ),
            # What libavif, and with it every browser, reads.
            max_side=32_768,
            max_pixels=16_384**2,
            modes={"L": "L", "LA": "RGBA", "RGB": "RGB", "RGBA": "RGBA", "CMYK": "RGB"},
            has_quality=True,
            memory=3,
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
    "I;16": ("I;16", "LA;16"),
    "I;16B": ("I;16", "LA;16"),
}


# Formats that are read and not written: signature and media types.
READ_ONLY = {
    ReadOnlyName.HEIC: (
        re.compile(rb"....ftyp(?:he[iv][cmsx]|" + CONTAINER_BRANDS + rb")", re.DOTALL),
        ("image/heic", "image/heif"),
    )
}
# The names of all formats that are read, and their media types.
READABLE: tuple[str, ...] = (*FORMATS, *READ_ONLY)
MEDIA_TYPES = (
    *(each.media_type for each in FORMATS.values()),
    *(name for _, names in READ_ONLY.values() for name in names),
)


def media_type_of(data: bytes) -> str:
    """The media type of a file by its first bytes; that of any bytes, if its format is not supported."""
    name = sniff(data)
    if isinstance(name, ReadOnlyName):
        return READ_ONLY[name][1][0]
    return "application/octet-stream" if name is None else FORMATS[name].media_type


def sniff(data: bytes) -> FormatName | ReadOnlyName | None:
    """The format of an image file by its first bytes; None if it is not supported."""
    signatures = {each.name: each.signature for each in FORMATS.values()} | {
        name: signature for name, (signature, _) in READ_ONLY.items()
    }
    return next((name for name, signature in signatures.items() if signature.match(data)), None)
