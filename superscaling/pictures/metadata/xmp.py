"""Cleans XMP packets: of what they say of the orientation, and of parts that the result does not have."""

from superscaling.pictures.metadata.turning import NO_TURN, Turn
from superscaling.pictures.metadata.words import DEPTH, GAIN_MAP, PICTURES, VIDEO
from superscaling.pictures.metadata.xmp_geometry import GOOGLE, PLACES, SWAPPED, TIFF
from superscaling.pictures.metadata.xmp_text import declared_prefixes, swapped, undeclared, with_values, without

# Most prefixes of a namespace: real packets have one or two. Each costs time wherever a name may begin.
MAX_PREFIXES = 20
# Before the packet in a JPEG, and by mistake in other files.
NAME = b"http://ns.adobe.com/xap/1.0/\0"
CONTAINER = GOOGLE + b"container/"
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


def clean(xmp: bytes, turn: Turn) -> tuple[bytes, tuple[str, ...]]:
    """The packet without announcements and with its orientation reset; and what was left out, in words.

    Args:
        xmp: any bytes, at most `MAX_XMP`.
        turn: how the picture is turned upright.

    Raises:
        ValueError: it is not in UTF-8, an element does not end, or it has too many prefixes for a namespace.
    """
    xmp.decode()
    lost = list[str]()
    prefixes = declared_prefixes(xmp)
    if any(len(each) > MAX_PREFIXES for each in prefixes.values()):
        raise ValueError("too many prefixes")
    if CONTAINER in prefixes:
        xmp, removed = without(xmp, prefixes[CONTAINER], rb"Directory")
        for each in removed:
            lost += [words for mark, words in SEMANTICS if mark in each] or [PICTURES]
    for namespace, names, words in (*ANNOUNCEMENTS, *(PLACES if turn is not NO_TURN else ())):
        if namespace in prefixes:
            xmp, removed = without(xmp, prefixes[namespace], names)
            if removed:
                xmp = undeclared(xmp, prefixes[namespace])
                lost += [words] if words else []
    if TIFF in prefixes:
        xmp = with_values(xmp, prefixes[TIFF], rb"Orientation", lambda _: b"1")
    if turn.is_swapped:
        for namespace, one, other in SWAPPED:
            if namespace in prefixes:
                xmp = swapped(xmp, prefixes[namespace], one, other)
    return xmp, tuple(dict.fromkeys(lost))
