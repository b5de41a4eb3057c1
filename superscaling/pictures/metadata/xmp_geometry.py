"""Corrects what XMP packets repeat of a picture's geometry: sizes, resolutions, places."""

import re
from collections.abc import Callable
from fractions import Fraction

from superscaling.pictures.density import to_fraction
from superscaling.pictures.metadata import words
from superscaling.pictures.metadata.resizing import Resizing, subject_in
from superscaling.pictures.metadata.xmp_regions import IMAGE_REGIONS, LISTS, MWG, resize_regions
from superscaling.pictures.metadata.xmp_text import (
    FRACTION,
    WHOLE,
    declared_prefixes,
    items,
    replaced,
    values_of,
    with_values,
    without,
)

TIFF, EXIF = b"http://ns.adobe.com/tiff/1.0/", b"http://ns.adobe.com/exif/1.0/"
GOOGLE = b"http://ns.google.com/photos/1.0/"
PANORAMA = GOOGLE + b"panorama/"
DIMENSIONS = b"http://ns.adobe.com/xap/1.0/sType/Dimensions#"
CAMERA_RAW = b"http://ns.adobe.com/camera-raw-settings/1.0/"
SUBJECTS = rb"SubjectArea|SubjectLocation"
# Places, which are not turned with the picture: namespace, names, and what notes call them.
PLACES = (
    (PANORAMA, rb"\w+", words.PANORAMA),
    *((namespace, names, words.REGIONS) for namespace, names in (*LISTS, *IMAGE_REGIONS)),
    (EXIF, SUBJECTS, words.SUBJECT),
)
# Pixels per unit: what changes places when rows become columns.
SWAPPED = (
    (TIFF, b"XResolution", b"YResolution"),
    (EXIF, b"FocalPlaneXResolution", b"FocalPlaneYResolution"),
)
# Names in a panorama: sizes and places in px of the whole, and of the part that the picture shows.
WIDTH, HEIGHT, LEFT, TOP = (b"CroppedArea%sPixels" % name for name in (b"ImageWidth", b"ImageHeight", b"Left", b"Top"))
INTERIOR = rb"LargestValidInteriorRect"
ACROSS = rb"FullPanoWidthPixels|%s|%s|%s(?:Left|Width)" % (WIDTH, LEFT, INTERIOR)
DOWN = rb"FullPanoHeightPixels|%s|%s|%s(?:Top|Height)" % (HEIGHT, TOP, INTERIOR)
# Numbers of a subject's place; more make no sense.
MAX_SUBJECT = 10
# Resolutions of the picture and of what was placed in it.
MAX_RESOLUTIONS = 1000
MEMBER = re.compile(rb"(<[^<>]*>)\s*(\d{1,9})\s*(</[^<>]*>)")


def resize(xmp: bytes, resizing: Resizing) -> tuple[bytes, tuple[str, ...]]:
    """The packet of the result; and what had to be left out, in words.

    Args:
        xmp: from `xmp.clean`.
        resizing: from the upright picture to the result.

    Raises:
        ValueError: an element does not end, or there are too many.
    """
    height, width = resizing.size
    prefixes, lost = declared_prefixes(xmp), list[str]()
    for namespace, names, length in (
        (EXIF, rb"PixelXDimension", width),
        (EXIF, rb"PixelYDimension", height),
        (TIFF, rb"ImageWidth", width),
        (TIFF, rb"ImageLength", height),
    ):
        if namespace in prefixes:
            xmp = with_values(xmp, prefixes[namespace], names, b"%d" % length)
    for namespace, *names_of_both in SWAPPED:
        for name, factor in zip(names_of_both, (resizing.across, resizing.down), strict=True):
            if namespace in prefixes:
                xmp = _scaled_fractions(xmp, prefixes[namespace], name, factor)
    if EXIF in prefixes:
        xmp = _subjects(xmp, prefixes[EXIF], resizing, lost)
    if PANORAMA in prefixes:
        xmp = _panorama(xmp, prefixes[PANORAMA], resizing, lost)
    if MWG in prefixes and DIMENSIONS in prefixes:
        xmp = replaced(
            xmp, prefixes[MWG], rb"AppliedToDimensions", lambda each: _dimensions(each, prefixes[DIMENSIONS], resizing)
        )
    xmp = resize_regions(xmp, prefixes, resizing, lost)
    if resizing.is_cropped and CAMERA_RAW in prefixes:
        xmp, removed = without(xmp, prefixes[CAMERA_RAW], rb"Crop\w+|HasCrop")
        lost += [words.EARLIER_CROP] if removed else []
    return xmp, tuple(dict.fromkeys(lost))


