"""The test that an engine must pass before it is used."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class KnownAnswer:
    """A small picture and the output of the reference network (ISR on TensorFlow, or the network itself, in fp32).

    `pixels`: (h, w, 3) uint8; `expected`: (scale h, scale w, 3) float32 in 8-bit levels, not clamped, not rounded;
    `tolerance`: the largest difference in levels that the engine's precision explains.
    """

    pixels: NDArray[np.uint8]
    expected: NDArray[np.float32]
    tolerance: float
