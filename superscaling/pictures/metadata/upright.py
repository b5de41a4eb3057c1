"""From the metadata of a file to that of the upright picture."""

import dataclasses

from superscaling.pictures.metadata import words, xmp
from superscaling.pictures.metadata.exif import MAX_EXIF, read_exif
from superscaling.pictures.metadata.exif_geometry import density_of, drop_malformed_density, turn_of, turn_upright
from superscaling.pictures.metadata.photoshop import read_resources
from superscaling.pictures.metadata.turning import NO_TURN, Turn
from superscaling.pictures.metadata.xmp_text import MAX_XMP
from superscaling.pictures.picture import Metadata, Size

UNREADABLE_XMP, LONG_XMP = "XMP that can't be read", f"XMP of more than {MAX_XMP >> 20} MiB"


def turn_for(stored: Metadata) -> Turn:
    """How to turn a picture upright. EXIF alone decides."""
    return turn_of(read_exif(stored.exif or b""))


def upright(stored: Metadata, size: Size) -> tuple[Turn, Metadata]:
    """How to turn a picture upright, and the metadata that it has then.

    Args:
        stored: as a file has it; `photoshop` may hold IPTC.
        size: of the picture as stored.
    """
    exif = read_exif(stored.exif or b"")
    drop_malformed_density(exif)
    in_exif = density_of(exif)
    turn = turn_of(exif)
    is_turned = turn is not NO_TURN
    lost = [*stored.lost, *(["damaged EXIF tags"] if exif.is_damaged else [])]
    turn_upright(exif, turn, size)
    block = exif.to_block()
    if len(block) > MAX_EXIF:
        block = b""
        lost.append("EXIF")
    packet = stored.xmp
    if packet and len(packet) > MAX_XMP:
        packet = None
        lost.append(LONG_XMP)
    if packet:
        try:
            packet, removed = xmp.clean(packet, turn)
            # What the packet announces lies behind the picture, under a more precise name.
            lost = [each for each in lost if not (removed and each == words.PICTURES)] + [*removed]
        except ValueError:
            packet = None
            lost.append(UNREADABLE_XMP)
    resources = read_resources(stored.photoshop or b"", turn)
    densities = (stored.density, in_exif, resources.density)
    density = next((each for each in densities if each and (each.is_resolution or each.is_aspect)), None)
    if density and turn.is_swapped:
        density = density._replace(x=density.y, y=density.x)
    if stored.geo and is_turned:
        lost.append("the georeference")
    return turn, dataclasses.replace(
        stored,
        exif=block or None,
        xmp=packet,
        density=density,
        iptc=stored.iptc or resources.iptc,
        photoshop=resources.others,
        geo=() if is_turned else stored.geo,
        size=turn.size(size),
        lost=tuple(dict.fromkeys((*lost, *resources.lost))),
    )
