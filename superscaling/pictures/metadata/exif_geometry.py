"""What EXIF repeats of a picture's geometry: orientation, resolution, sizes, places. (Exif 3.0)"""

from fractions import Fraction

from superscaling.pictures.density import Density, Unit, to_fraction
from superscaling.pictures.metadata.exif import Exif, Part
from superscaling.pictures.metadata.resizing import Resizing, subject_in
from superscaling.pictures.metadata.turning import NO_TURN, UPRIGHT, Turn
from superscaling.pictures.metadata.words import SUBJECT
from superscaling.pictures.picture import Size
from superscaling.recognition.directories import SHORT

ORIENTATION, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 0x0112, 0x011A, 0x011B, 0x0128
WIDTHS = ((Part.MAIN, 0x0100), (Part.DETAILS, 0xA002), (Part.INTEROPERABILITY, 0x1001))
HEIGHTS = ((Part.MAIN, 0x0101), (Part.DETAILS, 0xA003), (Part.INTEROPERABILITY, 0x1002))
# A point, a circle or a rectangle, around its centre; and a point. In px of the picture as it is stored.
SUBJECT_AREA, SUBJECT_LOCATION = 0x9214, 0xA214
# Pixels per unit of the sensor.
FOCAL_X, FOCAL_Y = 0xA20E, 0xA20F
# SHORT, LONG, RATIONAL: the types of resolutions and their units.
NUMBERS = (3, 4, 5)
UNITS = {1: Unit.NONE, 2: Unit.INCH, 3: Unit.CENTIMETRE}


def turn_of(exif: Exif) -> Turn:
    """How to turn the picture upright."""
    orientation = exif.numbers(Part.MAIN, ORIENTATION)
    return UPRIGHT.get(int(orientation[0]), NO_TURN) if len(orientation) == 1 else NO_TURN


def drop_malformed_density(exif: Exif) -> None:
    """Leave out resolutions and units that are no single numbers, at which some decoders of JPEG give up."""
    main = exif.parts[Part.MAIN]
    for tag in (X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT):
        if tag in main and (main[tag].kind not in NUMBERS or main[tag].values != 1):
            del main[tag]
            exif.is_damaged = True


def density_of(exif: Exif) -> Density | None:
    """Pixels per unit; None if they are missing or make no sense."""
    x, y = (exif.numbers(Part.MAIN, tag) for tag in (X_RESOLUTION, Y_RESOLUTION))
    (unit, *_) = exif.numbers(Part.MAIN, RESOLUTION_UNIT) or (2,)
    if not x or not y or unit not in UNITS:
        return None
    return Density.of(Fraction(x[0]), Fraction(y[0]), UNITS[int(unit)])


def can_say(density: Density) -> bool:
    """Whether fractions of 32 bits can say it."""
    return None not in (to_fraction(density.x), to_fraction(density.y))


def set_density(exif: Exif, density: Density) -> None:
    """Say pixels per unit, unless the block says the same already; say none if fractions can't."""
    if density_of(exif) == density:
        return
    x, y, unit = density
    exif.set_fraction(Part.MAIN, X_RESOLUTION, x)
    exif.set_fraction(Part.MAIN, Y_RESOLUTION, y)
    exif.set_whole(Part.MAIN, RESOLUTION_UNIT, next(number for number, each in UNITS.items() if each is unit))


def turn_upright(exif: Exif, turn: Turn, size: Size) -> None:
    """Reset the orientation, and turn places and directions with the picture.

    Args:
        exif: changed.
        turn: from `turn_of`.
        size: of the picture as it is stored.
    """
    if ORIENTATION in exif.parts[Part.MAIN]:
        exif.set_whole(Part.MAIN, ORIENTATION, 1)
    details = exif.parts[Part.DETAILS]
    for tag in (SUBJECT_AREA, SUBJECT_LOCATION):
        x_y_more = [int(each) for each in exif.numbers(Part.DETAILS, tag)]
        if tag in details and turn is not NO_TURN:
            if len(x_y_more) < 2 or min(x_y_more) < 0:
                del details[tag]
                continue
            x, y, *more = x_y_more
            point = (max(0, each) for each in turn.point(x, y, size))
            exif.set_whole(Part.DETAILS, tag, *point, *(more[::-1] if turn.is_swapped else more))
    if turn.is_swapped:
        for one, other in ((FOCAL_X, FOCAL_Y), (X_RESOLUTION, Y_RESOLUTION)):
            for entries in (details, exif.parts[Part.MAIN]):
                pair = entries.pop(one, None), entries.pop(other, None)
                entries.update({tag: entry for tag, entry in zip((other, one), pair, strict=True) if entry})


def resize(exif: Exif, resizing: Resizing) -> tuple[str, ...]:
    """Correct what changes with the size of the picture; returns what had to be left out, in words.

    Args:
        exif: of the upright picture; changed.
        resizing: from it to the result.
    """
    height, width = resizing.size
    for places, length in ((WIDTHS, width), (HEIGHTS, height)):
        for part, tag in places:
            if tag in exif.parts[part]:
                exif.set_whole(part, tag, length)
    for part, tag, factor in (
        (Part.MAIN, X_RESOLUTION, resizing.across),
        (Part.MAIN, Y_RESOLUTION, resizing.down),
        (Part.DETAILS, FOCAL_X, resizing.across),
        (Part.DETAILS, FOCAL_Y, resizing.down),
    ):
        value = exif.numbers(part, tag)
        if value and value[0] > 0:
            exif.set_fraction(part, tag, Fraction(value[0]) * factor)
    lost = list[str]()
    for tag in (SUBJECT_AREA, SUBJECT_LOCATION):
        numbers = exif.numbers(Part.DETAILS, tag)
        if tag not in exif.parts[Part.DETAILS]:
            continue
        moved = subject_in([int(each) for each in numbers], resizing)
        if moved and max(moved) < 1 << 16 and exif.parts[Part.DETAILS][tag].kind == SHORT:
            exif.set_whole(Part.DETAILS, tag, *moved)
        else:
            del exif.parts[Part.DETAILS][tag]
            lost += [SUBJECT] if moved != () else []
    return tuple(dict.fromkeys(lost))
