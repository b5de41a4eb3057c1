"""Find the architecture of a weight file."""

from pathlib import Path
from typing import Any

import h5py

from evaluation.errors import MeasurementError
from superscaling.models import Architecture

Shape = tuple[int, ...]
COLOURS = 3
UPN2_CHANNELS = 32  # input channels of UPN3, the same in every network of ISR
OUTSIDE_BLOCKS = 6  # 3x3 convolutions outside the dense blocks: F_m1, F_0, GFF_2, UPN2, UPN3, SR


def architecture_of(path: Path) -> Architecture:
    """Infer the architecture from the shapes of the kernels, in Keras 3's layout or the older one.

    Raises:
        MeasurementError: there is no such file, or it does not hold a residual dense network.
    """
    if not path.is_file():
        raise MeasurementError(f"there is no weight file {path}")
    try:
        return _architecture(_kernels(path))
    except (OSError, IndexError, StopIteration, ZeroDivisionError) as exc:
        raise MeasurementError(f"{path} is no weight file of a residual dense network") from exc


def _kernels(path: Path) -> list[Shape]:
    """Shapes (height, width, input channels, output channels) of all kernels, unordered."""
    shapes: list[Shape] = []

    def note(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and len(item.shape) == 4 and not name.startswith("optimizer"):
            shapes.append(item.shape)

    with h5py.File(path) as file:
        file.visititems(note)
    return shapes


def _architecture(shapes: list[Shape]) -> Architecture:
    """Solve the kernel shapes for the dimensions. A missing kernel raises one of the errors that the caller catches."""
    large = [shape for shape in shapes if shape[:2] == (3, 3)]
    fusing = [shape for shape in shapes if shape[:2] == (1, 1)]  # LFF of each block, and GFF_1
    d = len(fusing) - 1
    c = (len(large) - OUTSIDE_BLOCKS) // d
    g0 = fusing[0][3]
    # Input channels: c * g + g0 for each of the d LFFs, d * g0 for GFF_1.
    g = (sum(shape[2] for shape in fusing) // d - 2 * g0) // c
    scales = {COLOURS * scale**2: scale for scale in (2, 3, 4)}
    scale = next(scales[shape[3]] for shape in large if shape[2] == UPN2_CHANNELS and shape[3] in scales)
    last = next(shape[2] for shape in large if shape[3] == COLOURS)
    return Architecture(c, d, g, g0, scale, "shuffle" if last == COLOURS else "ups")
