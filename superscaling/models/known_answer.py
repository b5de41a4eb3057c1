"""The picture that an engine has to answer rightly before it is trusted."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class KnownAnswer:
    """What the reference network (ISR on TensorFlow, fp32) made of a small picture.

    `pixels`: (h, w, 3) uint8; `expected`: (scale h, scale w, 3) float32 in 8-bit levels, neither
    clamped nor rounded; `tolerance`: the largest difference in levels that the engine's precision explains.
    """

    pixels: NDArray[np.uint8]
    expected: NDArray[np.float32]
    tolerance: float
