"""Gigantic pictures: image files on the disk that never are in memory as a whole. Inspect, cut into bands, join."""

import dataclasses
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from superscaling.errors import UnsupportedMode
from superscaling.format_name import FormatName
from superscaling.geometry import Box, Span
from superscaling.metadata_choice import MetadataChoice
from superscaling.pictures.containers.bands import Dtype, RowReader, write_rows
from superscaling.pictures.containers.jpeg_outline import END
from superscaling.pictures.containers.spliced import Part
from superscaling.pictures.encoding import FULL_CHROMA_QUALITY, REDUCED_TO_8_BITS, notes_on_metadata
from superscaling.pictures.gigantic_kinds import WAY_OUT, Header, read_header
from superscaling.pictures.jpeg_reading import SEEDS, first_lacking, is_grey, noise, notes_on_ending
from superscaling.pictures.metadata.fitting import fitting, left_out, wanted
from superscaling.pictures.metadata.turning import NO_TURN, Turn
from superscaling.pictures.metadata.upright import upright
from superscaling.pictures.opening import decoder_errors
from superscaling.pictures.picture import Metadata, Samples, Size
from superscaling.recognition.formats import FORMATS

# Bytes of rows that are turned at a time.
TURNED_BYTES = 1 << 24


@dataclass(frozen=True)
class GiganticHeader:
    """What an image file is, as far as its header tells.

    `size`: height and width in px, upright; `channels`: of colour, 1 or 3; `has_alpha`: whether there is one more;
    `notes`: what of the file will not be in the result, for people.
    """

    format: FormatName
    size: Size
    channels: int
    has_alpha: bool
    is_16_bit: bool
    notes: tuple[str, ...]


@dataclass(frozen=True)
class CutBands:
    """What was seen while cutting.

    `checksum`: of all samples of colour, in order; `darkest` and `brightest` of them; `notes`: for people.
    """

    checksum: int
    darkest: int
    brightest: int
    notes: tuple[str, ...]


def inspect_gigantic(path: Path, max_pixels: int) -> GiganticHeader:
    """Read the header of an image file. Nothing is decoded.

    Args:
        path: of the file.
        max_pixels: the most px that it may have.

    Raises:
        UnsupportedImage: it is not a JPEG, PNG or TIFF.
        UnsupportedMode: it has to be decoded as a whole, or is not one picture in grey or RGB of 8 or 16 bits.
        ImageTooLarge, ImageTooComplex: it is beyond a limit.
        ImageCorrupt: it is damaged.
    """
    return _open(path, max_pixels).header


def cut_bands(path: Path, crop: Box, spans: Sequence[Span], folder: Path, max_pixels: int) -> CutBands:
    """Decode a file once, and write rows of it into files of their own.

    Args:
        path: of the image file.
        crop: the part of the upright picture that is used.
        spans: rows of that part, which may overlap.
        folder: where file `band_name(span)` has the samples of these rows, without alpha, in the machine's byte order.
        max_pixels: as for `inspect_gigantic`.

    Raises:
        UnsupportedMode: a pixel is transparent.
        ServiceError: as `inspect_gigantic`.
    """
    opened = _open(path, max_pixels)
    header = opened.header
    darkest, brightest, checksum, top = np.iinfo(np.uint16).max, 0, 0, 0
    waiting = sorted(set(spans))
    for rows in _upright_rows(opened, folder):
        bottom = top + len(rows)
        if header.has_alpha:
            _check_opaque(rows[:, :, -1])
            rows = rows[:, :, :-1]
        shown = np.ascontiguousarray(rows[max(0, crop.top - top) : max(0, crop.bottom - top), crop.left : crop.right])
        if shown.size:
            darkest, brightest = min(darkest, int(shown.min())), max(brightest, int(shown.max()))
            checksum = zlib.crc32(shown.data, checksum)
        first = max(0, top - crop.top)  # the row of the part that is the first of `shown`
        last = first + len(shown)
        waiting = [span for span in waiting if span[1] > first]
        for start, stop in waiting:
            if start >= last:
                break
            with (folder / band_name((start, stop))).open("ab") as file:
                file.write(shown[max(0, start - first) : stop - first].data)
        top = bottom
    notes = _notes_on_ending(path, opened)
    if header.has_alpha:
        notes += ("its alpha channel, opaque everywhere, was left out",)
    return CutBands(checksum, darkest, brightest, notes)


def band_name(span: Span) -> str:
    """The name of the file of a band."""
    return f"{span[0]}-{span[1]}"


