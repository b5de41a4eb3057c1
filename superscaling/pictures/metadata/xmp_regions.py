"""Corrects the regions in XMP packets, such as faces: shares of a picture's sides.

Regions of the Metadata Working Group (Guidelines 2.0, 5.9) and of Microsoft (People Tagging) are corrected; of others
what is no longer true goes.
"""

import re
from collections.abc import Iterable
from fractions import Fraction
from functools import partial

from superscaling.pictures.metadata import words
from superscaling.pictures.metadata.resizing import Area, Resizing
from superscaling.pictures.metadata.xmp_text import has, items, replaced, values_of, with_values, without
from superscaling.pictures.picture import Size

MWG = b"http://www.metadataworkinggroup.com/schemas/regions/"
AREA = b"http://ns.adobe.com/xmp/sType/Area#"
MICROSOFT = b"http://ns.microsoft.com/photo/1.2/"
MICROSOFT_REGION = MICROSOFT + b"t/Region#"
IPTC_EXTENSION = b"http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
# Namespace and name of the lists that are corrected, and of others.
LISTS = ((MWG, rb"Regions"), (MICROSOFT, rb"RegionInfo"))
IMAGE_REGIONS = ((IPTC_EXTENSION, rb"ImageRegion"), (b"http://ns.acdsee.com/regions/", rb"Regions"))
# A number with or without a point, a sign or an exponent; and four of them.
DECIMAL = rb"[-+]?(?:\d{1,9}(?:\.\d{1,20})?|\.\d{1,20})(?:[eE][-+]?\d{1,2})?"
RECTANGLE = rb"\s*,\s*".join([DECIMAL] * 4)
# Real pictures have dozens.
MAX_REGIONS = 1000
WORD = rb"\w{1,20}"
Prefixes = dict[bytes, set[bytes]]


def resize_regions(xmp: bytes, prefixes: Prefixes, resizing: Resizing, lost: list[str]) -> bytes:
    """The packet with the regions that the result shows, cut at its sides.

    Args:
        xmp: the packet.
        prefixes: its namespaces.
        resizing: from the upright picture to the result.
        lost: gets the regions that had to be left out, in words.
    """
    # A circle's diameter is a share of one side; other shares stay when the whole picture is stretched, too.
    keeps_shares = not resizing.is_cropped and resizing.keeps_ratio
    for namespace, names in LISTS:
        if namespace in prefixes and not keeps_shares:
            xmp = replaced(xmp, prefixes[namespace], names, partial(_visible, prefixes, resizing, lost))
    for namespace, names in IMAGE_REGIONS:
        if namespace in prefixes and not (keeps_shares and not _in_pixels(xmp, prefixes[namespace])):
            xmp, removed = without(xmp, prefixes[namespace], names)
            lost += [words.REGIONS] if removed else []
    return xmp


def _visible(prefixes: Prefixes, resizing: Resizing, lost: list[str], element: bytes) -> bytes:
    """A list with the members that the result shows; empty if it shows none."""
    parts, place, count = list[bytes](), 0, 0
    for start, end in items(element, MAX_REGIONS):
        parts.append(element[place:start])
        place = end
        try:
            if moved := _moved(element[start:end], prefixes, resizing):
                parts.append(moved)
                count += 1
        except ValueError:
            lost.append(words.REGIONS)
    return b"".join((*parts, element[place:])) if count else b""


def _moved(item: bytes, prefixes: Prefixes, resizing: Resizing) -> bytes | None:
    """A region with its place in the result; None if the result does not show it.

    Raises:
        ValueError: the place is no rectangle or point in shares of the sides.
    """
    areas, rectangles = prefixes.get(AREA), prefixes.get(MICROSOFT_REGION)
    if rectangles and has(item, rectangles, b"Rectangle"):
        return _microsoft(item, rectangles, resizing)
    return _mwg(item, areas, resizing) if areas and has(item, areas, rb"\w") else item


def _mwg(item: bytes, own: set[bytes], resizing: Resizing) -> bytes | None:
    """By its centre, width and height."""
    found = {name: values_of(item, own, name, DECIMAL) for name in (b"x", b"y", b"w", b"h", b"d")}
    if any(unit != b"normalized" for unit in values_of(item, own, b"unit", WORD)):
        raise ValueError("not in shares of the sides")
    if any(len(values) > 1 for values in found.values()) or found.get(b"d") or not found.get(b"x"):
        raise ValueError("not one rectangle or point")
    x, y, width, height = (_only(found[name]) for name in (b"x", b"y", b"w", b"h"))
    if (area := resizing.visible(_in_px(Area.around(x, y, width, height), resizing.before))) is None:
        return None
    down, across = resizing.size
    (x, y), width, height = area.centre, area.width, area.height
    for name, value in ((b"x", x / across), (b"y", y / down), (b"w", width / across), (b"h", height / down)):
        item = with_values(item, own, name, _decimal(value), DECIMAL)
    return item


def _microsoft(item: bytes, own: set[bytes], resizing: Resizing) -> bytes | None:
    """By its left and upper side, width and height."""
    rectangles = values_of(item, own, b"Rectangle", RECTANGLE)
    if len(rectangles) != 1:
        raise ValueError("not one rectangle")
    left, top, width, height = (Fraction(each.decode()) for each in re.split(rb"\s*,\s*", rectangles[0]))
    area = resizing.visible(_in_px(Area(left, top, left + width, top + height), resizing.before))
    if area is None:
        return None
    down, across = resizing.size
    numbers = (area.left / across, area.top / down, area.width / across, area.height / down)
    return with_values(item, own, b"Rectangle", b", ".join(map(_decimal, numbers)), RECTANGLE)


def _in_pixels(xmp: bytes, prefixes: set[bytes]) -> bool:
    return any(unit != b"relative" for unit in values_of(xmp, prefixes, b"rbUnit", WORD))


def _in_px(shares: Area, size: Size) -> Area:
    height, width = size
    return Area(shares.left * width, shares.top * height, shares.right * width, shares.bottom * height)


def _only(values: Iterable[bytes]) -> Fraction:
    """The number among no more than one; 0 without one."""
    return next((Fraction(value.decode()) for value in values), Fraction(0))


def _decimal(value: Fraction) -> bytes:
    return b"%.9g" % float(value)
