"""The seam between the upscaler and whatever runs the network: one method and a few facts."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

# Levels from 0 to 255 or to 65535.
Pixels = NDArray[np.uint8 | np.uint16]


@dataclass(frozen=True)
class EngineFacts:
    """What others need to know of an engine and its model.

    `halo`: px of context a tile needs on each side; `threads`: CPU threads the network runs on; `views`: how often it
    is shown each tile, see `self_ensemble`.
    """

    model: str
    engine: str
    precision: str
    threads: int
    scale: int
    halo: int
    views: int = 1

    def __str__(self) -> str:
        views = f" {self.views} views" if self.views > 1 else ""
        return f"{self.model} {self.engine} {self.precision}{views}"


class Engine(Protocol):
    """Runs a network. One call at a time: callers take turns (`FairLock`)."""

    @property
    def facts(self) -> EngineFacts:
        """The model, and how it is run."""

    def infer(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Enlarge one picture.

        Args:
            batch: (1, h, w, 3) float32, RGB in [0, 1], any h and w from 1.

        Returns:
            (1, scale h, scale w, 3) float32, about [0, 1] and not clamped; the caller's own, to change. The network
            pads with zeros at the border, as its convolutions do.
        """


def infer_levels(engine: Engine, pixels: Pixels) -> NDArray[np.float32]:
    """Enlarge (h, w, 3) to (scale h, scale w, 3) float32 in levels of the pixels' type, neither clamped nor rounded."""
    most = np.float32(np.iinfo(pixels.dtype).max)
    batch = pixels[np.newaxis].astype(np.float32, order="C")  # whichever way the pixels lie: engines share the memory
    batch /= most
    levels: NDArray[np.float32] = engine.infer(batch)[0]
    levels *= most  # in place, here and above: memory that is taken anew for each tile costs more than the arithmetic
    return levels
