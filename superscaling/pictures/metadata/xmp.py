"""Corrects XMP packets: what they say of the orientation, of sizes, and of parts that the result does not have.

Packets are edited as text, so that everything else stays byte for byte.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction

from superscaling.pictures.metadata.words import DEPTH, GAIN_MAP, PICTURES, VIDEO
from superscaling.pictures.picture import Size

# Longest packet that is read, in bytes. (A JPEG's segment holds 64 KB; packets with long histories have 1 MB.)
MAX_XMP = 1 << 21
# Most prefixes of a namespace: real packets have one or two. Each costs time wherever a name may begin.
MAX_PREFIXES = 20
# Before the packet in a JPEG, and by mistake in other files.
NAME = b"http://ns.adobe.com/xap/1.0/\0"
TIFF, EXIF = b"http://ns.adobe.com/tiff/1.0/", b"http://ns.adobe.com/exif/1.0/"
GOOGLE = b"http://ns.google.com/photos/1.0/"
CONTAINER, PANORAMA = GOOGLE + b"container/", GOOGLE + b"panorama/"
REGIONS = b"http://www.metadataworkinggroup.com/schemas/regions/"
DIMENSIONS = b"http://ns.adobe.com/xap/1.0/sType/Dimensions#"
ANY = rb"\w+"
# Namespace, names in it, and what they announce, in words: parts of the file, or of a longer packet, that the result
# lacks. Without words it is only a copy: a preview.
ANNOUNCEMENTS = (
    (b"http://ns.adobe.com/hdr-gain-map/1.0/", ANY, GAIN_MAP),
    (b"http://ns.apple.com/HDRGainMap/1.0/", ANY, GAIN_MAP),
    (GOOGLE + b"camera/", rb"(?:MicroVideo|MotionPhoto)\w*", VIDEO),
    (GOOGLE + b"depthmap/", ANY, DEPTH),
    (b"http://ns.google.com/photos/dd/1.0/device/", ANY, DEPTH),
    (GOOGLE + b"image/", ANY, PICTURES),
    (GOOGLE + b"audio/", ANY, "the sound"),
    (b"http://ns.adobe.com/xmp/note/", rb"HasExtendedXMP", ""),
    (b"http://ns.adobe.com/xap/1.0/", rb"Thumbnails", ""),
    (b"http://ns.adobe.com/xap/1.0/g/img/", ANY, ""),
)
# What an entry of a container is.
SEMANTICS = ((b"GainMap", GAIN_MAP), (b"MotionPhoto", VIDEO), (b"Depth", DEPTH))
# Places in px, which are not turned with the picture.
PLACES = (
    (PANORAMA, ANY, "XMP of a panorama"),
    (REGIONS, rb"Regions", "XMP regions"),
    (b"http://ns.microsoft.com/photo/1.2/", rb"RegionInfo", "XMP regions"),
)
SCALED_ACROSS = rb"(?:FullPanoWidth|CroppedAreaImageWidth|CroppedAreaLeft)Pixels|LargestValidInteriorRect(?:Left|Width)"
SCALED_DOWN = rb"(?:FullPanoHeight|CroppedAreaImageHeight|CroppedAreaTop)Pixels|LargestValidInteriorRect(?:Top|Height)"
# A declaration: prefix and namespace.
DECLARED = re.compile(rb"xmlns:([\w.-]{1,50})\s*=\s*[\"']([^\"'<>\s]{1,200})[\"']")


def clean(xmp: bytes, is_turned: bool) -> tuple[bytes, tuple[str, ...]]:
    """The packet without announcements and with its orientation reset; and what was left out, in words.

    Args:
        xmp: any bytes, at most `MAX_XMP`.
        is_turned: whether the picture is turned upright.

    Raises:
        ValueError: it is not in UTF-8, an element does not end, or it has too many prefixes for a namespace.
    """
    xmp.decode()
    lost = list[str]()
    prefixes = _prefixes(xmp)
    if any(len(each) > MAX_PREFIXES for each in prefixes.values()):
        raise ValueError("too many prefixes")
    if CONTAINER in prefixes:
        xmp, removed = _without(xmp, prefixes[CONTAINER], rb"Directory")
        for each in removed:
            lost += [words for mark, words in SEMANTICS if mark in each] or [PICTURES]
    for namespace, names, words in (*ANNOUNCEMENTS, *(PLACES if is_turned else ())):
        if namespace in prefixes:
            xmp, removed = _without(xmp, prefixes[namespace], names)
            if removed:
                xmp = _undeclared(xmp, prefixes[namespace])
                lost += [words] if words else []
    if TIFF in prefixes:
        xmp = _with_numbers(xmp, prefixes[TIFF], rb"Orientation", lambda _: 1)
    return xmp, tuple(dict.fromkeys(lost))


def resize(xmp: bytes, size: Size, scale_x: Fraction, scale_y: Fraction) -> bytes:
    """The packet with the size of the result.

    Args:
        xmp: from `clean`.
        size: of the result in px.
        scale_x, scale_y: result / picture.
    """
    height, width = size
    prefixes = _prefixes(xmp)
    for namespace, name, change in (
        (EXIF, rb"PixelXDimension", lambda _: width),
        (EXIF, rb"PixelYDimension", lambda _: height),
        (TIFF, rb"ImageWidth", lambda _: width),
        (TIFF, rb"ImageLength", lambda _: height),
        (PANORAMA, SCALED_ACROSS, lambda number: round(number * scale_x)),
        (PANORAMA, SCALED_DOWN, lambda number: round(number * scale_y)),
        (DIMENSIONS, rb"w", lambda number: round(number * scale_x)),
        (DIMENSIONS, rb"h", lambda number: round(number * scale_y)),
    ):
        if namespace in prefixes:
            xmp = _with_numbers(xmp, prefixes[namespace], name, change)
    return xmp


def _prefixes(xmp: bytes) -> dict[bytes, set[bytes]]:
    """The namespaces that the packet declares, and their prefixes."""
    found = dict[bytes, set[bytes]]()
    for prefix, namespace in DECLARED.findall(xmp):
        found.setdefault(namespace, set()).add(prefix)
    return found


def _any_of(prefixes: Iterable[bytes]) -> bytes:
    """A pattern of one of the prefixes, so that the packet is searched once for all."""
    return b"(?:%s)" % b"|".join(map(re.escape, sorted(prefixes)))


def _undeclared(xmp: bytes, prefixes: set[bytes]) -> bytes:
    """The packet without declarations of those prefixes that it does not use."""
    unused = prefixes - set(re.findall(rb"(?<![\w.-])(%s):" % _any_of(prefixes), xmp))
    return re.sub(rb"\sxmlns:%s\s*=\s*(?:\"[^\"]*\"|'[^']*')" % _any_of(unused), b"", xmp) if unused else xmp


def _without(xmp: bytes, prefixes: set[bytes], names: bytes) -> tuple[bytes, list[bytes]]:
    """The packet without properties of these names, as elements and as attributes; and what was removed."""
    name = rb"%s:(?:%s)" % (_any_of(prefixes), names)
    removed, kept, place = list[bytes](), list[bytes](), 0
    for start, end in _elements(xmp, re.compile(rb"<(%s)(?=[\s/>])" % name)):
        kept.append(xmp[place:start])
        removed.append(xmp[start:end])
        place = end
    xmp = b"".join((*kept, xmp[place:]))
    attribute = re.compile(rb"\s%s\s*=\s*(?:\"[^\"]*\"|'[^']*')" % name)
    removed += attribute.findall(xmp)
    return attribute.sub(b"", xmp), removed


def _elements(xmp: bytes, opening: re.Pattern[bytes]) -> Iterator[tuple[int, int]]:
    """Start and end of the outermost elements that begin so."""
    place = 0
    while found := opening.search(xmp, place):
        place = xmp.find(b">", found.end()) + 1
        if place and xmp[place - 2 : place - 1] != b"/":
            closing = xmp.find(b"</" + found[1], place)
            place = xmp.find(b">", closing) + 1 if closing >= 0 else 0
        if not place:
            raise ValueError("an element does not end")
        yield found.start(), place


def _with_numbers(xmp: bytes, prefixes: set[bytes], names: bytes, change: Callable[[int], int]) -> bytes:
    """The packet with other whole numbers as values of these names, in attributes and elements."""
    name = rb"%s:(?:%s)" % (_any_of(prefixes), names)
    before = rb"\s%s\s*=\s*[\"']|<%s(?:\s[^<>]*)?>" % (name, name)
    value = re.compile(rb"((?:%s)\s*)(\d{1,9})(?=\s*[\"'<])" % before)
    return value.sub(lambda found: found[1] + str(change(int(found[2]))).encode(), xmp)
