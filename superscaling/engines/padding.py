"""Sizes that networks take: pictures are padded to them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from superscaling.geometry import padded_side


def padded(batch: NDArray[Any], multiple: int, least: int) -> NDArray[Any]:
    """(1, h, w, c), mirrored at the right and at the bottom until the sides are what a network takes.

    Args:
        batch: h and w at least 1.
        multiple: both sides become multiples of so many px.
        least: and at least so long, a multiple itself.
    """
    missing = [padded_side(side, multiple, least) - side for side in batch.shape[1:3]]
    if not any(missing):
        return batch
    return np.pad(batch, ((0, 0), *((0, each) for each in missing), (0, 0)), mode="reflect")
