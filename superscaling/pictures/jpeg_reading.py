"""The reader of JPEG, also of files that end early: which rows have no data, and how many may be missing."""

import numpy as np
from PIL import ImageChops, ImageFile

from superscaling.errors import ImageCorrupt
from superscaling.format_name import FormatName
from superscaling.pictures.containers.jpeg_outline import END, outline_jpeg
from superscaling.pictures.containers.jpeg_segments import without_descriptions
from superscaling.pictures.frames import upright_frame
from superscaling.pictures.limits import Limits
from superscaling.pictures.loading import LACKS_END_MARK, reading_notes
from superscaling.pictures.metadata.from_jpeg import pictures_in, read_jpeg
from superscaling.pictures.opening import open_image
from superscaling.pictures.picture import Picture

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


class JpegReader:
    """JPEG, and the first picture of an MPO."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        self._file, self._limits = data, limits
        self._outline = outline_jpeg(data)
        # The picture without its end mark, and without metadata, at which the decoder might stop.
        self._data = without_descriptions(data[: self._outline.end].rstrip(b"\xff"), self._outline.head)
        if self._is_cut and self._data.endswith(UNFILLED):
            self._data = self._data.rstrip(b"\0").rstrip(b"\xff")
        self._image = open_image(self._data + END, FormatName.JPEG, limits)
        self.sizes = ((self._image.height, self._image.width),)

    def decode(self) -> Picture:
        """Decode the first picture.

        Raises:
            ImageCorrupt: too much of it is missing.
        """
        notes = reading_notes(self._image)
        if (pictures := pictures_in(self._file, self._outline)) > 1:  # previews, or the view of the other eye
            notes += (f"only the first of {pictures} images in the file was read",)
        if self._is_cut and max(self._outline.unfinished.values(), default=0) > self._outline.is_refining:
            raise ImageCorrupt("it ends early: scans are missing")
        frame = upright_frame(self._image, read_jpeg(self._file, self._outline))
        if self._is_cut or _ends_grey(self._image):
            notes += self._ending()
        elif self._outline.is_progressive and self._outline.unfinished:
            notes += ("scans that would refine the picture are missing",)
        return Picture((frame,), FormatName.JPEG, notes=notes)

    @property
    def _is_cut(self) -> bool:
        return bool(self._outline.scans) and not self._outline.has_end_mark

    def _ending(self) -> tuple[str, ...]:
        """What is missing at the end of the picture, in words.

        Raises:
            ImageCorrupt: too much.
        """
        outline, height = self._outline, self._image.height
        missing = height - min(self._first_difference(seed) for seed in SEEDS)
        if outline.is_refining:
            share = sum(outline.shares[number] for number in outline.unfinished)
            share += missing / height * sum(outline.shares.get(number, 0) for number in outline.last_components)
            if share >= MISSING_BITS:
                raise ImageCorrupt(f"it ends early: {min(1, share):.0%} of its samples lack their last bit")
            if share:
                return ("the file ends early: its finest details are incomplete",)
        if missing > max(MISSING_ROWS * height, outline.block_height) or missing >= NEVER_ROWS * height:
            raise ImageCorrupt(f"it ends early: {missing} of its {height} rows are missing")
        if missing:
            return (f"the file ends early: the last {missing} of its {height} rows are missing, and grey",)
        return (LACKS_END_MARK,) if self._is_cut else ()

    def _first_difference(self, seed: int) -> int:
        """The first row of blocks that depends on what follows the file's end; the height if there is none.

        The decoder reads on in noise: where that changes the picture, the file has no data for it.
        """
        noise = np.random.default_rng(seed).integers(0, 255, NOISE_BYTES, np.uint8).tobytes()  # no markers
        other = open_image(self._data + noise + END, FormatName.JPEG, self._limits)
        other.load()
        box = ImageChops.difference(self._image, other).getbbox()
        if box is None:
            return self._image.height
        block = self._outline.block_height
        # Colour of half resolution is blended with the row above.
        return (box[1] + 1) // block * block


def _ends_grey(image: ImageFile.ImageFile) -> bool:
    """Whether the last block may be one that a decoder has filled in."""
    width, height = image.size
    corner = image.crop((max(0, width - CORNER), max(0, height - CORNER), width, height))
    extremes = corner.getextrema()
    bands = extremes if isinstance(extremes[0], tuple) else (extremes,)
    return all(GREY[0] <= low and high <= GREY[1] for low, high in bands)
