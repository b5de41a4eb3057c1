"""Which files can be decoded row by row, and what they say of themselves."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from superscaling.errors import ImageCorrupt, ImageTooLarge, UnsupportedImage, UnsupportedMode
from superscaling.format_name import FormatName
from superscaling.pictures.containers.chunks import (
    ANIMATION,
    MAX_CHUNKS,
    PNG_SIGNATURE,
    TRANSPARENCY,
    listed,
    png_chunks,
    split_png,
)
from superscaling.pictures.containers.directories import layout_of, read_directory
from superscaling.pictures.containers.jpeg_outline import outline_jpeg
from superscaling.pictures.containers.mapped_file import map_file
from superscaling.pictures.foreign import name_foreign
from superscaling.pictures.formats import sniff
from superscaling.pictures.guards.raw import name_raw
from superscaling.pictures.guards.tiff import NO_PAGE, PAGE_KIND, check_tiff
from superscaling.pictures.guards.tiff_kind import (
    BITS,
    COMPRESSION,
    DEFAULTS,
    EXTRAS,
    PHOTOMETRIC,
    PLANES,
    RGB,
    SEPARATE,
    YCBCR,
)
from superscaling.pictures.limits import Limits, check_parts
from superscaling.pictures.loading import UNSPECIFIED
from superscaling.pictures.metadata.from_jpeg import pictures_in, read_jpeg
from superscaling.pictures.metadata.from_png import read_png
from superscaling.pictures.metadata.from_tiff import page_places, read_tiff
from superscaling.pictures.picture import Metadata

GIGANTIC_FORMATS = (FormatName.JPEG, FormatName.PNG, FormatName.TIFF)
WAY_OUT = "save it as one opaque picture in grey or RGB, of 8 or 16 bits"
# Directories of a TIFF: the picture, and previews of it.
MAX_DIRECTORIES = 50
# Bytes of a PNG beside its pixels, which are read into memory.
MAX_PNG_REST = 1 << 26
# Least bytes that a chunk of pixels has on average. Writers use 8 KiB and more.
LEAST_CHUNK = 256
GREYS, WIDTHS = (0, 1), (8, 16)
# None, LZW, JPEG, Deflate, PackBits, Deflate: what libvips reads in every build. (TIFF 6.0)
JPEG_IN_TIFF = 7
COMPRESSIONS = (1, 5, JPEG_IN_TIFF, 8, 32773, 32946)

Read = tuple[FormatName, Metadata, tuple[str, ...]]


def read_header(path: Path, max_pixels: int) -> Read:
    """The format of a file, its metadata as stored, and what of it will not be read, for people.

    Raises:
        UnsupportedImage: it is not a JPEG, PNG or TIFF.
        UnsupportedMode: it has to be decoded as a whole, or is not one picture in grey or RGB of 8 or 16 bits.
        ImageTooLarge, ImageTooComplex: it is beyond a limit.
        ImageCorrupt: it is damaged.
    """
    if not path.stat().st_size:
        raise UnsupportedImage("the file is empty: send jpeg, png or tiff")
    data = map_file(path)
    head = data[:4096]
    name = sniff(head)
    raw = name_raw(data) if name is FormatName.TIFF else None
    if raw or name not in GIGANTIC_FORMATS:
        foreign = None if name or raw else name_foreign(head)
        kind = raw or (name.upper() if name else foreign[0] if foreign else "not an image that is known")
        raise UnsupportedImage(
            f"the file is {kind}; images as large as this are read as jpeg, png and tiff only: save it as one of these"
        )
    match name:
        case FormatName.JPEG:
            return FormatName.JPEG, *_read_jpeg(data, max_pixels)
        case FormatName.PNG:
            return FormatName.PNG, *_read_png(data, max_pixels)
        case _:
            return FormatName.TIFF, *_read_tiff(data, max_pixels)


@contextlib.contextmanager
def _limit_of_jobs() -> Iterator[None]:
    """Let an error name the setting that limits jobs."""
    try:
        yield
    except ImageTooLarge as exc:
        exc.setting = "jobs_max_pixels"
        raise


def _check_pixels(width: int, height: int, max_pixels: int) -> None:
    with _limit_of_jobs():
        Limits(max_pixels, 1).check_pixels(width, height)


def _read_jpeg(data: bytes, max_pixels: int) -> tuple[Metadata, tuple[str, ...]]:
    outline = outline_jpeg(data)
    frame = outline.frame
    if len(frame) < 6:
        raise ImageCorrupt("it has no picture")
    _check_pixels(int.from_bytes(frame[3:5]), int.from_bytes(frame[1:3]), max_pixels)
    if frame[0] != 8 or frame[5] not in (1, 3):
        raise UnsupportedMode(f"the JPEG has {frame[5]} channels of {frame[0]} bits: {WAY_OUT}")
    count = pictures_in(data, outline)
    notes = (f"only the first of {count} images in the file was read",) if count > 1 else ()
    return read_jpeg(data, outline), notes


def _read_png(data: bytes, max_pixels: int) -> tuple[Metadata, tuple[str, ...]]:
    parts, rest, pixels = [PNG_SIGNATURE], 0, 0
    for chunk in png_chunks(data):
        if chunk.name == b"IDAT":
            pixels += 1
            check_parts("chunks", pixels, MAX_CHUNKS + len(data) // LEAST_CHUNK)
            continue
        rest += chunk.end + 12 - chunk.start
        if rest > MAX_PNG_REST:
            raise UnsupportedMode(f"the PNG has more than {MAX_PNG_REST} bytes beside its pixels: save it without them")
        check_parts("chunks", len(parts), MAX_CHUNKS)
        if chunk.name in ANIMATION:
            raise UnsupportedMode(f"the PNG is animated: {WAY_OUT}")
        parts.append(data[chunk.start - 8 : chunk.end + 4])
    # The same file without its pixels, of which the usual readers make sense.
    small = b"".join(parts)
    split = split_png(small, chunks := listed(png_chunks(small)))
    if not chunks or chunks[0].name != b"IHDR" or chunks[0].end - chunks[0].start != 13:
        raise ImageCorrupt("its header is missing")
    header = small[chunks[0].start : chunks[0].end]
    _check_pixels(int.from_bytes(header[:4]), int.from_bytes(header[4:8]), max_pixels)
    depth, colour = header[8], header[9]
    if depth not in WIDTHS or colour == 3:
        kind = "a palette" if colour == 3 else f"samples of {depth} bits"
        raise UnsupportedMode(f"the PNG has {kind}: {WAY_OUT}")
    if any(chunk.name == TRANSPARENCY for chunk in chunks):
        raise UnsupportedMode(f"the PNG has a transparent colour: {WAY_OUT}")
    return read_png(small, split), ()


def _read_tiff(data: bytes, max_pixels: int) -> tuple[Metadata, tuple[str, ...]]:
    layout = layout_of(data)
    if layout is None:
        raise ImageCorrupt("it has no directory")
    with _limit_of_jobs():
        check_tiff(data, Limits(max_pixels, MAX_DIRECTORIES))
    first, *others = page_places(data, MAX_DIRECTORIES) or [0]
    tags = read_directory(data, first, layout).entries
    values = DEFAULTS | {tag: tags[tag].integers(layout.order) for tag in tags if tag in (*DEFAULTS, EXTRAS, 256, 257)}
    width, height = (values.get(tag, (0,))[0] for tag in (256, 257))
    _check_pixels(width, height, max_pixels)
    kinds = [read_directory(data, place, layout, only=(PAGE_KIND,)).entries.get(PAGE_KIND) for place in others]
    previews = [kind for kind in kinds if kind and any(number & NO_PAGE for number in kind.integers(layout.order))]
    if len(previews) < len(others):
        raise UnsupportedMode(f"the TIFF has {len(others) - len(previews) + 1} pages: {WAY_OUT}")
    (compression, *_), (photometric, *_), (planes, *_) = values[COMPRESSION], values[PHOTOMETRIC], values[PLANES]
    extras = values.get(EXTRAS, ())
    is_colour = photometric == RGB or (photometric == YCBCR and compression == JPEG_IN_TIFF)
    if not (is_colour or photometric in GREYS) or any(bits not in WIDTHS for bits in values[BITS]):
        raise UnsupportedMode(f"the TIFF is not in grey or RGB of 8 or 16 bits: {WAY_OUT}")
    if compression not in COMPRESSIONS or planes == SEPARATE:
        raise UnsupportedMode(
            "the TIFF's pixels are stored in a way that is not read row by row: save it with LZW or"
            " Deflate, and with its channels interleaved"
        )
    if len(extras) > 1 or UNSPECIFIED in extras:
        raise UnsupportedMode(f"the TIFF has a channel that is neither colour nor alpha: {WAY_OUT}")
    notes = (f"{len(previews)} previews or masks were left out",) if previews else ()
    return read_tiff(data, first), notes
