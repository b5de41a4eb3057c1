"""Pixels per unit, or without a unit the shape of a pixel, in the forms of the formats."""

import math
import struct
from enum import Enum
from fractions import Fraction
from typing import NamedTuple, Self

# Largest resolution, in dots per inch, that is believed: a pixel of half a nanometre.
MAX_DPI = 50_000_000
# No pixel is so many times as wide as high, or as high as wide.
MAX_ASPECT = Fraction(100)
# Largest error of a number that a format has to round.
MAX_ERROR = Fraction(1, 100)
# Largest numbers in the headers of JFIF, PNG and BMP, and in fractions of TIFF and EXIF.
MAX_JFIF, MAX_PNG, MAX_BMP, MAX_FRACTION = (1 << 16) - 1, (1 << 31) - 1, (1 << 31) - 1, (1 << 32) - 1
METRES = Fraction(254, 10_000)  # per inch


class Unit(Enum):
    """What densities count."""

    NONE = "none"
    INCH = "inch"
    CENTIMETRE = "centimetre"


PER_INCH = {Unit.INCH: Fraction(1), Unit.CENTIMETRE: Fraction(254, 100)}


class Density(NamedTuple):
    """Pixels per `unit`, across and down. Without a unit only their ratio has a meaning."""

    x: Fraction
    y: Fraction
    unit: Unit

    @classmethod
    def of(cls, x: Fraction, y: Fraction, unit: Unit) -> Self | None:
        """A density; None if it is none, or makes no sense."""
        density = cls(x, y, unit)
        if min(x, y) <= 0:
            return None
        if (dpi := density.dpi) is None:
            return density if 1 / MAX_ASPECT <= x / y <= MAX_ASPECT else None
        return density if max(dpi) <= MAX_DPI else None

    def scaled(self, across: Fraction, down: Fraction) -> "Density":
        """That of the same area with so many times the pixels across and down: it is printed as large as before."""
        if self.unit is not Unit.NONE:
            return self._replace(x=self.x * across, y=self.y * down)
        # Whoever says that pixels are square without a unit says nothing: every JPEG has a place for it.
        return self._replace(x=self.x * across / down) if self.is_aspect else self

    @property
    def dpi(self) -> tuple[Fraction, Fraction] | None:
        """Dots per inch; None without a unit."""
        per_inch = PER_INCH.get(self.unit)
        return None if per_inch is None else (self.x * per_inch, self.y * per_inch)

    @property
    def is_aspect(self) -> bool:
        """Whether it says only that pixels are not square."""
        return self.unit is Unit.NONE and self.x != self.y

    @property
    def is_resolution(self) -> bool:
        """Whether it has a unit."""
        return self.unit is not Unit.NONE


def from_png(content: bytes) -> Density | None:
    """From a pHYs chunk. (PNG specification, 11.3.5.3)"""
    if len(content) != 9:
        return None
    x, y, unit = struct.unpack(">IIB", content)
    if unit == 1:
        return Density.of(x * METRES, y * METRES, Unit.INCH)
    return Density.of(Fraction(x), Fraction(y), Unit.NONE) if unit == 0 else None


def to_png(density: Density) -> bytes | None:
    """The content of a pHYs chunk; None if it can't be said in whole numbers."""
    if (dpi := density.dpi) is None:
        numbers, unit = _ratio(density, MAX_PNG), 0
    else:
        numbers, unit = _whole(dpi[0] / METRES, dpi[1] / METRES, MAX_PNG), 1
    return struct.pack(">IIB", *numbers, unit) if numbers else None


def from_jfif(unit: int, x: int, y: int) -> Density | None:
    """From the fields of a JFIF header. (JFIF 1.02)"""
    units = (Unit.NONE, Unit.INCH, Unit.CENTIMETRE)
    return Density.of(Fraction(x), Fraction(y), units[unit]) if unit < len(units) else None


def to_jfif(density: Density) -> tuple[int, int, int] | None:
    """Unit, x and y of a JFIF header; None if it can't be said in whole numbers."""
    dpi = density.dpi
    numbers = _ratio(density, MAX_JFIF) if dpi is None else _whole(dpi[0], dpi[1], MAX_JFIF)
    return (0 if dpi is None else 1, *numbers) if numbers else None


def to_bmp(density: Density) -> tuple[int, int] | None:
    """Pixels per metre, x and y, of a BMP's header; None if it has no unit, or can't be said in whole numbers."""
    dpi = density.dpi
    return None if dpi is None else _whole(dpi[0] / METRES, dpi[1] / METRES, MAX_BMP)


def to_fraction(value: Fraction) -> Fraction | None:
    """A positive number as TIFF and EXIF store it: exactly, or as near as 32 bits allow; None if that is not near."""
    if not 0 < value <= MAX_FRACTION:
        return None
    near = value.limit_denominator(MAX_FRACTION // max(1, math.ceil(value)))
    return near if abs(near - value) <= MAX_ERROR * value else None


def _whole(x: Fraction, y: Fraction, most: int) -> tuple[int, int] | None:
    """Both rounded to whole numbers up to `most`; None if that changes one by more than `MAX_ERROR`."""
    is_near = all(abs(round(each) - each) <= MAX_ERROR * each and round(each) <= most for each in (x, y))
    return (round(x), round(y)) if is_near else None


def _ratio(density: Density, most: int) -> tuple[int, int] | None:
    """x and y as whole numbers up to `most`; None if they are too different."""
    ratio = density.x / density.y
    if not 1 / MAX_ASPECT <= ratio <= MAX_ASPECT:
        return None
    if density.x.denominator == density.y.denominator == 1 and max(density.x, density.y) <= most:
        return int(density.x), int(density.y)
    ratio = ratio.limit_denominator(most // int(MAX_ASPECT))
    return ratio.numerator, ratio.denominator
