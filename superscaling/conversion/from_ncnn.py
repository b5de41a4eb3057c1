"""Reads an ncnn model as a network for OpenVINO."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from openvino import opset13 as op

from superscaling.conversion.cost import PROBES, check_cost
from superscaling.conversion.ncnn.layer import Layer
from superscaling.conversion.ncnn.layers import read_layer
from superscaling.conversion.ncnn.param_file import read_layers
from superscaling.conversion.ncnn.tensor import Tensor
from superscaling.conversion.ncnn.weight_file import WeightFile
from superscaling.errors import ModelUnavailable

CHANNELS = 3  # of RGB


def read_ncnn(param: Path) -> Any:
    """Read an ncnn model.

    The network is taken to be for RGB in [0, 1], as those of Real-ESRGAN, SPAN and waifu2x are: the files don't say.

    Args:
        param: the `.param` file; the weights lie beside it in a `.bin` file.

    Returns:
        An `openvino.Model` with one input (1, h, w, 3) float32, RGB in [0, 1], h and w dynamic, and one output
        (1, scale h, scale w, 3).

    Raises:
        ModelUnavailable: a file is damaged, or something in it is not supported. The message is one line.
    """
    layers = read_layers(param)
    weights = WeightFile(param.with_suffix(".bin"))
    picture = op.parameter([1, -1, -1, CHANNELS], np.float32, name="picture")
    result = _read_network(layers, weights, op.transpose(picture, np.array([0, 3, 1, 2], np.int64)))
    weights.check_end()
    network = openvino.Model([op.transpose(result, np.array([0, 2, 3, 1], np.int64))], [picture], param.stem)
    check_cost(network, [(1, edge, edge, CHANNELS) for edge in PROBES])
    return network


def _read_network(layers: Sequence[Layer], weights: WeightFile, picture: Any) -> Any:
    """The node that makes the result, with the layout of ncnn."""
    blobs = dict[str, Tensor]()
    for layer in layers:
        if layer.kind != "Input":
            read_layer(layer, weights, blobs)
            continue
        if blobs or len(layer.outputs) != 1:
            raise layer.refuse("a network must have one input, and it must be the first layer")
        if (channels := layer.whole(2, CHANNELS)) != CHANNELS:
            raise layer.refuse(f"it takes pictures with {channels} channels; only networks for 3 (RGB) are served")
        blobs[layer.outputs[0]] = Tensor(picture, is_picture=True)
    taken = {name for layer in layers for name in layer.inputs}
    results = [name for name in blobs if name not in taken]
    if len(results) != 1:
        raise ModelUnavailable(f"the network has {len(results)} results, and must have one")
    result = blobs[results[0]]
    if result.flat:
        raise ModelUnavailable("the network's result has one dimension, and must be a picture")
    if (channels := result.channels(layers[-1])) != CHANNELS:
        raise ModelUnavailable(f"the network's result has {channels} channels, and must have 3 (RGB)")
    return result.node
