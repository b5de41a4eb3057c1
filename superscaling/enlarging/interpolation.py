"""Enlargement of planes by interpolation, without a network."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

# px around what is enlarged that `enlarge_linearly` needs on each side.
MARGIN = 1


def enlarge_linearly(values: NDArray[Any], scale: int) -> NDArray[np.float32]:
    """Enlarge linearly: (h + 2, w + 2) to (scale h, scale w) float32; the margin of 1 px is context."""
    rows = _enlarge_rows(values.astype(np.float32), scale)
    return _enlarge_rows(rows.T, scale).T


def _enlarge_rows(values: NDArray[np.float32], scale: int) -> NDArray[np.float32]:
    """(h + 2, w) to (scale h, w)."""
    inner, to_next = values[1:-1], values[1:] - values[:-1]
    height, width = inner.shape
    # In memory as the input, whichever of its axes is contiguous.
    enlarged = np.empty_like(values, shape=(height, scale, width))
    for phase in range((scale + 1) // 2):
        distance = np.float32(0.5 - (phase + 0.5) / scale)  # px to the centre of the pixel
        steps = distance * to_next
        np.subtract(inner, steps[:-1], out=enlarged[:, phase])
        np.add(inner, steps[1:], out=enlarged[:, scale - 1 - phase])
    return enlarged.reshape(height * scale, width)
