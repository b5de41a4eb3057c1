"""Reads the metadata of a page of a TIFF file, tag by tag."""

from collections.abc import Sequence

from superscaling.pictures.metadata.exif import PARENTS, Exif, Part, collect_exif
from superscaling.pictures.metadata.exif_geometry import RESOLUTION_UNIT, X_RESOLUTION, Y_RESOLUTION, density_of
from superscaling.pictures.metadata.georeference import CARRIED as CARRIED_GEO_TAGS
from superscaling.pictures.metadata.georeference import TAGS as GEO_TAGS
from superscaling.pictures.metadata.words import named
from superscaling.pictures.picture import Metadata
from superscaling.recognition.directories import (
    UNDEFINED,
    Directory,
    Entry,
    first_directory,
    layout_of,
    read_directory,
    reordered,
)

XMP, IPTC, PHOTOSHOP, ICC = 700, 33723, 34377, 34675
ORIENTATION = 274
# EXIF tags in a page are mixed with those that say how pixels are stored. Only these describe the picture:
# names, resolution, program, time, author, rating, copyright, Windows' XP tags, colours.
DESCRIBING = {
    *(269, 270, 271, 272, 285, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT, 305, 306, 315, 316),
    *(0x4746, 0x4749, 0x8298, *range(0x9C9B, 0x9CA0), ORIENTATION),
    *(318, 319),  # white point and primaries
}
# How pixels are stored, in tags of the standard and its extensions, and previews.
STRUCTURE = {
    *range(254, 269), 273, *range(275, 282), 284, *range(286, 296), 297, 301, 317, *range(320, 348), 351, 400,
    *range(401, 406), 433, 434, *range(512, 522), *range(529, 533), 559, 32995, 32996, 32997, 32998, 34687,
}  # fmt: skip
LAYERS = 37724  # Photoshop's, which repeat the picture in parts
PRINT_MATCHING = 50341


def page_places(data: bytes, most: int) -> list[int]:
    """The offsets of up to `most` directories of a TIFF file, in the order of its pages."""
    places = list[int]()
    if (layout := layout_of(data)) is None:
        return places
    place = first_directory(data, layout)
    while place and place not in places and len(places) < most:
        places.append(place)
        place = read_directory(data, place, layout, only=()).following
    return places


def read_tiff(data: bytes, place: int) -> Metadata:
    """The metadata as stored.

    Args:
        data: the file.
        place: the offset of the page's directory.
    """
    if (layout := layout_of(data)) is None:
        return Metadata()
    page = read_directory(data, place, layout, STRUCTURE)
    blocks = {tag: page.entries.pop(tag) for tag in (XMP, IPTC, PHOTOSHOP, ICC) if tag in page.entries}
    geo = {tag: page.entries.pop(tag) for tag in GEO_TAGS if tag in page.entries}
    has_layers = page.entries.pop(LAYERS, None) is not None
    others = [tag for tag in page.entries if tag not in DESCRIBING and tag not in (*PARENTS, PRINT_MATCHING)]
    main = Directory(
        {tag: entry for tag, entry in page.entries.items() if tag in DESCRIBING or tag in PARENTS},
        broken=[tag for tag in page.broken if tag in DESCRIBING],
    )
    exif = collect_exif(data, main, layout)
    density = density_of(exif)
    for tag in (X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT):  # like a JPEG's header: not of EXIF
        main.entries.pop(tag, None)
    lost = ["the georeference of a camera model"] if any(tag not in CARRIED_GEO_TAGS for tag in geo) else []
    if has_layers:
        lost.append("Photoshop's layers")
    if exif.is_damaged:
        lost.append("damaged EXIF tags")
    if others:
        lost.append(named("private TIFF tags", (str(tag).encode() for tag in sorted(others))))
    return Metadata(
        icc=_bytes(blocks.get(ICC)),
        exif=exif.to_block() or None,
        xmp=_bytes(blocks.get(XMP)),
        density=density,
        iptc=_bytes(blocks.get(IPTC)),
        photoshop=_bytes(blocks.get(PHOTOSHOP)),
        geo=tuple(
            (tag, entry.kind, reordered(entry, layout.order, "<").data)
            for tag, entry in sorted(geo.items())
            if tag in CARRIED_GEO_TAGS
        ),
        lost=tuple(lost),
    )


def _bytes(entry: Entry | None) -> bytes | None:
    """The bytes of a block, which writers store with various types."""
    return entry.data or None if entry and entry.kind in (1, 4, UNDEFINED) else None


def tags_of(exif: Exif) -> tuple[dict[int, Entry], dict[int, dict[int, Entry]]]:
    """The tags of a block as those of a little-endian TIFF: without what says how pixels are stored."""
    exif = exif.in_order("<")
    main = exif.parts[Part.MAIN]
    exif.parts[Part.MAIN] = {tag: entry for tag, entry in main.items() if tag not in _NOT_IN_A_PAGE}
    return exif.linked()


_NOT_IN_A_PAGE: Sequence[int] = (
    *STRUCTURE, *GEO_TAGS, XMP, IPTC, PHOTOSHOP, ICC, ORIENTATION, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT,
    *range(50_706, 51_200),
)  # fmt: skip
