"""Initialise a larger network from a smaller one, so that both compute the same function at first.

A simple form of Net2Net (arXiv:1511.05641): the kernels of the smaller network are copied; new channels keep their
random weights, but weights from new inputs to old outputs start at zero.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from superscaling.models import Architecture
from training.errors import TrainingError
from training.network import architecture_in, build_network, load_weights

Channels = NDArray[np.int_]

IN_A_BLOCK = re.compile(r"F_\d+_\d+|LFF_\d+")


def start_from(network: Any, architecture: Architecture, path: Path) -> None:
    """Initialise a network of `architecture` from a weight file of the same or a smaller network.

    Raises:
        TrainingError: there is no such file, or its network is not an RDN, larger, or of another scale or upscaling.
    """
    small = architecture_in(path)
    if small == architecture:
        load_weights(network, path)
        return
    smaller = build_network(small)
    load_weights(smaller, path)
    grow(network, architecture, smaller, small)


def grow(network: Any, architecture: Architecture, smaller: Any, small: Architecture) -> None:
    """Set the weights of `network` so that its output equals that of `smaller`.

    Args:
        network: a network of `architecture` with random weights.
        architecture: its dimensions.
        smaller: a trained network of `small`.
        small: its dimensions. None may be larger, and `scale` and `upscaling` must be the same.

    Raises:
        TrainingError: the dimensions don't allow it.
    """
    sizes = [(getattr(small, name), getattr(architecture, name)) for name in ("c", "d", "g", "g0")]
    if any(old > new for old, new in sizes):
        raise TrainingError(f"a network of {small} can't grow into a smaller one of {architecture}")
    if (small.scale, small.upscaling) != (architecture.scale, architecture.upscaling):
        raise TrainingError(f"a network of {small} can't grow into one that enlarges otherwise, of {architecture}")

    for layer in smaller.layers:
        if not layer.weights:
            continue
        grown = network.get_layer(layer.name)
        kernel, bias = grown.get_weights()
        old_kernel, old_bias = layer.get_weights()
        old_inputs, old_outputs = old_kernel.shape[2:]
        inputs, outputs = _inputs(layer.name, old_inputs, architecture, small), np.arange(old_outputs)
        # Old outputs depend only on old inputs, by the old weights.
        kernel[..., :old_outputs] = 0
        kernel[..., inputs[:, np.newaxis], outputs] = old_kernel
        bias[:old_outputs] = old_bias
        grown.set_weights([kernel, bias])


def _inputs(layer: str, count: int, architecture: Architecture, small: Architecture) -> Channels:
    """Indices, in the larger layer, of the `count` input channels of the smaller layer.

    They differ only after a concatenation: within a block, of its input and the output of each convolution; in GFF_1,
    of the outputs of all blocks.
    """
    if layer == "GFF_1":
        return _joined([architecture.g0] * small.d, [small.g0] * small.d)
    if IN_A_BLOCK.fullmatch(layer):
        convolutions = (count - small.g0) // small.g
        return _joined([architecture.g0] + convolutions * [architecture.g], [small.g0] + convolutions * [small.g])
    return np.arange(count)


def _joined(sizes: list[int], taken: list[int]) -> Channels:
    """Indices of the first `taken` channels of each part in a concatenation of parts with `sizes` channels."""
    starts = np.cumsum([0, *sizes[:-1]])
    return np.concatenate([start + np.arange(count) for start, count in zip(starts, taken, strict=True)])
