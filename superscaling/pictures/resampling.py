"""Reduction of planes by Pillow's Lanczos kernel."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from superscaling.pictures.picture import Size

# The kernel reaches so many px of the result to each side of a pixel's centre.
LANCZOS_SUPPORT = 3


def reduce_plane(
    plane: NDArray[np.float32], size: Size, box: tuple[float, float, float, float] | None = None
) -> NDArray[np.float32]:
    """Reduce a plane (h, w) of any values; the result may overshoot at edges.

    Args:
        plane: at least as large as its reduction.
        size: height and width of the result in px.
        box: what of the plane the result shows: left, top, right, bottom in px; None: all of it. The kernel sees what
            is around it, too.
    """
    height, width = size
    image = Image.fromarray(np.ascontiguousarray(plane))
    reduced: NDArray[np.float32] = np.array(image.resize((width, height), Image.Resampling.LANCZOS, box))
    return reduced
