"""Pixels per unit, or without a unit the shape of a pixel, in the forms of the formats."""

import struct
from enum import Enum
from fractions import Fraction
from typing import NamedTuple, Self

# Largest resolution in dots per inch that every format can store. (JFIF has 16 bits.)
MAX_DPI = 65_535
# No pixel is so many times as wide as high, or as high as wide.
MAX_ASPECT = Fraction(100)
# Largest error of a resolution rounded to a whole number.
MAX_ERROR = Fraction(1, 100)
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
        """A density; None if it is none, or beyond what formats store."""
        density = cls(x, y, unit)
        if (dpi := density.dpi) is None:
            return density if min(x, y) > 0 and 1 / MAX_ASPECT <= x / y <= MAX_ASPECT else None
        return density if all(1 <= each <= MAX_DPI for each in dpi) else None

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


def to_png(density: Density) -> bytes:
    """The content of a pHYs chunk."""
    if (dpi := density.dpi) is None:
        return struct.pack(">IIB", *_ratio(density, (1 << 31) - 1), 0)
    return struct.pack(">IIB", *(round(each / METRES) for each in dpi), 1)


def from_jfif(unit: int, x: int, y: int) -> Density | None:
    """From the fields of a JFIF header. (JFIF 1.02)"""
    units = (Unit.NONE, Unit.INCH, Unit.CENTIMETRE)
    return Density.of(Fraction(x), Fraction(y), units[unit]) if unit < len(units) else None


def to_jfif(density: Density | None) -> tuple[int, int, int]:
    """Unit, x and y of a JFIF header; without a unit and 1 to 1 if it can't be said in whole numbers."""
    if density is None:
        return 0, 1, 1
    if (dpi := density.dpi) is None:
        return 0, *_ratio(density, MAX_DPI)
    x, y = (round(each) for each in dpi)
    is_near = all(abs(whole - exact) <= MAX_ERROR * exact for whole, exact in zip((x, y), dpi, strict=True))
    return (1, x, y) if is_near else (0, 1, 1)


def _ratio(density: Density, most: int) -> tuple[int, int]:
    """x and y as whole numbers up to `most`."""
    if density.x.denominator == density.y.denominator == 1 and max(density.x, density.y) <= most:
        return int(density.x), int(density.y)
    ratio = (density.x / density.y).limit_denominator(most // int(MAX_ASPECT))
    return ratio.numerator, ratio.denominator
