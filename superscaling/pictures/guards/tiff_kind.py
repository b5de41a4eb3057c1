"""Checks that the pixels of a TIFF are stored in a way that is read right, and names those that are not.

(TIFF 6.0; further numbers as registered in libtiff's tiff.h.)
"""

from collections.abc import Mapping

from PIL import TiffImagePlugin

from superscaling.errors import UnsupportedMode
from superscaling.pictures.containers.tiff_opening import ADDED
from superscaling.recognition.formats import READ_MODES

# Tags that say how pixels are stored.
BITS, COMPRESSION, PHOTOMETRIC, CHANNELS, PLANES, EXTRAS, SAMPLE_FORMAT = 258, 259, 262, 277, 284, 338, 339
KIND_TAGS = (BITS, COMPRESSION, PHOTOMETRIC, CHANNELS, PLANES, EXTRAS, SAMPLE_FORMAT)
# More channels than Pillow knows a mode for.
MAX_CHANNELS = 16
DEFAULTS = {BITS: (1,), COMPRESSION: (1,), PHOTOMETRIC: (0,), CHANNELS: (1,), PLANES: (1,), SAMPLE_FORMAT: (1,)}

# Compressions that are read: none, three of CCITT, LZW, JPEG, Deflate, PackBits, ThunderScan, Deflate, LZMA, Zstandard.
OLD_JPEG = 6
COMPRESSIONS = (1, 2, 3, 4, 5, OLD_JPEG, 7, 8, 32773, 32809, 32946, 34925, 50000)
COMPRESSION_NAMES = {
    32766: "NeXT",
    32771: "CCITT RLE with words",
    33003: "JPEG 2000",
    33005: "JPEG 2000",
    34661: "JBIG",
    34676: "SGI LogLuv",
    34677: "SGI LogLuv",
    34712: "JPEG 2000",
    34887: "LERC",
    34892: "lossy JPEG",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
RGB, PALETTE, INKS, YCBCR, CIE_LAB = 2, 3, 5, 6, 8
PHOTOMETRIC_NAMES = {
    0: "grey",
    1: "grey",
    RGB: "RGB",
    PALETTE: "a palette",
    4: "a mask",
    INKS: "inks",
    YCBCR: "YCbCr",
    CIE_LAB: "L*a*b*",
    9: "L*a*b* of ICC",
    10: "L*a*b* of ITU",
    32803: "raw data of a sensor",
    32844: "LogL",
    32845: "LogLuv",
    34892: "linear raw data",
}
COLOURS = {RGB: 3, YCBCR: 3, CIE_LAB: 3, INKS: 4}  # channels, 1 if not listed
SEPARATE = 2
UNSIGNED = 1
SAMPLE_FORMAT_NAMES = {2: "signed", 3: "floating-point", 5: "complex", 6: "complex"}
WAY_OUT = "save it as grey or RGB, with samples of 8 or 16 bits"

# What Pillow opens in a mode that is read, whatever the byte order: photometric interpretation, bits of each channel,
# extra channels.
KNOWN = {
    (photometric, bits, extras)
    for (_, photometric, _, _, bits, extras), (mode, _) in (TiffImagePlugin.OPEN_INFO | ADDED).items()
    if mode in READ_MODES
}


def check_kind(tags: Mapping[int, tuple[int, ...]]) -> None:
    """Make sure that a page is of a kind that is read right.

    Args:
        tags: the values of those `KIND_TAGS` that it has, at most `MAX_CHANNELS` of each.

    Raises:
        UnsupportedMode: it is not; says what it is, and what to do.
    """
    values = DEFAULTS | dict(tags)
    (compression, *_), (photometric, *_), (planes, *_) = values[COMPRESSION], values[PHOTOMETRIC], values[PLANES]
    if compression not in COMPRESSIONS:
        name = COMPRESSION_NAMES.get(compression, f"number {compression}")
        raise UnsupportedMode(f"TIFF with compression {name} is not supported: save it with LZW or Deflate")
    for sample_format in values[SAMPLE_FORMAT]:
        if sample_format != UNSIGNED:
            name = SAMPLE_FORMAT_NAMES.get(sample_format, "undefined")
            raise UnsupportedMode(f"TIFF with {name} samples is not supported: {WAY_OUT}")
    if compression == OLD_JPEG:
        return  # its other tags say little
    extras = values.get(EXTRAS, ())
    bits = _bits(values[BITS], values[CHANNELS][0])
    if planes == SEPARATE and len(bits) > 1 and max(bits) > 8:
        raise UnsupportedMode(
            "TIFF with more than 8 bits in separate planes is not supported: save it with its channels interleaved"
        )
    if planes == SEPARATE and set(extras) == {0}:  # such planes are skipped
        bits, extras = bits[: -len(extras)], ()
    if (photometric, bits, extras) not in KNOWN:
        raise UnsupportedMode(f"TIFF of {_described(photometric, bits)} is not supported: {WAY_OUT}")


def _bits(stored: tuple[int, ...], channels: int) -> tuple[int, ...]:
    """The bits of each channel: some files have one number for all, others too many."""
    return (stored * min(channels, MAX_CHANNELS) if len(stored) == 1 else stored)[:channels]


def _described(photometric: int, bits: tuple[int, ...]) -> str:
    name = PHOTOMETRIC_NAMES.get(photometric, f"photometric interpretation {photometric}")
    more = len(bits) - COLOURS.get(photometric, 1)
    with_more = f" and {more} more channel{'s' if more > 1 else ''}" if more > 0 else ""
    return f"{name}{with_more} with {' + '.join(dict.fromkeys(map(str, bits)))} bits per sample"
