"""Start a larger network as a smaller one: it makes the same pictures at first, and has more capacity to learn with.

After Net2Net (arXiv:1511.05641), in a simple form: the smaller network's kernels keep their places; what is new keeps
its random weights, but whatever leads from something new to something old starts at zero.
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
    """Give a network of `architecture` the weights of a file, which may be of a smaller network.

    Raises:
        TrainingError: there is no such file, it is of no RDN, or it is of one that is not smaller.
    """
    small = architecture_in(path)
    if small == architecture:
        load_weights(network, path)
        return
    smaller = build_network(small)
    load_weights(smaller, path)
    grow(network, architecture, smaller, small)


def grow(network: Any, architecture: Architecture, smaller: Any, small: Architecture) -> None:
    """Give `network` weights with which it equals `smaller`.

    Args:
        network: of `architecture`, with random weights; see `network.build_network`.
        architecture: its dimensions.
        smaller: a trained network of `small`.
        small: its dimensions; none is larger, and `scale` and `upscaling` are the same.

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
        # The old channels see the old ones alone, and those as before.
        kernel[..., :old_outputs] = 0
        kernel[..., inputs[:, np.newaxis], outputs] = old_kernel
        bias[:old_outputs] = old_bias
        grown.set_weights([kernel, bias])


def _inputs(layer: str, count: int, architecture: Architecture, small: Architecture) -> Channels:
    """Which input channels of the larger network's layer are the `count` ones of the smaller one's, in order.

    Only what has been concatenated lies at other places: in a block the block's input, then what each convolution adds;
    in GFF_1 the output of each block.
    """
    if layer == "GFF_1":
        return _joined([architecture.g0] * small.d, [small.g0] * small.d)
    if IN_A_BLOCK.fullmatch(layer):
        convolutions = (count - small.g0) // small.g
        return _joined([architecture.g0] + convolutions * [architecture.g], [small.g0] + convolutions * [small.g])
    return np.arange(count)


def _joined(places: list[int], taken: list[int]) -> Channels:
    """The first `taken` channels of each part, where the parts have `places` channels and lie one after the other."""
    starts = np.cumsum([0, *places[:-1]])
    return np.concatenate([start + np.arange(count) for start, count in zip(starts, taken, strict=True)])
