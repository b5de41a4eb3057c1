"""The table of supported formats and what each can store."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum

from superscaling.format_name import FormatName, ReadOnlyName
from superscaling.pictures.containers.chunks import PNG_SIGNATURE


class Series(Enum):
    """What several pictures in one file mean."""

    ANIMATION = "animation"  # frames of one size, each shown for a time
    PAGES = "pages"  # independent pictures


class Extra(StrEnum):
    """Kinds of metadata, by the names of the fields of `Metadata`."""

    ICC = "icc"
    EXIF = "exif"
    XMP = "xmp"
    DPI = "dpi"
    PNG_COLOURS = "png_colours"


@dataclass(frozen=True)
class Format:
    """One image format that is read and written.

    `pillow`: Pillow's name; `signature`: matches the beginning of its files; `max_side`: largest side in px that its
    headers and Pillow's writer allow; `max_pixels`: likewise its area; `modes`: mode of the picture -> mode in the
    file (opaque pictures whose mode is missing are stored without alpha); `series`: what several pictures mean, if it
    can store several; `extras`: metadata that it can store; `max_plays`, `max_milliseconds`: limits of animations;
    `memory`: of its encoder, relative to the others (`tests/test_memory.py` measures it).
    """

    name: FormatName
    pillow: str
    media_type: str
    signature: re.Pattern[bytes]
    max_side: int
    modes: Mapping[str, str]
    series: Series | None = None
    extras: frozenset[Extra] = frozenset(Extra) - {Extra.PNG_COLOURS}
    max_pixels: int = 2**62
    max_plays: int = 0
    max_milliseconds: int = 0
    memory: int = 1


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
        ),
        Format(
            FormatName.PNG,
            pillow="PNG",
            media_type="image/png",
            signature=re.compile(re.escape(PNG_SIGNATURE)),
            max_side=2**31 - 1,
            modes={"L": "L", "LA": "LA", "RGB": "RGB", "RGBA": "RGBA", "CMYK": "RGB", "I;16": "I;16"},
            series=Series.ANIMATION,
            extras=frozenset(Extra),
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
        ),
        Format(
            FormatName.BMP,
            pillow="BMP",
            media_type="image/bmp",
            signature=re.compile(rb"BM"),
            max_side=2**31 - 1,
            modes={"L": "L", "RGB": "RGB", "CMYK": "RGB"},
            extras=frozenset({Extra.DPI}),
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
    # With a transparent value, 16-bit grey is read as 8 bits: alpha always has 8.
    "I;16": ("I;16", "LA"),
    "I;16B": ("I;16", "LA"),
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


def sniff(data: bytes) -> FormatName | ReadOnlyName | None:
    """The format of an image file by its first bytes; None if it is not supported."""
    signatures = {each.name: each.signature for each in FORMATS.values()} | {
        name: signature for name, (signature, _) in READ_ONLY.items()
    }
    return next((name for name, signature in signatures.items() if signature.match(data)), None)
