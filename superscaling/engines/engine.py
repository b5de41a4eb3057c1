"""The interface of engines, which run networks: one method and a few facts."""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from superscaling.models import Kind, ModelFiles

# Levels from 0 to 255, or to 65535.
Pixels = NDArray[np.uint8 | np.uint16]

# The device that every machine has, as OpenVINO names it.
CPU = "CPU"
# The most work for a full tile with its context, in multiplications: 5 to 6 s in bf16 on 2 cores, for which all wait.
MAX_TURN_WORK = 10**12


@dataclass(frozen=True)
class EngineFacts:
    """An engine and its model.

    `kind`: what the model's results are meant to be; `threads`: CPU threads of the network; `device`: that runs it,
    as OpenVINO names it; `halo`: px of context that a tile needs on each side; `views`: how many views of each tile
    the network is shown (self-ensemble); `work`: of the network, in multiplications per px, 0 if unknown;
    `multiple`, `least`: windows are padded to sides that are multiples of so many px, and at least so long;
    `strength`: the model's share of the results, less than 1 if they are mixed with those of its milder sibling.
    """

    model: str
    engine: str
    precision: str
    threads: int
    scale: int
    halo: int
    kind: Kind = Kind.FAITHFUL
    views: int = 1
    multiple: int = 1
    work: int = 0
    strength: float = 1.0
    least: int = 1
    device: str = CPU

    @property
    def context(self) -> int:
        """Px of context that a tile takes, so that `halo` of them remain if it is cut at multiples."""
        return self.halo + self.multiple - 1

    def tile_edge(self, most: int) -> int:
        """Edge in px of a full tile's core: `most`, or less if a turn had more work than `MAX_TURN_WORK`.

        Not less than twice the context, though: then tiles with their context have four times the picture's px.
        It depends on the network alone, so tiles are the same on all machines.
        """
        turn = math.isqrt(MAX_TURN_WORK // max(1, self.work))
        return min(most, max(turn, 4 * self.context) - 2 * self.context)

    @classmethod
    def of(cls, model: ModelFiles, engine: str, precision: str, threads: int, device: str = CPU) -> "EngineFacts":
        """The facts of an engine that runs `model`."""
        return cls(
            model=model.name,
            engine=engine,
            precision=precision,
            threads=threads,
            scale=model.scale,
            halo=model.halo,
            kind=model.kind,
            multiple=model.multiple,
            work=model.work,
            least=model.least,
            device=device,
        )

    def __str__(self) -> str:
        device = f" {self.device}" if self.device != CPU else ""
        views = f" {self.views} views" if self.views > 1 else ""
        strength = f" strength {self.strength:g}" if self.strength != 1 else ""
        return f"{self.model} {self.engine} {self.precision}{device}{views}{strength}"


class Engine(Protocol):
    """Runs a network. Not thread-safe: callers take turns."""

    @property
    def facts(self) -> EngineFacts:
        """The model and how it is run."""

    def infer(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Enlarge one picture.

        Args:
            batch: (1, h, w, 3) float32, RGB in [0, 1], any h and w from 1.

        Returns:
            (1, scale h, scale w, 3) float32, about [0, 1], not clamped; the caller may change it. At the border the
            network pads as its convolutions do, with zeros; a picture whose sides it does not take is mirrored at the
            right and at the bottom before that.
        """


def infer_levels(engine: Engine, pixels: Pixels) -> NDArray[np.float32]:
    """Enlarge (h, w, 3) to (scale h, scale w, 3) float32, in levels of the pixels' type, not clamped, not rounded."""
    most = np.float32(np.iinfo(pixels.dtype).max)
    batch = pixels[np.newaxis].astype(np.float32, order="C")  # contiguous: engines share the memory
    batch /= most
    levels: NDArray[np.float32] = engine.infer(batch)[0]
    levels *= most  # in place, as above: new memory for each tile would cost more than the arithmetic
    return levels
