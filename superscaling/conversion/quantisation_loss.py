"""Measures what a quantised network loses against fp32."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from superscaling.conversion.similarity import MAX_LEVEL, psnr
from superscaling.engines import Engine, Pixels, infer_levels
from superscaling.models import Acceptance

# Edge in px of the squares whose means are compared.
SQUARE = 8
# px at the border that don't count, because of the network's zero padding.
BORDER = 8


def measure_acceptance(reference: Engine, quantised: Engine, originals: Sequence[Pixels]) -> Acceptance:
    """Compare a quantised network with its fp32 reference.

    Args:
        reference: the network in fp32.
        quantised: the same network, quantised.
        originals: (h, w, 3) uint8, sides multiples of the scale. They are reduced, enlarged by both networks, and
            compared with the results. They must not have been used for calibration.
    """
    losses = []
    for original in originals:
        small = reduce(original, reference.facts.scale)
        losses.append(_psnr(reference, small, original) - _psnr(quantised, small, original))
    inside = np.s_[BORDER:-BORDER, BORDER:-BORDER]
    differences = [
        (infer_levels(quantised, picture) - infer_levels(reference, picture))[inside]
        for picture in gradients().values()
    ]
    return Acceptance(
        loss=round(float(np.mean(losses)), 4),
        bands=round(max(float(np.abs(means(each, SQUARE)).max()) for each in differences), 3),
        pixels=round(max(float(np.abs(each).max()) for each in differences), 3),
    )


def gradients(height: int = 96, width: int = 256) -> dict[str, NDArray[np.uint8]]:
    """Smooth pictures (height, width, 3), by name, which should show no bands.

    Grey, dark and saturated ramps, steps of a single level, and two crossing hues.
    """
    ramp = np.broadcast_to(np.linspace(0, 1, width), (height, width))
    down = np.broadcast_to(np.linspace(0, 1, height)[:, np.newaxis], (height, width))
    planes = {
        "0 to 255": (255 * ramp, 255 * ramp, 255 * ramp),
        "0 to 40": (40 * ramp, 40 * ramp, 40 * ramp),
        "120 to 128": (120 + 8 * ramp, 120 + 8 * ramp, 120 + 8 * ramp),
        "black to red": (255 * ramp, 0 * ramp, 0 * ramp),
        "blue to green": (0 * ramp, 255 * ramp, 255 * (1 - ramp)),
        "two hues": (90 + 60 * ramp, 150 + 60 * down, 255 - 60 * ramp),
    }
    return {name: np.rint(np.stack(each, axis=-1)).astype(np.uint8) for name, each in planes.items()}


def reduce(pixels: Pixels, scale: int) -> NDArray[np.uint8]:
    """(h, w, 3) to (h / scale, w / scale, 3): means of squares of `scale` px, rounded."""
    return np.rint(means(pixels, scale)).astype(np.uint8)


def means(values: NDArray[Any], edge: int) -> NDArray[np.float64]:
    """(h, w, 3) to (h / edge, w / edge, 3): means of squares of `edge` px."""
    height, width, channels = values.shape
    squares = values.reshape(height // edge, edge, width // edge, edge, channels)
    return np.asarray(squares.mean(axis=(1, 3), dtype=np.float64))


def _psnr(engine: Engine, small: Pixels, original: Pixels) -> float:
    enlarged = np.rint(np.clip(infer_levels(engine, small), 0, MAX_LEVEL))
    inside = np.s_[BORDER:-BORDER, BORDER:-BORDER]
    return psnr(enlarged[inside], original[inside])
