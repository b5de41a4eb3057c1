"""Reads the metadata of files whose blocks Pillow hands on as they are: WebP, BMP, AVIF, HEIC."""

from collections.abc import Iterable, Sequence
from fractions import Fraction

from PIL import Image, ImageFile

from superscaling.pictures.containers.chunks import WEBP_CHUNKS, Chunk, webp_end
from superscaling.pictures.density import Density, Unit
from superscaling.pictures.metadata.words import CREDENTIALS, VIDEO, behind, named
from superscaling.pictures.picture import Metadata
from superscaling.recognition.bmff import Box

# Where a BMP's header says how long the file is.
BMP_LENGTH = slice(2, 6)
# The outermost boxes with pictures and their descriptions, with frames, which are noted elsewhere, and with nothing.
HEIF_BOXES = (b"ftyp", b"styp", b"meta", b"mdat", b"moov", b"moof", b"sidx", b"mfra", b"free", b"skip", b"wide")
# (C2PA 2.1, A.5)
CREDENTIALS_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")


def read_info(image: Image.Image, lost: Iterable[str] = ()) -> Metadata:
    """The metadata as stored: ICC profile, EXIF and XMP, and of a BMP its resolution.

    Args:
        image: opened.
        lost: what else the file has, in words.
    """
    icc, exif, xmp = (
        block if isinstance(block := image.info.get(name), bytes) and block else None
        for name in ("icc_profile", "exif", "xmp")
    )
    density = _density(image.info.get("dpi")) if image.format == "BMP" else None
    return Metadata(icc, exif, xmp, density, lost=tuple(lost))


def rest_of_webp(data: bytes, chunks: Sequence[Chunk]) -> list[str]:
    """What a WebP has beside what is read of it, in words."""
    others = [chunk.name for chunk in chunks if chunk.name not in WEBP_CHUNKS]
    return [*([named("WebP chunks", others)] if others else []), *behind(data[webp_end(data) :])]


def rest_of_bmp(data: bytes, image: ImageFile.ImageFile) -> list[str]:
    """What lies behind the end of a BMP, in words. Some have a wrong length in their header, or none.

    Args:
        data: the file.
        image: not loaded.
    """
    end = int.from_bytes(data[BMP_LENGTH], "little")
    for kind, _, start, arguments in image.tile:
        if kind == "raw" and isinstance(arguments, tuple):
            end = max(end, start + arguments[1] * image.height)
    return behind(data[end:]) if end else []


def rest_of_heif(data: bytes, boxes: Iterable[Box]) -> list[str]:
    """What an AVIF or HEIC has beside what is read of it, in words.

    Args:
        data: the file.
        boxes: the outermost ones.
    """
    lost, others = list[str](), list[bytes]()
    for kind, start, end in boxes:
        if kind == b"mpvd":
            lost.append(VIDEO)
        elif kind == b"uuid" and data.startswith(CREDENTIALS_UUID, start):
            lost.append(CREDENTIALS)
        elif kind not in HEIF_BOXES and data[start - 4 : end].strip(b"\0"):
            others.append(kind)
    return [*lost, *([named("boxes", others)] if others else [])]


def _density(dpi: object) -> Density | None:
    """From dots per inch, of a BMP that may say none."""
    if not isinstance(dpi, tuple) or len(dpi) != 2:
        return None
    x, y = (Fraction(each).limit_denominator(10_000) for each in dpi)
    return Density.of(x, y, Unit.INCH)
