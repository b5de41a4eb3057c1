"""A decoded picture: pixel arrays, and what came with them."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from image_codec.formats import FormatName


@dataclass(frozen=True)
class Frame:
    """What is shown at one moment.

    `colour`: (h, w, 1) grey or (h, w, 3) RGB, uint8; `alpha`: (h, w) uint8, or None where the picture has none.
    """

    colour: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None = None

    @property
    def is_opaque(self) -> bool:
        """Whether nothing shines through."""
        return self.alpha is None or bool((self.alpha == 255).all())


@dataclass(frozen=True)
class Metadata:
    """What is carried along: `icc`, `exif` and `xmp` as bytes (the orientation already reset), `dpi` as (x, y)."""

    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None


@dataclass(frozen=True)
class Picture:
    """Frames of equal size and mode, from a file of format `format`.

    `is_lossless`: in a format that can be either (WebP), the file was written without loss.
    """

    frames: tuple[Frame, ...]
    format: FormatName
    metadata: Metadata = field(default_factory=Metadata)
    is_lossless: bool = False

    @property
    def height(self) -> int:
        """In px."""
        return int(self.frames[0].colour.shape[0])

    @property
    def width(self) -> int:
        """In px."""
        return int(self.frames[0].colour.shape[1])

    @property
    def mode(self) -> str:
        """`L`, `LA`, `RGB` or `RGBA`, by Pillow's names."""
        grey = self.frames[0].colour.shape[2] == 1
        return ("L" if grey else "RGB") + ("" if self.frames[0].alpha is None else "A")
