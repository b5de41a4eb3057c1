"""Which files can be decoded row by row, what they say of themselves, and what of them a decoder shall see.

Whatever would make the two decoders, that of requests and libvips, see different pixels is refused here.
"""

import contextlib
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from superscaling.errors import ImageCorrupt, ImageTooLarge, UnsupportedImage, UnsupportedMode
from superscaling.format_name import FormatName
from superscaling.pictures.containers.chunks import (
    ANIMATION,
    MAX_CHUNKS,
    NAME,
    TRANSPARENCY,
    Chunk,
    listed,
    png_chunk,
    png_chunks,
    split_png,
)
from superscaling.pictures.containers.directory_writing import write_directories
from superscaling.pictures.containers.jpeg_outline import END, JpegOutline, outline_jpeg
from superscaling.pictures.containers.mapped_file import map_file
from superscaling.pictures.containers.spliced import Part
from superscaling.pictures.guards.jpeg import check_coded_rows
from superscaling.pictures.guards.tiff import NO_PAGE, PAGE_KIND, check_tiff
from superscaling.pictures.guards.tiff_kind import (
    BITS,
    CHANNELS,
    COMPRESSION,
    DEFAULTS,
    EXTRAS,
    PHOTOMETRIC,
    PLANES,
    RGB,
    SEPARATE,
    YCBCR,
)
from superscaling.pictures.jpeg_reading import most_missing, pixel_parts
from superscaling.pictures.loading import LACKS_END_MARK, UNSPECIFIED
from superscaling.pictures.metadata.exif_geometry import ORIENTATION
from superscaling.pictures.metadata.from_jpeg import pictures_in, read_jpeg
from superscaling.pictures.metadata.from_png import read_png
from superscaling.pictures.metadata.from_tiff import page_places, read_tiff
from superscaling.pictures.picture import Metadata
from superscaling.recognition.directories import LONG, SHORT, layout_of, read_directory
from superscaling.recognition.foreign import name_foreign
from superscaling.recognition.formats import PNG_SIGNATURE, sniff
from superscaling.recognition.limits import Limits, check_parts
from superscaling.recognition.raw import name_raw

GIGANTIC_FORMATS = (FormatName.JPEG, FormatName.PNG, FormatName.TIFF)
AGAIN = "save it again with another program"
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

# What a TIFF's decoder needs to know, with the tables of JPEG and what YCbCr means.
WIDTH, HEIGHT, STRIP_PLACES, STRIP_ROWS, STRIP_LENGTHS = 256, 257, 273, 278, 279
TILE_WIDTH, TILE_HEIGHT, TILE_PLACES, TILE_LENGTHS = 322, 323, 324, 325
OF_STRIPS, OF_TILES = (STRIP_PLACES, STRIP_LENGTHS), (TILE_WIDTH, TILE_HEIGHT, TILE_PLACES, TILE_LENGTHS)
STRUCTURE = {*DEFAULTS, EXTRAS, WIDTH, HEIGHT, *OF_STRIPS, STRIP_ROWS, *OF_TILES, 266, 317, 347, 529, 530, 531, 532}
PIECES_DO_NOT_FIT = f"the TIFF's strips or tiles do not fit its size: {AGAIN}"


@dataclass(frozen=True)
class Header:
    """`metadata`: as stored; `parts`: of the file, and bytes in between, for its decoder; `notes`: what of it will not
    be read, for people; `outline`: of a JPEG.
    """

    format: FormatName
    metadata: Metadata
    parts: Sequence[Part]
    notes: tuple[str, ...] = ()
    outline: JpegOutline | None = None


