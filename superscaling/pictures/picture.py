"""A decoded picture: pixel arrays, and what came with them."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from superscaling.format_name import FormatName

# Channels of colour -> the mode's name, without alpha.
MODES = {1: "L", 3: "RGB", 4: "CMYK"}

# Of colour: 8 bits of anything, or 16 bits of grey.
Samples = NDArray[np.uint8 | np.uint16]


@dataclass(frozen=True)
class Metadata:
    """What is carried along: `icc`, `exif` and `xmp` as bytes (the orientation already reset), `dpi` as (x, y).

    `png_colours`: names and contents of the chunks with which a PNG says what its colours are, instead of by `icc`.
    """

    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    png_colours: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(frozen=True)
class Frame:
    """One picture of a file: what an animation shows at one moment, a page, or all there is.

    `colour`: (h, w, 1) grey, (h, w, 3) RGB or (h, w, 4) CMYK (255 is all ink), uint8; grey may be uint16; `alpha`:
    (h, w) uint8, or None where the picture has none; `milliseconds`: how long an animation shows it; `metadata`: a
    page's own; those of an animation are the file's.
    """

    colour: Samples
    alpha: NDArray[np.uint8] | None = None
    milliseconds: float = 0
    metadata: Metadata = field(default_factory=Metadata)

    @property
    def height(self) -> int:
        """In px."""
        return int(self.colour.shape[0])

    @property
    def width(self) -> int:
        """In px."""
        return int(self.colour.shape[1])

    @property
    def mode(self) -> str:
        """`L`, `LA`, `RGB`, `RGBA`, `CMYK` or `I;16`, by Pillow's names."""
        if self.colour.dtype == np.uint16:
            return "I;16"
        return MODES[self.colour.shape[2]] + ("" if self.alpha is None else "A")

    @property
    def is_opaque(self) -> bool:
        """Whether nothing shines through."""
        return self.alpha is None or bool((self.alpha == 255).all())


@dataclass(frozen=True)
class Picture:
    """An image file, decoded.

    `frames`: one, or an animation's (of equal size and mode), or pages (each as it is); `format`: the file's;
    `plays`: how often an animation runs, 0 for ever; `is_lossless`: in a format that can be either (WebP), the file
    was written without loss; `notes`: what of the file is not in the picture, for people.
    """

    frames: tuple[Frame, ...]
    format: FormatName
    plays: int = 1
    is_lossless: bool = False
    notes: tuple[str, ...] = ()

    @property
    def height(self) -> int:
        """Of the first frame, in px."""
        return self.frames[0].height

    @property
    def width(self) -> int:
        """Of the first frame, in px."""
        return self.frames[0].width
