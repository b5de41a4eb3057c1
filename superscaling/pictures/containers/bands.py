"""Pictures that don't fit into memory, row by row: decoded, and encoded, by libvips at flat memory."""

import functools
import io
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyvips

from superscaling.errors import ImageCorrupt
from superscaling.format_name import FormatName
from superscaling.pictures.containers.chunks import png_chunks
from superscaling.pictures.containers.directories import LAYOUTS, first_directory, read_directory
from superscaling.pictures.containers.directory_writing import write_directories
from superscaling.pictures.containers.mapped_file import map_file
from superscaling.pictures.containers.png_writing import FILTER, LEVEL
from superscaling.pictures.containers.tiff_writing import LEVEL as TIFF_LEVEL
from superscaling.pictures.containers.tiff_writing import MAX_BYTES
from superscaling.pictures.containers.vips import INTERPRETATIONS
from superscaling.pictures.metadata.from_tiff import STRUCTURE
from superscaling.pictures.metadata.writing import (
    JFIF_DENSITY,
    PNG_HEAD,
    file_for,
    pillow_options,
    set_header_density,
    tiff_tags,
)
from superscaling.pictures.picture import Metadata, Samples, Size

Dtype = np.dtype[np.uint8 | np.uint16]

# Rows decoded at a time.
ROWS = 64
# The header of a JPEG that libvips writes: start, and the JFIF segment.
JPEG_HEAD = JFIF_DENSITY + struct.calcsize(">BHHBB")
RAW_LOADER = "VipsForeignLoadRaw"
# libvips' name of their type.
DTYPES: dict[str, Dtype] = {"uchar": np.dtype(np.uint8), "ushort": np.dtype(np.uint16)}


class RowReader:
    """The pixels of an image file, from the first row to the last.

    `size`: height and width in px as stored; `channels`: with alpha; `dtype`: uint8 or uint16; None: it is another;
    `is_whole_first`: whether it can only be decoded as a whole, as a progressive JPEG.

    Raises:
        ImageCorrupt: it can't be opened.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._image = pyvips.Image.new_from_file(str(path), access="sequential", fail_on="truncated")
        except pyvips.Error as exc:
            raise ImageCorrupt(_reason(exc)) from exc
        self.size: Size = (self._image.height, self._image.width)
        self.channels: int = self._image.bands
        self.dtype = DTYPES.get(self._image.format)
        fields = self._image.get_fields()
        self.is_whole_first = any(
            name in fields and bool(self._image.get(name)) for name in ("jpeg-multiscan", "interlaced")
        )

    def rows(self) -> Iterator[Samples]:
        """The rows, (up to `ROWS`, w, c).

        Raises:
            ImageCorrupt: it is truncated or damaged.
        """
        height, width = self.size
        region = pyvips.Region.new(self._image)
        for top in range(0, height, ROWS):
            count = min(ROWS, height - top)
            try:
                data = region.fetch(0, top, width, count)
            except pyvips.Error as exc:
                raise ImageCorrupt(_reason(exc)) from exc
            yield np.frombuffer(data, self.dtype).reshape(count, width, self.channels)


def write_rows(
    path: Path,
    blocks: Sequence[Path],
    width: int,
    samples: Dtype,
    channels: int,
    name: FormatName,
    quality: int,
    full_chroma: bool,
    metadata: Metadata,
    most_bytes: int = MAX_BYTES,
) -> None:
    """Encode rows of pixels, which lie in files, as JPEG, PNG or TIFF.

    Args:
        path: of the image file.
        blocks: files of whole rows in the machine's byte order, from the top.
        width: in px.
        samples: their type.
        channels: 1 or 3.
        name: the format.
        quality: of a JPEG, 1 to 100.
        full_chroma: whether a JPEG's chroma is not subsampled.
        metadata: what the file shall have.
        most_bytes: of pixels in a TIFF with offsets of 32 bits; one with more becomes a BigTIFF.
    """
    parts = _raw(blocks, width, samples, channels)
    while len(parts) > 1:  # in pairs: libvips walks down to a part, and a chain would be as deep as long
        parts = [
            one.join(*other, "vertical") if other else one
            for one, *other in (parts[at : at + 2] for at in range(0, len(parts), 2))
        ]
    (image,) = parts
    match name:
        case FormatName.JPEG:
            with path.open("wb") as file:
                target = _target(file, functools.partial(_jpeg_head, metadata))
                image.jpegsave_target(target, Q=quality, subsample_mode="off" if full_chroma else "on", keep="none")
        case FormatName.PNG:
            with path.open("wb") as file:
                target = _target(file, functools.partial(_png_head, metadata))
                image.pngsave_target(
                    target, compression=LEVEL, filter=FILTER, bitdepth=8 * samples.itemsize, keep="none"
                )
        case _:
            is_big = sum(block.stat().st_size for block in blocks) > most_bytes
            image.tiffsave(
                str(path), compression="deflate", predictor="horizontal", level=TIFF_LEVEL, bigtiff=is_big, keep="none"
            )
            _describe_tiff(path, metadata)


def _raw(blocks: Sequence[Path], width: int, samples: Dtype, channels: int) -> list[pyvips.Image]:
    """Pixels that lie in files, as libvips reads them. It does not read any bytes as pixels unless it is told to."""
    row = width * channels * samples.itemsize
    pyvips.operation_block_set(RAW_LOADER, False)
    try:
        return [
            pyvips.Image.rawload(
                str(block),
                width,
                block.stat().st_size // row,
                channels,
                format="uchar" if samples.itemsize == 1 else "ushort",
                interpretation=INTERPRETATIONS[channels][samples.itemsize == 2],
            )
            for block in blocks
        ]
    finally:
        pyvips.operation_block_set(RAW_LOADER, True)


# The beginning of a file -> the same with metadata, and how long it was; None: not all of it is there yet.
Head = Callable[[bytes], tuple[bytes, int] | None]


def _target(file: BinaryIO, head: Head) -> pyvips.TargetCustom:
    """Where libvips writes to, which adds metadata to the head of the file."""
    waiting: bytes | None = b""

    def write(data: bytes) -> int:
        nonlocal waiting
        if waiting is None:
            file.write(data)
            return len(data)
        waiting += bytes(data)
        if found := head(waiting):
            changed, length = found
            file.write(changed + waiting[length:])
            waiting = None
        return len(data)

    target = pyvips.TargetCustom()
    target.on_write(write)
    return target


def _jpeg_head(metadata: Metadata, data: bytes) -> tuple[bytes, int] | None:
    if len(data) < JPEG_HEAD:
        return None
    file = io.BytesIO(data[:JPEG_HEAD])
    set_header_density(file, metadata, FormatName.JPEG)
    return file.getvalue() + bytes(pillow_options(metadata, FormatName.JPEG)["extra"]), JPEG_HEAD


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


def _reason(exc: pyvips.Error) -> str:
    """What libvips says, in one line, without the path of the file."""
    lines = [line.strip() for line in str(exc.detail or exc.message).splitlines()]
    return "; ".join(line for line in lines if line and os.sep not in line)[:200] or "it is damaged"