def read_header(path: Path, max_pixels: int) -> Header:
    """What a file is.

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
            return _read_jpeg(data, max_pixels)
        case FormatName.PNG:
            return _read_png(data, max_pixels)
        case _:
            return _read_tiff(data, max_pixels)


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


def _read_jpeg(data: bytes, max_pixels: int) -> Header:
    outline = outline_jpeg(data)
    frame = outline.frame
    if len(frame) < 6:
        raise ImageCorrupt("it has no picture")
    height, width = outline.size
    _check_pixels(width, height, max_pixels)
    if frame[0] != 8 or frame[5] not in (1, 3):
        raise UnsupportedMode(f"the JPEG has {frame[5]} channels of {frame[0]} bits: {WAY_OUT}")
    check_coded_rows(outline, most_missing(outline, height))
    count = pictures_in(data, outline)
    notes = (f"only the first of {count} images in the file was read",) if count > 1 else ()
    return Header(FormatName.JPEG, read_jpeg(data, outline), [*pixel_parts(data, outline), END], notes, outline)


def _read_png(data: bytes, max_pixels: int) -> Header:
    parts, rest, count, first, last, has_end = [PNG_SIGNATURE], 0, 0, 0, 0, False
    for chunk in png_chunks(data):
        if chunk.name == b"IDAT":
            count += 1
            check_parts("chunks", count, MAX_CHUNKS + len(data) // LEAST_CHUNK)
            if last not in (0, chunk.start - 8):
                raise UnsupportedMode(f"the PNG has other chunks between its pixels: {AGAIN}")
            first, last = first or chunk.start - 8, chunk.end + 4
            continue
        has_end = chunk.name == b"IEND"
        if not has_end and chunk.start + 4 <= len(data):
            _check_chunk(data, chunk)
        rest += chunk.end + 12 - chunk.start
        if rest > MAX_PNG_REST:
            raise UnsupportedMode(f"the PNG has more than {MAX_PNG_REST} bytes beside its pixels: save it without them")
        check_parts("chunks", len(parts), MAX_CHUNKS)
        if chunk.name in ANIMATION:
            raise UnsupportedMode(f"the PNG is animated: {WAY_OUT}")
        parts.append(data[chunk.start - 8 : chunk.end + 4])
    if not count:
        raise ImageCorrupt("its pixels are missing")
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
    head, pixels, end = png_chunk(b"IHDR", header), range(first, min(last, len(data))), png_chunk(b"IEND", b"")
    notes = () if has_end else (LACKS_END_MARK,)
    return Header(FormatName.PNG, read_png(small, split), [PNG_SIGNATURE + head, pixels, end], notes)


def _check_chunk(data: bytes, chunk: Chunk) -> None:
    """Make sure that a chunk is one, and complete."""
    if not NAME.fullmatch(chunk.name):
        raise ImageCorrupt(f"broken PNG file (chunk {chunk.name!r})")
    if chunk.end + 4 > len(data):
        raise ImageCorrupt("Truncated File Read")


def _read_tiff(data: bytes, max_pixels: int) -> Header:
    layout = layout_of(data)
    if layout is None:
        raise ImageCorrupt("it has no directory")
    with _limit_of_jobs():
        check_tiff(data, Limits(max_pixels, MAX_DIRECTORIES))
    pages, previews = list[int](), 0
    for place in page_places(data, MAX_DIRECTORIES):
        kind = read_directory(data, place, layout, only=(PAGE_KIND,)).entries.get(PAGE_KIND)
        if kind and any(number & NO_PAGE for number in kind.integers(layout.order)):
            previews += 1
        else:
            pages.append(place)
    if len(pages) != 1:
        what = f"{len(pages)} pages" if pages else "previews only"
        raise UnsupportedMode(f"the TIFF has {what}: {WAY_OUT}")
    directory = read_directory(data, pages[0], layout)
    tags = directory.entries
    if STRUCTURE & {*directory.repeated, *directory.broken}:
        raise UnsupportedMode(f"the TIFF says twice, or not at all, how its pixels are stored: {AGAIN}")
    values = DEFAULTS | {tag: tags[tag].integers(layout.order) for tag in tags if tag in STRUCTURE}
    width, height = ((values.get(tag) or (0,))[0] for tag in (WIDTH, HEIGHT))
    _check_pixels(width, height, max_pixels)
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
    _check_pieces(values, width, height, len(data))
    if (turn := tags.get(ORIENTATION)) and (turn.kind not in (SHORT, LONG) or turn.values > 1):
        raise UnsupportedMode("the TIFF's orientation is not one number: save it upright, or without it")
    # The same file with a directory that says nothing else: decoders stop at tags that they do not need.
    start = len(data) + len(data) % 2
    stored = {tag: entry for tag, entry in tags.items() if tag in STRUCTURE}
    new = write_directories(stored, {}, layout.order, start, is_big=layout.offset == "Q")
    head = data[: layout.first] + struct.pack(layout.order + layout.offset, start)
    decoded: list[Part] = [head, range(len(head), len(data)), bytes(start - len(data)) + new]
    notes = (f"{previews} previews or masks were left out",) if previews else ()
    return Header(FormatName.TIFF, read_tiff(data, pages[0]), decoded, notes)


def _check_pieces(values: Mapping[int, tuple[int, ...]], width: int, height: int, end: int) -> None:
    """Make sure that a TIFF is in strips or in tiles, in as many as its size takes, and that all are in the file.

    Args:
        values: of its tags.
        width, height: of the picture.
        end: of the file.

    Raises:
        UnsupportedMode: decoders could see different pixels in it.
        ImageCorrupt: it ends early.
    """
    is_tiled = any(tag in values for tag in OF_TILES)
    expected, others = (OF_TILES, OF_STRIPS) if is_tiled else (OF_STRIPS, OF_TILES)
    if any(tag in values for tag in others) or not all(tag in values for tag in expected):
        raise UnsupportedMode(f"the TIFF is neither in strips nor in tiles alone: {AGAIN}")
    across = values[TILE_WIDTH] if is_tiled else (width,)
    down = values[TILE_HEIGHT] if is_tiled else values.get(STRIP_ROWS, (height,))
    places, lengths = (values[tag] for tag in expected[-2:])
    if len(across) != 1 or len(down) != 1 or across[0] < 1 or down[0] < 1:
        raise UnsupportedMode(PIECES_DO_NOT_FIT)
    count = -(-width // across[0]) * -(-height // down[0])
    if len(places) != count or len(lengths) != count or 0 in places or 0 in lengths:
        raise UnsupportedMode(PIECES_DO_NOT_FIT)
    row = across[0] * values[CHANNELS][0] * max(values[BITS]) // 8
    for number, (place, length) in enumerate(zip(places, lengths, strict=True)):
        needed = length
        if values[COMPRESSION] == (1,):
            needed = row * (down[0] if is_tiled else min(down[0], height - number * down[0]))
            if length < needed:
                raise UnsupportedMode(PIECES_DO_NOT_FIT)
        if place + needed > end:
            raise ImageCorrupt("it ends early: some of its strips or tiles are missing")
