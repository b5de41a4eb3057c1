"""What of a picture's metadata a result keeps: as far as its format can hold it, and corrected for its size."""

from typing import Any

from superscaling.format_name import FormatName
from superscaling.metadata_choice import MetadataChoice
from superscaling.pictures.containers.jpeg_segments import MAX_SEGMENT
from superscaling.pictures.density import Density, to_bmp, to_jfif, to_png
from superscaling.pictures.metadata import descriptions, exif_geometry, georeference, photoshop, xmp, xmp_geometry
from superscaling.pictures.metadata.exif import MAX_EXIF, PREFIX, Exif, Part, read_exif
from superscaling.pictures.metadata.from_jpeg import MAX_ICC_PART
from superscaling.pictures.metadata.png_texts import keyword_of
from superscaling.pictures.metadata.resizing import Resizing
from superscaling.pictures.metadata.words import named
from superscaling.pictures.picture import Metadata, Size
from superscaling.recognition.formats import Extra, Format, mode_in_8_bits

# Largest EXIF block, XMP packet and profile (in 255 segments) in a JPEG, in bytes. A comment fills a segment.
JPEG_LIMITS = {
    Extra.EXIF: MAX_SEGMENT - len(PREFIX),
    Extra.XMP: MAX_SEGMENT - len(xmp.NAME),
    Extra.ICC: 255 * MAX_ICC_PART,
}
# Names in notes about metadata that was left out.
WORDS = {
    Extra.ICC: "the ICC profile",
    Extra.EXIF: "EXIF",
    Extra.XMP: "XMP",
    Extra.RESOLUTION: "the resolution",
    Extra.ASPECT: "the aspect ratio of the pixels",
    Extra.PNG_COLOURS: "the description of its colours",
    Extra.TEXTS: "texts",
    Extra.COMMENTS: "comments",
    Extra.IPTC: "IPTC",
    Extra.PHOTOSHOP: "Photoshop's image resources",
    Extra.GEO: "the georeference",
}
COLOURS = (Extra.ICC, Extra.PNG_COLOURS)
# Stored mode, in 8 bits -> colour space in the header of a fitting profile (bytes 16 to 19, ICC.1).
ICC_SPACES = {"L": b"GRAY", "LA": b"GRAY", "RGB": b"RGB ", "RGBA": b"RGB ", "CMYK": b"CMYK"}
DESCRIPTION = 0x010E


def wanted(metadata: Metadata, choice: MetadataChoice) -> Metadata:
    """The part of the metadata that was asked for."""
    match choice:
        case MetadataChoice.KEEP:
            return metadata
        case MetadataChoice.STRIP:
            return Metadata()
        case MetadataChoice.COLOUR:
            return Metadata(icc=metadata.icc, png_colours=metadata.png_colours)


def fitting(metadata: Metadata, target: Format, mode: str, size: Size, is_alone: bool) -> Metadata:
    """The part of `metadata` that a file of the format `target` can store, for a picture of another size.

    Args:
        metadata: of the picture.
        target: the format.
        mode: of the stored pixels.
        size: of the result in px.
        is_alone: whether the file has one picture.

    Returns:
        The metadata; `lost` names what has no field of its own.
    """
    resizing = Resizing.of(metadata, size)
    lost = list(metadata.lost)
    limits = JPEG_LIMITS if target.name is FormatName.JPEG else {}
    can_say_density = (Extra.RESOLUTION if metadata.resolution else Extra.ASPECT) in target.extras
    density = metadata.density.scaled(resizing.across, resizing.down) if metadata.density and can_say_density else None
    fields = target.extras - {Extra.RESOLUTION, Extra.ASPECT}
    kept: dict[str, Any] = {extra: getattr(metadata, extra) for extra in fields}
    exif = read_exif(metadata.exif or b"")
    lost += _correct_description(exif, target, mode, resizing, is_alone)
    if Extra.EXIF in kept:
        lost += exif_geometry.resize(exif, resizing)
    is_said = _say_density(exif, density, target, mode)
    if Extra.EXIF in kept:
        if target.name is FormatName.AVIF:  # Pillow would write the block anew, with damaged letters
            exif.parts[Part.MAIN].pop(exif_geometry.ORIENTATION, None)
        kept[Extra.EXIF] = exif.to_block(limits.get(Extra.EXIF, MAX_EXIF)) or None
    if kept.get(Extra.XMP):
        try:
            kept[Extra.XMP], words = xmp_geometry.resize(kept[Extra.XMP], resizing)
            lost += words
        except ValueError:
            kept[Extra.XMP] = None
    if kept.get(Extra.PHOTOSHOP):
        kept[Extra.PHOTOSHOP], words = photoshop.resize(kept[Extra.PHOTOSHOP], resizing)
        lost += words
    if kept.get(Extra.GEO):
        kept[Extra.GEO] = georeference.resize(kept[Extra.GEO], resizing) or ()
    if kept.get(Extra.ICC) and kept[Extra.ICC][16:20] != ICC_SPACES.get(mode_in_8_bits(mode)):
        kept[Extra.ICC] = None
    if kept.get(Extra.COMMENTS):
        kept[Extra.COMMENTS] = tuple(each for each in kept[Extra.COMMENTS] if len(each) <= MAX_SEGMENT)
    for extra, most in limits.items():
        if len(kept.get(extra) or b"") > most:
            kept[extra] = None
    density = density if is_said else None
    return Metadata(**kept, density=density, size=size, lost=tuple(dict.fromkeys(lost)))


