"""The seam between the upscaler and whatever runs the network: one method and a few facts."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class KnownAnswer:
    """What the reference network (ISR on TensorFlow, fp32) made of a small picture.

    `pixels`: (h, w, 3) uint8; `expected`: (scale h, scale w, 3) float32 in 8-bit levels, neither
    clamped nor rounded; `tolerance`: the largest difference in levels that the engine's precision explains.
    """

    pixels: np.ndarray
    expected: np.ndarray
    tolerance: float


@dataclass(frozen=True)
class EngineFacts:
    """What others need to know of an engine and its model.

    `halo`: px of context a tile needs on each side; `threads`: CPU threads the network runs on.
    """

    model: str
    engine: str
    precision: str
    threads: int
    scale: int
    halo: int

    def __str__(self) -> str:
        return f"{self.model} {self.engine} {self.precision}"


class Engine(Protocol):
    """Runs a network. One call at a time: callers take turns (`Lane`)."""

    @property
    def facts(self) -> EngineFacts:
        """The model, and how it is run."""

    def infer(self, batch: np.ndarray) -> np.ndarray:
        """Enlarge one picture.

        Args:
            batch: (1, h, w, 3) float32, RGB in [0, 1], any h and w from 1.

        Returns:
            (1, scale h, scale w, 3) float32, about [0, 1] and not clamped. The network pads with zeros at
            the border, as its convolutions do.
        """
