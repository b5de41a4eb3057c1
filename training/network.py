"""The residual dense network (RDN, arXiv:1802.08797) in Keras 3, for all of its backends.

Layers, their names and their order are those of `ISR.models.RDN` (ISR 2.2.0, Apache-2.0, ISR/models/rdn.py), so that
weight files are interchangeable and results are equal.
"""

import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from evaluation.errors import MeasurementError
from evaluation.weight_files import architecture_of
from superscaling.models import Architecture
from training.errors import TrainingError

COLOURS = 3
UPN1_CHANNELS = 64  # ISR's choice
UPN2_CHANNELS = 32  # ISR's choice


class PixelShuffle(layers.Layer):
    """Map (n, h, w, scale * scale * c) to (n, h * scale, w * scale, c), as TensorFlow's depth_to_space does."""

    def __init__(self, scale: int, **options: Any) -> None:
        super().__init__(**options)
        self.scale = scale

    def call(self, features: Any) -> Any:
        """Move channel (y * scale + x) * c + i of a pixel to channel i of its subpixel in row y and column x."""
        scale = self.scale
        _, height, width, channels = keras.ops.shape(features)
        colours = channels // scale**2
        parts = keras.ops.reshape(features, (-1, height, width, scale, scale, colours))
        rows = keras.ops.transpose(parts, (0, 1, 3, 2, 4, 5))
        return keras.ops.reshape(rows, (-1, height * scale, width * scale, colours))

    def compute_output_shape(self, input_shape: tuple[int | None, int | None, int | None, int]) -> tuple[Any, ...]:
        """Return the output shape of `call`; an unknown height or width (None) stays None."""
        batch, height, width, channels = input_shape
        larger = [None if edge is None else edge * self.scale for edge in (height, width)]
        return (batch, *larger, channels // self.scale**2)


def build_network(architecture: Architecture, precision: str = "float32") -> Any:
    """Build the network with random weights.

    Args:
        architecture: its dimensions.
        precision: Keras dtype policy of the dense blocks, which do most of the work: `float32` or `mixed_bfloat16`.
            The layers outside the blocks are always float32: the image passes through them, and bfloat16 has only 8
            significant bits.

    Returns:
        A Keras model from (n, h, w, 3) to (n, h * scale, w * scale, 3), RGB, float32, for any h and w. Values are in
        [0, 1]; the output may exceed that range slightly.
    """

    def convolution(name: str, channels: int, kernel: int, arithmetic: str = "float32") -> Any:
        return layers.Conv2D(channels, kernel, padding="same", name=name, dtype=arithmetic)

    picture = layers.Input((None, None, COLOURS), name="LR")
    shallow = convolution("F_m1", architecture.g0, 3)(picture)
    block = convolution("F_0", architecture.g0, 3)(shallow)
    blocks = []
    for d in range(1, architecture.d + 1):
        features = block
        for c in range(1, architecture.c + 1):
            added = convolution(f"F_{d}_{c}", architecture.g, 3, precision)(features)
            added = layers.Activation("relu", name=f"F_{d}_{c}_Relu", dtype=precision)(added)
            features = layers.Concatenate(name=f"RDB_Concat_{d}_{c}", dtype=precision)([features, added])
        fused = convolution(f"LFF_{d}", architecture.g0, 1, precision)(features)
        block = layers.Add(name=f"LRL_{d}", dtype=precision)([fused, block])
        blocks.append(block)
    deep = layers.Concatenate(name="LRLs_Concat", dtype=precision)(blocks)
    deep = convolution("GFF_1", architecture.g0, 1, precision)(deep)
    deep = convolution("GFF_2", architecture.g0, 3)(deep)
    features = layers.Add(name="FDF")([deep, shallow])
    features = convolution("UPN1", UPN1_CHANNELS, 5)(features)
    features = layers.Activation("relu", name="UPN1_Relu")(features)
    features = convolution("UPN2", UPN2_CHANNELS, 3)(features)
    features = layers.Activation("relu", name="UPN2_Relu")(features)
    features = convolution("UPN3", COLOURS * architecture.scale**2, 3)(features)
    if architecture.upscaling == "shuffle":
        features = PixelShuffle(architecture.scale, name="PixelShuffle")(features)
    else:
        features = layers.UpSampling2D(architecture.scale, name="UPsample")(features)
    return keras.Model(picture, convolution("SR", COLOURS, 3)(features))


def start_as_bilinear(network: Any, architecture: Architecture) -> None:
    """Initialise the network as bilinear interpolation, so that it only has to learn the difference.

    The first three channels of F_m1, UPN1 and UPN2 pass the image unchanged; ReLU does not affect it, as it is never
    negative. GFF_2 is zero, so the blocks, whose weights stay random, add nothing. With pixel shuffle, UPN3 computes
    the bilinear weights of a pixel and its neighbours. With `ups`, SR smooths the repeated pixels, which is bilinear
    for x2.
    """
    for name in ("F_m1", "UPN1", "UPN2"):
        layer = network.get_layer(name)
        kernel, bias = layer.get_weights()
        kernel[..., :COLOURS] = 0
        for colour in range(COLOURS):
            kernel[kernel.shape[0] // 2, kernel.shape[1] // 2, colour, colour] = 1
        layer.set_weights([kernel, bias])
    for name in ("GFF_2", "UPN3", "SR"):
        layer = network.get_layer(name)
        layer.set_weights([np.zeros_like(each) for each in layer.get_weights()])

    scale = architecture.scale
    last, smoothing = (network.get_layer(name).get_weights()[0] for name in ("UPN3", "SR"))
    for colour in range(COLOURS):
        if architecture.upscaling == "shuffle":
            for row, column in np.ndindex(scale, scale):
                channel = (row * scale + column) * COLOURS + colour
                last[:, :, colour, channel] = np.outer(_bilinear(row, scale), _bilinear(column, scale))
            smoothing[1, 1, colour, colour] = 1
        else:
            last[1, 1, colour, colour] = 1
            smoothing[:, :, colour, colour] = np.outer((1, 2, 1), (1, 2, 1)) / 16
    for name, kernel in (("UPN3", last), ("SR", smoothing)):
        network.get_layer(name).kernel.assign(kernel)


def _bilinear(part: int, scale: int) -> NDArray[np.float64]:
    """Bilinear weights of the previous, the same and the next pixel for subpixel `part` (0 to scale - 1)."""
    offset = (part + 0.5) / scale - 0.5  # from the centre of the pixel, in low-resolution px
    return np.array([max(-offset, 0), 1 - abs(offset), max(offset, 0)])


def architecture_in(path: Path) -> Architecture:
    """Infer the architecture of a weight file.

    Raises:
        TrainingError: there is no such file, or it does not hold an RDN.
    """
    try:
        return architecture_of(path)
    except MeasurementError as exc:
        raise TrainingError(str(exc)) from exc


def save_weights(network: Any, path: Path) -> None:
    """Write a weight file (NAME.weights.h5) atomically."""
    part = path.with_name(f"part.{path.name}")
    network.save_weights(part)
    part.rename(path)


def load_weights(network: Any, path: Path) -> None:
    """Load a weight file in Keras 3's layout (`.weights.h5`) or the older one (`.hdf5`).

    Raises:
        TrainingError: there is no such file, or its architecture differs.
    """
    if not path.is_file():
        raise TrainingError(f"there is no weight file {path}")
    try:
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # a clearer error follows
            network.load_weights(path)
    except (ValueError, OSError, KeyError) as exc:
        reason = str(exc).strip().partition(". ")[0].splitlines()[0]
        raise TrainingError(f"{path} is no weight file of this architecture ({reason})") from exc
