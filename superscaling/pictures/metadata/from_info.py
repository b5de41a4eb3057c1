"""Reads the metadata of files whose blocks Pillow hands on as they are: WebP, BMP."""

from fractions import Fraction

from PIL import Image

from superscaling.pictures.density import Density, Unit
from superscaling.pictures.picture import Metadata


def read_info(image: Image.Image) -> Metadata:
    """The metadata as stored: ICC profile, EXIF and XMP, and of a BMP its resolution."""
    icc, exif, xmp = (
        block if isinstance(block := image.info.get(name), bytes) and block else None
        for name in ("icc_profile", "exif", "xmp")
    )
    return Metadata(icc, exif, xmp, _density(image.info.get("dpi")) if image.format == "BMP" else None)


def _density(dpi: object) -> Density | None:
    """From dots per inch, of a BMP that may say none."""
    if not isinstance(dpi, tuple) or len(dpi) != 2:
        return None
    x, y = (Fraction(each).limit_denominator(10_000) for each in dpi)
    return Density.of(x, y, Unit.INCH)