def join_bands(
    source: Path,
    crop: Box,
    pieces: Sequence[Path],
    size: Size,
    is_16_bit: bool,
    name: FormatName,
    quality: int,
    choice: MetadataChoice,
    result: Path,
    max_pixels: int,
) -> tuple[str, ...]:
    """Write the enlarged picture as a file.

    Args:
        source: the image file that was enlarged, for its metadata.
        crop: its part that was used.
        pieces: files with the samples of the result, row by row, in the machine's byte order, of `piece_bytes`.
        size: height and width of the result in px.
        is_16_bit: its samples.
        name: its format.
        quality: of a JPEG.
        choice: which metadata it keeps.
        result: where it is written.
        max_pixels: as for `inspect_gigantic`.

    Returns:
        What it lacks, for people.
    """
    opened = _open(source, max_pixels)
    channels = opened.header.channels
    mode = {1: "I;16" if is_16_bit else "L", 3: "RGB;16" if is_16_bit else "RGB"}[channels]
    target = FORMATS[name]
    metadata = opened.metadata
    if crop.size != opened.header.size:
        metadata = dataclasses.replace(metadata, crop=crop)
    asked = wanted(metadata, choice)
    kept = fitting(asked, target, mode, size, is_alone=True)
    notes = notes_on_metadata(left_out(asked, kept), [kept], target)
    if opened.header.is_16_bit and not is_16_bit:
        notes.append(REDUCED_TO_8_BITS)
    samples: Dtype = np.dtype(np.uint16) if is_16_bit else np.dtype(np.uint8)
    full_chroma = quality >= FULL_CHROMA_QUALITY
    write_rows(result, pieces, size[1], samples, channels, name, quality, full_chroma, kept)
    return tuple(notes)


@dataclass(frozen=True)
class _Opened:
    header: GiganticHeader
    metadata: Metadata  # upright
    turn: Turn
    rows: RowReader
    file: Header


def _open(path: Path, max_pixels: int) -> _Opened:
    with decoder_errors():
        file = read_header(path, max_pixels)
    rows = RowReader(path, file.format, file.parts)
    if rows.dtype is None or rows.channels > 4:
        raise UnsupportedMode(f"the image's samples are not of 8 or 16 bits: {WAY_OUT}")
    if rows.is_whole_first:
        raise UnsupportedMode(
            f"the {file.format.upper()} is progressive or interlaced, and could only be decoded as a whole: save it"
            " without that (a JPEG without loss by jpegtran)"
        )
    with decoder_errors():
        turn, metadata = upright(file.metadata, rows.size)
    channels, has_alpha = divmod(rows.channels - 1, 2)
    header = GiganticHeader(
        file.format, turn.size(rows.size), 1 + 2 * channels, bool(has_alpha), rows.dtype.itemsize == 2, file.notes
    )
    return _Opened(header, metadata, turn, rows, file)


def _upright_rows(opened: _Opened, folder: Path) -> Iterator[Samples]:
    """The rows of the upright picture; one that has to be turned is written to the disk first."""
    reader = opened.rows
    if opened.turn is NO_TURN:
        yield from reader.rows()
        return
    path = folder / "stored"
    with path.open("wb") as file:
        for rows in reader.rows():
            file.write(rows.data)
    stored: Samples = np.memmap(path, reader.dtype or np.uint8, "r", shape=(*reader.size, reader.channels))
    path.unlink()
    is_swapped, reverses_rows, reverses_columns = opened.turn
    turned = stored.swapaxes(0, 1) if is_swapped else stored
    turned = turned[:: -1 if reverses_rows else 1, :: -1 if reverses_columns else 1]
    # Each row of a turned picture is on as many pages of the file as it has px: many are read at a time.
    step = max(1, TURNED_BYTES // max(1, turned[0].nbytes))
    for top in range(0, len(turned), step):
        yield np.ascontiguousarray(turned[top : top + step])


def _notes_on_ending(path: Path, opened: _Opened) -> tuple[str, ...]:
    """What is missing at the end of a JPEG, whose rows were all read; judged as by requests.

    Raises:
        ImageCorrupt: too much.
    """
    outline, reader = opened.file.outline, opened.rows
    if outline is None or not (outline.is_cut or is_grey(reader.corner)):
        return ()
    height, parts = reader.size[0], opened.file.parts
    sums = list(_checksums(path, parts))
    first = height  # row that changes with what follows; one reader at a time, as each takes some hundred rows
    for seed in SEEDS:
        others = enumerate(_checksums(path, [*parts[:-1], noise(seed), END]))
        first = min(first, next((row for row, value in others if value != sums[row]), height))
    return notes_on_ending(outline, height, height - first_lacking(outline, first) if first < height else 0)


def _checksums(path: Path, parts: Sequence[Part]) -> Iterator[int]:
    """Of each row of a JPEG."""
    for rows in RowReader(path, FormatName.JPEG, parts).rows():
        yield from map(zlib.crc32, rows)


def _check_opaque(alpha: Samples) -> None:
    if (alpha != np.iinfo(alpha.dtype).max).any():
        raise UnsupportedMode(f"the image has transparent parts: {WAY_OUT}")
