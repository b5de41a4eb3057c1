"""Pictures that don't fit into memory, row by row: decoded, and encoded, by libvips at flat memory."""

import contextlib
import errno
import functools
import io
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, ParamSpec

import numpy as np
import pyvips

from superscaling.errors import ImageCorrupt
from superscaling.format_name import FormatName
from superscaling.pictures.containers.chunks import png_chunks
from superscaling.pictures.containers.directory_writing import write_directories
from superscaling.pictures.containers.jpeg_outline import START
from superscaling.pictures.containers.jpeg_segments import JFIF, segment
from superscaling.pictures.containers.mapped_file import map_file
from superscaling.pictures.containers.png_writing import FILTER, LEVEL
from superscaling.pictures.containers.spliced import Part, spliced
from superscaling.pictures.containers.tiff_writing import LEVEL as TIFF_LEVEL
from superscaling.pictures.containers.tiff_writing import MAX_BYTES
from superscaling.pictures.containers.vips import INTERPRETATIONS
from superscaling.pictures.metadata.from_tiff import STRUCTURE
from superscaling.pictures.metadata.writing import (
    JFIF_NAME,
    PNG_HEAD,
    file_for,
    pillow_options,
    set_header_density,
    tiff_tags,
)
from superscaling.pictures.picture import Metadata, Samples, Size
from superscaling.recognition.directories import LAYOUTS, first_directory, read_directory

P = ParamSpec("P")
Dtype = np.dtype[np.uint8 | np.uint16]

# Rows decoded at a time.
ROWS = 64
CORNER = 4  # px
# The beginning of a JPEG with a density, which libvips leaves out: start, and a JFIF segment. (JFIF 1.02)
JPEG_HEAD = START + segment(JFIF, b"JFIF\0\1\2" + bytes(7))
# Bytes of pixels that are mapped to memory at a time, or one row.
PIECE = 1 << 24
RAW_LOADER = "VipsForeignLoadRaw"
# libvips' name of their type.
DTYPES: dict[str, Dtype] = {"uchar": np.dtype(np.uint8), "ushort": np.dtype(np.uint16)}


class RowReader:
    """The pixels of a JPEG, PNG or TIFF, from the first row to the last.

    Args:
        path: of the image file.
        name: its format.
        parts: of it, and bytes in between, that the decoder shall see.

    `size`: height and width in px as stored; `channels`: with alpha; `dtype`: uint8 or uint16; None: it is another;
    `is_whole_first`: whether it can only be decoded as a whole, as a progressive JPEG; `corner`: the last samples of
    the last rows that were read.

    Raises:
        ImageCorrupt: it can't be opened.
        MemoryError: that takes more memory than there is.
    """

    def __init__(self, path: Path, name: FormatName, parts: Sequence[Part]) -> None:
        self._path, self._name, self._parts = path, name, parts
        _source, image = self._opened()
        self.size: Size = (image.height, image.width)
        self.channels: int = image.bands
        self.dtype = DTYPES.get(image.format)
        self.corner: Samples = np.empty((0, 0, self.channels), np.uint8)
        fields = image.get_fields()
        self.is_whole_first = any(name in fields and bool(image.get(name)) for name in ("jpeg-multiscan", "interlaced"))

    def rows(self) -> Iterator[Samples]:
        """The rows, (up to `ROWS`, w, c).

        Raises:
            ImageCorrupt: it is truncated or damaged.
            MemoryError: that takes more memory than there is.
        """
        height, width = self.size
        _source, image = self._opened()  # its buffers are freed with it, after the last row
        region = pyvips.Region.new(image)
        for top in range(0, height, ROWS):
            count = min(ROWS, height - top)
            with _corrupt():
                data = region.fetch(0, top, width, count)
            rows = np.frombuffer(data, self.dtype).reshape(count, width, self.channels)
            self.corner = rows[-CORNER:, -CORNER:]
            yield rows

    def _opened(self) -> tuple[pyvips.SourceCustom, pyvips.Image]:
        """The image, and what it reads from, which has to be kept as long."""
        load = {FormatName.JPEG: pyvips.Image.jpegload_source, FormatName.PNG: pyvips.Image.pngload_source}
        source = spliced(self._path, self._parts)
        with _corrupt():
            image = load.get(self._name, pyvips.Image.tiffload_source)(source, access="sequential", fail_on="error")
        return source, image


def write_rows(
    path: Path,
    pieces: Sequence[Path],
    width: int,
    samples: Dtype,
    channels: int,
    name: FormatName,
    quality: int,
    full_chroma: bool,
    metadata: Metadata,
    most_bytes: int = MAX_BYTES,
) -> None:
    """Encode pixels that lie in files as JPEG, PNG or TIFF.

    Args:
        path: of the image file.
        pieces: files of samples, row by row, in the machine's byte order, of `piece_bytes` each but the last.
        width: in px.
        samples: their type.
        channels: 1 or 3.
        name: the format.
        quality: of a JPEG, 1 to 100.
        full_chroma: whether a JPEG's chroma is not subsampled.
        metadata: what the file shall have.
        most_bytes: of pixels in a TIFF with offsets of 32 bits; one with more becomes a BigTIFF.

    Raises:
        OSError: the disk is full, or can't be written to.
        MemoryError: it takes more memory than there is.
    """
    image = _raw(pieces, width, samples, channels)
    with path.open("w+b") as file:
        match name:
            case FormatName.JPEG:
                chroma = "off" if full_chroma else "on"
                with _target(file, functools.partial(_jpeg_head, metadata)) as target:
                    image.jpegsave_target(target, Q=quality, subsample_mode=chroma, keep="none")
            case FormatName.PNG:
                bits = 8 * samples.itemsize
                with _target(file, functools.partial(_png_head, metadata)) as target:
                    image.pngsave_target(target, compression=LEVEL, filter=FILTER, bitdepth=bits, keep="none")
            case _:
                is_big = sum(piece.stat().st_size for piece in pieces) > most_bytes
                options = {"compression": "deflate", "predictor": "horizontal", "level": TIFF_LEVEL, "keep": "none"}
                with _target(file) as target:
                    image.tiffsave_target(target, bigtiff=is_big, **options)
    if name is FormatName.TIFF:
        _describe_tiff(path, metadata)