def left_out(before: Metadata, after: Metadata) -> list[str]:
    """Names of the metadata in `before` that are missing in `after`."""
    missing = [extra for extra in WORDS if getattr(before, extra) and not getattr(after, extra)]
    if any(name == b"sRGB" for name, _ in before.png_colours):  # the default of every viewer
        missing = [extra for extra in missing if extra is not Extra.PNG_COLOURS]
    if not _has_more_than_density(before):
        missing = [extra for extra in missing if extra is not Extra.EXIF]
    words = [WORDS[extra] for extra in missing]
    if Extra.TEXTS in missing:
        words[missing.index(Extra.TEXTS)] = named("texts", map(keyword_of, before.texts))
    return words


def _has_more_than_density(metadata: Metadata) -> bool:
    """Whether EXIF has more than what only repeats the header: orientation, resolution, size."""
    exif = read_exif(metadata.exif or b"")
    repeated = {
        exif_geometry.ORIENTATION,
        exif_geometry.X_RESOLUTION,
        exif_geometry.Y_RESOLUTION,
        exif_geometry.RESOLUTION_UNIT,
        0x0213,  # the place of chroma samples in the old file
        *(tag for places in (exif_geometry.WIDTHS, exif_geometry.HEIGHTS) for _, tag in places),
    }
    return any(set(entries) - repeated for entries in exif.parts.values())


def _say_density(exif: Exif, density: Density | None, target: Format, mode: str) -> bool:
    """Let EXIF say the same density as the file's header, or say it alone; returns whether one of them does."""
    if not density or not (density.is_resolution or density.is_aspect):
        return False
    in_header = False
    match target.name:
        case FormatName.JPEG:
            in_header = to_jfif(density) is not None and mode != "CMYK"  # which has no JFIF header
        case FormatName.PNG:
            in_header = to_png(density) is not None
        case FormatName.BMP:
            return to_bmp(density) is not None
        case FormatName.TIFF:
            in_header = exif_geometry.can_say(density)
    if not in_header or exif_geometry.X_RESOLUTION in exif.parts[Part.MAIN]:
        exif_geometry.set_density(exif, density)
    return in_header or exif_geometry.can_say(density)


def _correct_description(exif: Exif, target: Format, mode: str, resizing: Resizing, is_alone: bool) -> tuple[str, ...]:
    """Correct a description that repeats the size; returns what had to be left out, in words."""
    entry = exif.parts[Part.MAIN].get(DESCRIPTION)
    if entry is None or (kind := descriptions.kind_of(entry.data)) is None:
        return ()
    if target.name is FormatName.TIFF and is_alone:
        changed, lost = descriptions.resize(entry.data, resizing, mode)
        if changed is not None:
            exif.parts[Part.MAIN][DESCRIPTION] = entry._replace(data=changed)
            return lost
    del exif.parts[Part.MAIN][DESCRIPTION]
    return (kind,)
