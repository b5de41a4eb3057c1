"""ISR's weight files without ISR: kernels and biases by layer. TensorFlow is not needed.

Keras 3 (`.weights.h5`) numbers the layers of each class: `layers/conv2d`, `layers/conv2d_1` and so on, each with its
kernel in `vars/0` and its bias in `vars/1`. Keras 2 (`.hdf5`) names the layers, and lists their names in order.
"""

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from evaluation.errors import MeasurementError
from evaluation.weight_files import architecture_of
from superscaling.models import Architecture
from training.errors import TrainingError

Layer = tuple[NDArray[np.float32], NDArray[np.float32]]


def read_isr(path: Path) -> tuple[Architecture, list[Layer]]:
    """Read a weight file in either layout.

    Returns:
        The architecture, and of each convolution in ISR's order its kernel (h, w, in, out) and its bias (out,).

    Raises:
        TrainingError: there is no such file, or it does not hold a residual dense network.
    """
    try:
        architecture = architecture_of(path)
        with h5py.File(path) as file:
            return architecture, _by_name(file) if "layer_names" in file.attrs else _by_number(file)
    except MeasurementError as exc:
        raise TrainingError(str(exc)) from exc
    except (OSError, KeyError, ValueError) as exc:
        raise TrainingError(f"{path} is damaged ({exc})") from exc


def write_isr(path: Path, layers: Sequence[Layer]) -> None:
    """Write a weight file in Keras 3's layout, which ISR loads if the layers are in its order."""
    with h5py.File(path, "w") as file:
        for number, arrays in enumerate(layers):
            group = file.create_group(_numbered(number))
            for place, array in enumerate(arrays):
                group.create_dataset(str(place), data=array)


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
