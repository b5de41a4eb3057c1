"""TIFFs that Pillow's decoder, libtiff, reads and Pillow does not open: big-endian BigTIFF, grey and alpha of 16 bits.

(TIFF 6.0; BigTIFF as in libtiff.)
"""

import functools
import io

from PIL import Image, ImageFile, TiffImagePlugin

# Byte order, photometric interpretation, sample format, fill order, bits of each channel, extra channels.
Key = tuple[bytes, int, tuple[int], int, tuple[int, ...], tuple[int, ...]]
BIG_ENDIAN_BIG = b"MM\0+"
# What Pillow takes for the beginning of a BigTIFF: it looks for the version, 43, in the third byte.
PILLOW_BIG = b"MM+\0"
LITTLE, BIG = b"II", b"MM"
WHITE_IS_ZERO, BLACK_IS_ZERO, MASK = 0, 1, 4
NEITHER, MULTIPLIED, ALPHA = (0,), (1,), (2,)
UNSIGNED, FILL_ORDER = (1,), 1


def _key(order: bytes, photometric: int, bits: tuple[int, ...], extras: tuple[int, ...] = ()) -> Key:
    return order, photometric, UNSIGNED, FILL_ORDER, bits, extras


# Additions to the table of kinds by which Pillow opens TIFFs -> mode and raw mode. The raw modes of grey with another
# channel are those of `sixteen_bits`, not Pillow's: A is alpha, a alpha that grey was multiplied with, X anything else.
ADDED: dict[Key, tuple[str, str]] = {
    _key(BIG, WHITE_IS_ZERO, (16,)): ("I;16B", "I;16B"),
    _key(BIG, BLACK_IS_ZERO, (12,)): ("I;16", "I;12"),
    _key(BIG, WHITE_IS_ZERO, (12,)): ("I;16", "I;12"),
    _key(LITTLE, WHITE_IS_ZERO, (12,)): ("I;16", "I;12"),
} | {
    _key(order, BLACK_IS_ZERO, (16, 16), extras): ("RGBA", f"L{letter};16{suffix}")
    for order, suffix in ((LITTLE, "L"), (BIG, "B"))
    for extras, letter in (((), "A"), (ALPHA, "A"), (MULTIPLIED, "a"), (NEITHER, "X"))
}
# Masks beside a picture are not read, but Pillow has to pass them.
PASSED = {_key(order, MASK, (bits,)): ("L", "L") for order in (LITTLE, BIG) for bits in (1, 8)}


def open_tiff(data: bytes) -> ImageFile.ImageFile:
    """Read the first directory of a TIFF.

    Raises:
        Exception: whatever Pillow raises.
    """
    _register()
    is_odd = data.startswith(BIG_ENDIAN_BIG)
    image = Image.open(_BigEndianBigTiff(data) if is_odd else io.BytesIO(data), formats=["TIFF"])
    if is_odd:
        image._exif = _BigEndianExif()
    return image


class _BigEndianBigTiff(io.BytesIO):
    """Pillow reads the directories, with another header. libtiff takes the whole value, as it is."""

    def __init__(self, data: bytes) -> None:
        super().__init__(PILLOW_BIG + data[len(PILLOW_BIG) :])
        self._data = data

    def getvalue(self) -> bytes:
        """Return the file."""
        return self._data


class _BigEndianExif(Image.Exif):
    """The tags of such a file: Pillow reads them once more, behind a header that it makes up."""

    def _get_head(self) -> bytes:
        return PILLOW_BIG + bytes(12)  # where the first directory is, is known


@functools.cache
def _register() -> None:
    TiffImagePlugin.PREFIXES.append(PILLOW_BIG)
    TiffImagePlugin.OPEN_INFO.update(ADDED | PASSED)