def _scaled_fractions(xmp: bytes, prefixes: set[bytes], name: bytes, factor: Fraction) -> bytes:
    """The packet with such numbers times `factor`; those that 32 bits can't say stay out."""
    values = values_of(xmp, prefixes, name, FRACTION)
    if len(values) > MAX_RESOLUTIONS:
        raise ValueError("too many resolutions")
    found = [_scaled(value, factor) for value in values]
    if None in found:
        return without(xmp, prefixes, name)[0]
    return with_values(xmp, prefixes, name, lambda value: _scaled(value, factor) or value, FRACTION)


def _scaled(value: bytes, factor: Fraction) -> bytes | None:
    """A fraction as in XMP, such as 720000/10000, times `factor`; 0 and fractions of 0 as they are."""
    numerator, _, denominator = value.partition(b"/")
    if not int(numerator) or not int(denominator or b"1"):
        return value
    near = to_fraction(Fraction(int(numerator), int(denominator or b"1")) * factor)
    return b"%d/%d" % near.as_integer_ratio() if near else None


def _times(factor: Fraction) -> Callable[[bytes], bytes]:
    return lambda value: b"%d" % round(int(value) * factor)


def _subjects(xmp: bytes, prefixes: set[bytes], resizing: Resizing, lost: list[str]) -> bytes:
    """The packet with the subject at its place in the result; `lost` gets what was left out."""

    def change(element: bytes) -> bytes:
        places = list(items(element, MAX_SUBJECT))
        members = [found for start, end in places if (found := MEMBER.fullmatch(element[start:end]))]
        is_whole = len(members) == len(places)
        moved = subject_in([int(each[2]) for each in members], resizing) if is_whole else None
        if not moved:
            lost.extend([] if moved == () else [words.SUBJECT])
            return b""
        new = b"".join(b"%b%d%b" % (members[0][1], each, members[0][3]) for each in moved)
        return element[: places[0][0]] + new + element[places[-1][1] :]

    return replaced(xmp, prefixes, SUBJECTS, change)


def _dimensions(element: bytes, prefixes: set[bytes], resizing: Resizing) -> bytes:
    """The size in px of the picture that regions were drawn in, which may be another size of the same picture."""
    for name, before, after in zip((b"h", b"w"), resizing.before, resizing.size, strict=True):
        factor = Fraction(after, before)
        element = with_values(element, prefixes, name, _times(factor))
    return element


def _panorama(xmp: bytes, prefixes: set[bytes], resizing: Resizing, lost: list[str]) -> bytes:
    """The packet with the panorama's size and the result's place in it; `lost` gets what was left out."""
    if resizing.is_cropped:
        sides = tuple(values_of(xmp, prefixes, name, WHOLE) for name in (HEIGHT, WIDTH))
        if tuple([int(each) for each in side] for side in sides) != tuple([side] for side in resizing.before):
            xmp, removed = without(xmp, prefixes, rb"\w+")
            lost += [words.PANORAMA] if removed else []
            return xmp
        xmp, _ = without(xmp, prefixes, INTERIOR + rb"\w+")
        crop = resizing.crop
        for name, length in ((WIDTH, crop.size[1]), (HEIGHT, crop.size[0])):
            xmp = with_values(xmp, prefixes, name, b"%d" % length)
        xmp = with_values(xmp, prefixes, LEFT, lambda value: b"%d" % (int(value) + crop.left))
        xmp = with_values(xmp, prefixes, TOP, lambda value: b"%d" % (int(value) + crop.top))
    for names, factor in ((ACROSS, resizing.across), (DOWN, resizing.down)):
        xmp = with_values(xmp, prefixes, names, _times(factor))
    return xmp
