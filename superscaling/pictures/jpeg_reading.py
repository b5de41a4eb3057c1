"""The reader of JPEG, also of files that end early: which rows have no data, and how many may be missing."""

import numpy as np
from PIL import ImageChops

from superscaling.errors import ImageCorrupt
from superscaling.format_name import FormatName
from superscaling.pictures.containers.jpeg_outline import END, JpegOutline, outline_jpeg
from superscaling.pictures.containers.jpeg_segments import without_descriptions
from superscaling.pictures.frames import upright_frame
from superscaling.pictures.guards.jpeg import check_coded_rows
from superscaling.pictures.loading import LACKS_END_MARK, reading_notes
from superscaling.pictures.metadata.from_jpeg import pictures_in, read_jpeg
from superscaling.pictures.opening import open_image
from superscaling.pictures.picture import Picture, Samples
from superscaling.recognition.limits import Limits

# At most so much of the height may be missing; of a low picture at least one row of blocks, but never half.
MISSING_ROWS, NEVER_ROWS = 1 / 4, 1 / 2
# At most so many of all samples may lack their last bit, which a progressive file adds at its end.
MISSING_BITS = 1 / 3
# What stands in for missing data, in several variants: no two codes for pixels begin with all of them.
NOISE_BYTES, SEEDS = 4096, (0, 1)
# A file that was reserved and not filled ends in zeros, which are hardly ever data.
UNFILLED = bytes(64)
# Decoders leave missing blocks grey, in every channel. CMYK may be stored inverted.
GREY = (127, 128)
CORNER = 4  # px
TRIMMED = 1 << 16  # bytes looked at at a time


class JpegReader:
    """JPEG, and the first picture of an MPO."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        self._file, self._limits = data, limits
        self._outline = outline_jpeg(data)
        self._data = b"".join(data[part.start : part.stop] for part in pixel_parts(data, self._outline))
        self._image = open_image(self._data + END, FormatName.JPEG, limits)
        self.sizes = ((self._image.height, self._image.width),)
        check_coded_rows(self._outline, most_missing(self._outline, self._image.height))

    def decode(self) -> Picture:
        """Decode the first picture.

        Raises:
            ImageCorrupt: too much of it is missing.
        """
        notes = reading_notes(self._image)
        if (pictures := pictures_in(self._file, self._outline)) > 1:  # previews, or the view of the other eye
            notes += (f"only the first of {pictures} images in the file was read",)
        if self._outline.is_cut and max(self._outline.unfinished.values(), default=0) > self._outline.is_refining:
            raise ImageCorrupt("it ends early: scans are missing")
        frame = upright_frame(self._image, read_jpeg(self._file, self._outline))
        if self._outline.is_cut or self._ends_grey():
            missing = self._image.height - min(self._first_difference(seed) for seed in SEEDS)
            notes += notes_on_ending(self._outline, self._image.height, missing)
        elif self._outline.is_progressive and self._outline.unfinished:
            notes += ("scans that would refine the picture are missing",)
        return Picture((frame,), FormatName.JPEG, notes=notes)

    def _first_difference(self, seed: int) -> int:
        """The first row of blocks that depends on what follows the file's end; the height if there is none.

        The decoder reads on in noise: where that changes the picture, the file has no data for it.
        """
        other = open_image(self._data + noise(seed) + END, FormatName.JPEG, self._limits)
        other.load()
        box = ImageChops.difference(self._image, other).getbbox()
        return self._image.height if box is None else first_lacking(self._outline, box[1])

    def _ends_grey(self) -> bool:
        width, height = self._image.size
        return is_grey(np.asarray(self._image.crop((max(0, width - CORNER), max(0, height - CORNER), width, height))))


def pixel_parts(data: bytes, outline: JpegOutline) -> list[range]:
    """Where in a file its picture is, without its end mark, and without metadata, at which decoders might stop."""
    end = _trimmed(data, outline.end, b"\xff")
    if outline.is_cut and data[max(0, end - len(UNFILLED)) : end] == UNFILLED:
        end = _trimmed(data, _trimmed(data, end, b"\0"), b"\xff")
    return without_descriptions(data, outline.head, end)


def noise(seed: int) -> bytes:
    """What a decoder reads on in: where that changes the picture, the file has no data for it. Without markers."""
    return np.random.default_rng(seed).integers(0, 255, NOISE_BYTES, np.uint8).tobytes()


def first_lacking(outline: JpegOutline, row: int) -> int:
    """The first row of the row of blocks whose first difference is at `row`."""
    # Colour of half resolution is blended with the row above.
    return (row + 1) // outline.block_height * outline.block_height


def is_grey(corner: Samples) -> bool:
    """Whether the last block, whose last samples are given, may be one that a decoder has filled in."""
    return bool(((corner >= GREY[0]) & (corner <= GREY[1])).all())


def most_missing(outline: JpegOutline, height: int) -> float:
    """How many rows of a picture may be missing at its end."""
    return max(MISSING_ROWS * height, outline.block_height)


def notes_on_ending(outline: JpegOutline, height: int, missing: int) -> tuple[str, ...]:
    """What is missing at the end of a picture, in words.

    Args:
        outline: of its file.
        height: of the picture.
        missing: rows that what follows the file's end would change.

    Raises:
        ImageCorrupt: too much.
    """
    if outline.is_refining:
        share = sum(outline.shares[number] for number in outline.unfinished)
        share += missing / height * sum(outline.shares.get(number, 0) for number in outline.last_components)
        if share >= MISSING_BITS:
            raise ImageCorrupt(f"it ends early: {min(1, share):.0%} of its samples lack their last bit")
        if share:
            return ("the file ends early: its finest details are incomplete",)
    if missing > most_missing(outline, height) or missing >= NEVER_ROWS * height:
        raise ImageCorrupt(f"it ends early: {missing} of its {height} rows are missing")
    if missing:
        return (f"the file ends early: the last {missing} of its {height} rows are missing, and grey",)
    return (LACKS_END_MARK,) if outline.is_cut else ()


def _trimmed(data: bytes, end: int, byte: bytes) -> int:
    """Where the file up to `end` ends without such bytes at its end. Of gigantic files nothing more is copied."""
    while end:
        start = max(0, end - TRIMMED)
        if kept := len(data[start:end].rstrip(byte)):
            return start + kept
        end = start
    return 0