def piece_bytes(row: int) -> int:
    """How long the files with pixels shall be whose rows have so many bytes, all but the last."""
    return max(1, PIECE // row) * row


def _raw(pieces: Sequence[Path], width: int, samples: Dtype, channels: int) -> pyvips.Image:
    """Pixels that lie in files. libvips does not read any bytes as pixels unless it is told to.

    It maps a file to memory, and lets go of it when it has passed its end: so there are many. (Its offsets within one
    end at 1 GB.)
    """
    row = width * channels * samples.itemsize
    heights = [piece.stat().st_size // row for piece in pieces]
    is_deep = samples.itemsize == 2
    options = {
        "format": "ushort" if is_deep else "uchar",
        "interpretation": INTERPRETATIONS[channels][is_deep],
        "access": "sequential",
    }
    pyvips.operation_block_set(RAW_LOADER, False)
    try:
        images = [
            pyvips.Image.rawload(str(piece), width, height, channels, **options)
            for piece, height in zip(pieces, heights, strict=True)
        ]
    finally:
        pyvips.operation_block_set(RAW_LOADER, True)
    # The last one may be lower: the rest of its place is cut off.
    return pyvips.Image.arrayjoin(images, across=1).crop(0, 0, width, sum(heights))


# The beginning of a file -> the same with metadata, and how long it was; None: not all of it is there yet.
Head = Callable[[bytes], tuple[bytes, int] | None]


@contextlib.contextmanager
def _target(file: BinaryIO, head: Head | None = None) -> Iterator[pyvips.TargetCustom]:
    """Where libvips writes to; `head` adds metadata to the head of the file.

    What is called from C can't raise: it notes what the disk said, and libvips gives up. So nobody has to guess from
    libvips' words whether it was the disk.
    """
    waiting = b"" if head else None
    failures = list[OSError]()

    def noted(call: Callable[P, int]) -> Callable[P, int]:
        def run(*args: P.args, **kwargs: P.kwargs) -> int:
            try:
                return call(*args, **kwargs)
            except OSError as exc:
                failures.append(exc)
                return -1

        return run

    def write(data: bytes) -> int:
        nonlocal waiting
        if head is None or waiting is None:
            file.write(data)
            return len(data)
        waiting += bytes(data)
        if found := head(waiting):
            changed, length = found
            file.write(changed + waiting[length:])
            waiting = None
        return len(data)

    target = pyvips.TargetCustom()
    target.on_write(noted(write))
    if head is None:  # a TIFF's writer goes back
        target.on_read(file.read)
        target.on_seek(noted(file.seek))
    try:
        with _memory():
            yield target
    except pyvips.Error:
        if failures:
            raise failures[0] from None
        raise


def _jpeg_head(metadata: Metadata, data: bytes) -> tuple[bytes, int] | None:
    if len(data) < len(JPEG_HEAD):
        return None
    file = io.BytesIO(JPEG_HEAD)
    set_header_density(file, metadata, FormatName.JPEG)
    written = len(JPEG_HEAD) if data[JFIF_NAME:].startswith(b"JFIF\0") else len(START)
    return file.getvalue() + bytes(pillow_options(metadata, FormatName.JPEG)["extra"]), written


def _png_head(metadata: Metadata, data: bytes) -> tuple[bytes, int] | None:
    """Without the resolution that libvips adds."""
    first = next((chunk for chunk in png_chunks(data) if chunk.name == b"IDAT"), None)
    if first is None:
        return None
    file = file_for(metadata, FormatName.PNG)
    file.write(data[:PNG_HEAD])
    return file.getvalue(), first.start - 8


def _describe_tiff(path: Path, metadata: Metadata) -> None:
    """Give a TIFF that libvips wrote a directory with metadata: a new one at its end, with the same pixels."""
    data = map_file(path)
    layout = LAYOUTS[data[:4]]
    stored = read_directory(data, first_directory(data, layout), layout, only=STRUCTURE).entries
    described, inner = tiff_tags(metadata)
    start = len(data) + len(data) % 2
    with path.open("r+b") as file:
        file.seek(start)
        is_big = layout.offset == "Q"
        file.write(write_directories(described | stored, inner, layout.order, start, is_big=is_big))
        file.seek(layout.first)
        file.write(struct.pack(layout.order + layout.offset, start))


@contextlib.contextmanager
def _corrupt() -> Iterator[None]:
    try:
        with _memory():
            yield
    except pyvips.Error as exc:
        raise ImageCorrupt(_reason(exc)) from exc


@contextlib.contextmanager
def _memory() -> Iterator[None]:
    """Say that it was memory that lacked. libvips has no codes of errors, but words, and the system's."""
    try:
        yield
    except pyvips.Error as exc:
        if "out of memory" in str(exc) or os.strerror(errno.ENOMEM) in str(exc):
            raise MemoryError(_reason(exc)) from exc
        raise


def _reason(exc: pyvips.Error) -> str:
    """What libvips says, in one line, without the path of the file."""
    lines = dict.fromkeys(line.strip() for line in str(exc.detail or "").splitlines())
    return "; ".join(line for line in lines if line and os.sep not in line)[:200] or "it is damaged"
