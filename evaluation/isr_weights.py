"""ISR's weight files without ISR: the architecture, kernels and biases by layer. TensorFlow is not needed.

Keras 3 (`.weights.h5`) numbers the layers of each class: `layers/conv2d`, `layers/conv2d_1` and so on, each with its
kernel in `vars/0` and its bias in `vars/1`. Keras 2 (`.hdf5`) names the layers, and lists their names in order.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from evaluation.errors import MeasurementError
from superscaling.models import Architecture

Shape = tuple[int, ...]
Layer = tuple[NDArray[np.float32], NDArray[np.float32]]
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


def read_isr(path: Path) -> tuple[Architecture, list[Layer]]:
    """Read a weight file in either layout.

    Returns:
        The architecture, and of each convolution in ISR's order its kernel (h, w, in, out) and its bias (out,).

    Raises:
        MeasurementError: there is no such file, or it does not hold a residual dense network.
    """
    architecture = architecture_of(path)
    try:
        with h5py.File(path) as file:
            return architecture, _by_name(file) if "layer_names" in file.attrs else _by_number(file)
    except (OSError, KeyError, ValueError) as exc:
        raise MeasurementError(f"{path} is damaged ({exc})") from exc


def write_isr(path: Path, layers: Sequence[Layer]) -> None:
    """Write a weight file in Keras 3's layout, which ISR loads if the layers are in its order."""
    with h5py.File(path, "w") as file:
        for number, arrays in enumerate(layers):
            group = file.create_group(_numbered(number))
            for place, array in enumerate(arrays):
                group.create_dataset(str(place), data=array)


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


def _numbered(number: int) -> str:
    return f"layers/conv2d{f'_{number}' if number else ''}/vars"


def _by_number(file: h5py.File) -> list[Layer]:
    count = sum(name.startswith("conv2d") for name in file["layers"])
    return [_pair(file[f"{_numbered(number)}/0"], file[f"{_numbered(number)}/1"]) for number in range(count)]


def _by_name(file: h5py.File) -> list[Layer]:
    groups = [file[name] for name in file.attrs["layer_names"]]
    return [_pair(*(group[name] for name in group.attrs["weight_names"])) for group in groups if len(group)]


def _pair(kernel: h5py.Dataset, bias: h5py.Dataset) -> Layer:
    return np.asarray(kernel, np.float32), np.asarray(bias, np.float32)
