"""A decoded picture: pixel arrays and metadata."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from superscaling.format_name import FormatName
from superscaling.geometry import Box
from superscaling.pictures.density import Density

# Channels of colour -> mode, without alpha.
MODES = {1: "L", 3: "RGB", 4: "CMYK"}

# Levels of colour or alpha, of 8 or 16 bits.
Samples = NDArray[np.uint8 | np.uint16]
# Height and width in px.
Size = tuple[int, int]


@dataclass(frozen=True)
class Metadata:
    """What describes a picture, as bytes of its file. Of a decoded picture it is corrected: the orientation is reset.

    `exif`: the block without a prefix; `density`: pixels per unit; `png_colours`: names and contents of the chunks with
    which a PNG describes its colours, instead of `icc`; `texts`: names and contents of a PNG's chunks of text;
    `comments`: of JPEG and GIF; `iptc`: records (IIM); `photoshop`: other resources of Photoshop (8BIM); `geo`: tags of
    a GeoTIFF, with their types, in little-endian order; `size`: height and width in px of what it describes; `crop`:
    the part of the picture of `size` that the frame shows, None: all; `lost`: what of the file's metadata is not here,
    in words.
    """

    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    density: Density | None = None
    png_colours: tuple[tuple[bytes, bytes], ...] = ()
    texts: tuple[tuple[bytes, bytes], ...] = ()
    comments: tuple[bytes, ...] = ()
    iptc: bytes | None = None
    photoshop: bytes | None = None
    geo: tuple[tuple[int, int, bytes], ...] = ()
    size: Size | None = None
    crop: Box | None = None
    lost: tuple[str, ...] = ()

    @property
    def resolution(self) -> Density | None:
        """`density`, if it has a unit."""
        return self.density if self.density and self.density.is_resolution else None

    @property
    def aspect(self) -> Density | None:
        """`density`, if it has no unit and says that pixels are not square."""
        return self.density if self.density and self.density.is_aspect else None

    @property
    def dpi(self) -> tuple[float, float] | None:
        """The resolution in dots per inch."""
        dpi = self.density.dpi if self.density else None
        return None if dpi is None else (float(dpi[0]), float(dpi[1]))


@dataclass(frozen=True)
class Frame:
    """A still picture, a page, or what an animation shows at one moment.

    `colour`: (h, w, 1) grey, (h, w, 3) RGB or (h, w, 4) CMYK (255 is all ink), uint8; grey and RGB may be uint16;
    `alpha`: (h, w), of the colour's type, or None if there is none; `milliseconds`: how long an animation shows it;
    `metadata`: the page's, or in an animation the file's.
    """

    colour: Samples
    alpha: Samples | None = None
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
        """`L`, `LA`, `RGB`, `RGBA` or `CMYK`; with 16 bits `I;16`, `LA;16`, `RGB;16` or `RGBA;16`."""
        mode = MODES[self.colour.shape[2]] + ("" if self.alpha is None else "A")
        if not self.is_16_bit:
            return mode
        return "I;16" if mode == "L" else f"{mode};16"

    @property
    def is_16_bit(self) -> bool:
        """Whether the samples have 16 bits."""
        return self.colour.dtype == np.uint16

    @property
    def is_opaque(self) -> bool:
        """Whether no pixel is transparent."""
        return self.alpha is None or bool((self.alpha == np.iinfo(self.alpha.dtype).max).all())


@dataclass(frozen=True)
class Picture:
    """A decoded image file.

    `frames`: one; or an animation's, of equal size and mode; or pages, each with its own; `format`: of the file;
    `plays`: how many times an animation runs, 0 for ever; `is_lossless`: whether a WebP was compressed without loss;
    `notes`: what of the file is not in the picture, for people.
    """

    frames: tuple[Frame, ...]
    format: FormatName
    plays: int = 1
    is_lossless: bool = False
    notes: tuple[str, ...] = ()

    @property
    def sizes(self) -> list[Size]:
        """Height and width of each frame in px."""
        return [(frame.height, frame.width) for frame in self.frames]

    @property
    def height(self) -> int:
        """Of the first frame in px."""
        return self.frames[0].height

    @property
    def width(self) -> int:
        """Of the first frame in px."""
        return self.frames[0].width


def to_8_bits(samples: Samples) -> NDArray[np.uint8]:
    """16-bit levels to the nearest 8-bit levels; 8-bit levels stay as they are."""
    if samples.dtype == np.uint8:
        return np.asarray(samples, np.uint8)
    return ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)


def in_8_bits(frame: Frame) -> Frame:
    """The frame with colour and alpha rounded to 8 bits."""
    alpha = None if frame.alpha is None else to_8_bits(frame.alpha)
    return replace(frame, colour=to_8_bits(frame.colour), alpha=alpha)
