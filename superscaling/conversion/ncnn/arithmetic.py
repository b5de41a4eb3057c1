"""Layers that compute each value from one value, or from those at the same place: activations, sums, products."""

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
from openvino import opset13 as op

from superscaling.conversion.ncnn.layer import Layer
from superscaling.conversion.ncnn.tensor import Tensor
from superscaling.conversion.ncnn.weight_file import WeightFile

# Of ncnn's `fast_gelu`: the square root of 2 / pi, and the factor of the cube.
GELU_ROOT, GELU_CUBE = 0.79788452, 0.044715
# Numbers of the operations of `BinaryOp`.
BINARY: dict[int, Callable[[Any, Any], Any]] = {
    0: op.add,
    1: op.subtract,
    2: op.multiply,
    3: op.divide,
    4: op.maximum,
    5: op.minimum,
    6: op.power,
    7: lambda one, other: op.subtract(other, one),
    8: lambda one, other: op.divide(other, one),
    9: lambda one, other: op.power(other, one),
}
# Numbers of those of `UnaryOp`.
UNARY: dict[int, Callable[[Any], Any]] = {
    0: op.abs,
    1: op.negative,
    2: op.floor,
    3: op.ceiling,
    4: lambda node: op.multiply(node, node),
    5: op.sqrt,
    6: lambda node: op.power(node, _number(-0.5)),
    7: op.exp,
    8: op.log,
    9: op.sin,
    10: op.cos,
    11: op.tan,
    12: op.asin,
    13: op.acos,
    14: op.atan,
    15: lambda node: op.power(node, _number(-1)),
    16: op.tanh,
    17: lambda node: op.divide(op.log(node), _number(float(np.log(10)))),
}
# Kinds without parameters.
SIMPLE: dict[str, Callable[[Any], Any]] = {
    "AbsVal": op.abs,
    "Mish": op.mish,
    "Sigmoid": op.sigmoid,
    "Swish": lambda node: op.multiply(node, op.sigmoid(node)),
    "TanH": op.tanh,
}


def simple(layer: Layer, _: WeightFile, features: Tensor) -> Tensor:
    """A kind of `SIMPLE`."""
    return Tensor(SIMPLE[layer.kind](features.node), features.flat)


def relu(layer: Layer, _: WeightFile, features: Tensor) -> Tensor:
    """`ReLU`, with a slope for values below 0."""
    return Tensor(_leaky(features.node, layer.real(0, 0)), features.flat)


def prelu(layer: Layer, weights: WeightFile, features: Tensor) -> Tensor:
    """`PReLU`: a slope for values below 0, one for all channels or one for each."""
    slopes = weights.raw(_one_or_each(layer, features, layer.whole(0, 0)))
    return Tensor(op.prelu(features.node, op.constant(slopes)), features.flat)


def elu(layer: Layer, _: WeightFile, features: Tensor) -> Tensor:
    """`ELU`."""
    return Tensor(op.elu(features.node, layer.real(0, 0.1)), features.flat)


def gelu(layer: Layer, _: WeightFile, features: Tensor) -> Tensor:
    """`GELU`, exact or by ncnn's approximation."""
    node = features.node
    if not layer.whole(0, 0, most=1):
        return Tensor(op.gelu(node, "erf"), features.flat)
    cube = op.multiply(_number(GELU_CUBE), op.multiply(node, op.multiply(node, node)))
    curve = op.tanh(op.multiply(_number(GELU_ROOT), op.add(node, cube)))
    return Tensor(op.multiply(op.multiply(_number(0.5), node), op.add(_number(1), curve)), features.flat)


def clip(layer: Layer, _: WeightFile, features: Tensor) -> Tensor:
    """`Clip`."""
    most = float(np.finfo(np.float32).max)
    return Tensor(_clipped(layer, features.node, layer.real(0, -most), layer.real(1, most)), features.flat)


def hard_sigmoid(layer: Layer, _: WeightFile, features: Tensor) -> Tensor:
    """`HardSigmoid`: a line between 0 and 1."""
    return Tensor(_line(features.node, layer.real(0, 0.2), layer.real(1, 0.5)), features.flat)


def hard_swish(layer: Layer, _: WeightFile, features: Tensor) -> Tensor:
    """`HardSwish`: the input times `HardSigmoid` of it."""
    line = _line(features.node, layer.real(0, 0.2), layer.real(1, 0.5))
    return Tensor(op.multiply(features.node, line), features.flat)


def unary(layer: Layer, _: WeightFile, features: Tensor) -> Tensor:
    """`UnaryOp`."""
    return Tensor(UNARY[_known(layer, UNARY)](features.node), features.flat)


def binary(layer: Layer, _: WeightFile, *features: Tensor) -> Tensor:
    """`BinaryOp`, of two blobs or of one and a number. One with one dimension is repeated for each pixel."""
    compute = BINARY[_known(layer, BINARY)]
    with_number = layer.whole(1, 0, most=1)
    number = layer.real(2, 0)
    if len(features) + with_number != 2:
        raise layer.refuse("it needs two blobs, or one and a number")
    other = _number(number) if with_number else features[1].node
    return Tensor(compute(features[0].node, other), all(each.flat for each in features))


def eltwise(layer: Layer, _: WeightFile, *features: Tensor) -> Tensor:
    """`Eltwise`: the product, the sum (with factors) or the maximum of blobs."""
    nodes = [each.node for each in features]
    flat = all(each.flat for each in features)
    compute = (op.multiply, op.add, op.maximum)[layer.whole(0, 0, most=2)]
    if factors := layer.array(1):
        if len(factors) != len(nodes) or compute is not op.add:
            raise layer.refuse(f"it has {len(factors)} factors for {len(nodes)} blobs, and only a sum may have some")
        nodes = [op.multiply(node, _number(factor)) for node, factor in zip(nodes, factors, strict=True)]
    return Tensor(reduce(compute, nodes), flat)


def scale(layer: Layer, weights: WeightFile, *features: Tensor) -> Tensor:
    """`Scale`: a factor for each channel, from the file or from a second blob, and a number to add."""
    node = features[0].node
    size = layer.whole(0, 0, least=-233)
    if (size == -233) != (len(features) == 2):
        raise layer.refuse("its factors must come from the file or from a second blob")
    channels = features[0].channels(layer)
    factors = [each.node for each in features[1:]] or [
        _per_channel(weights.raw(_one_or_each(layer, features[0], size)))
    ]
    node = op.multiply(node, factors[0])
    if layer.whole(1, 0, most=1):
        node = op.add(node, _per_channel(weights.raw(channels)))
    return Tensor(node, features[0].flat)


def batch_norm(layer: Layer, weights: WeightFile, features: Tensor) -> Tensor:
    """`BatchNorm`, with the statistics of the training."""
    channels = features.channels(layer)
    if layer.whole(0, 0) != channels:
        raise layer.refuse(f"its input has {channels} channels, and it is made for {layer.whole(0, 0)}")
    slope, mean, variance, bias = (weights.raw(channels) for _ in range(4))
    factors = slope / np.sqrt(np.maximum(variance + np.float32(layer.real(1, 0)), np.finfo(np.float32).tiny))
    node = op.multiply(features.node, _per_channel(factors))
    return Tensor(op.add(node, _per_channel(bias - factors * mean)), features.flat)


def fused_activation(layer: Layer, node: Any) -> Any:
    """The activation that a layer with weights ends in."""
    kind, values = layer.whole(9, 0, most=6), layer.array(10)
    if len(values) != (needed := {2: 1, 3: 2, 6: 2}.get(kind, 0)):
        raise layer.refuse(f"its activation {kind} needs {needed} values, and has {len(values)}")
    match kind:
        case 0:
            return node
        case 1:
            return op.relu(node)
        case 2:
            return _leaky(node, values[0])
        case 3:
            return _clipped(layer, node, *values)
        case 4:
            return op.sigmoid(node)
        case 5:
            return op.mish(node)
        case _:
            return op.multiply(node, _line(node, *values))


def _leaky(node: Any, slope: float) -> Any:
    return op.prelu(node, op.constant(np.array([slope], np.float32))) if slope else op.relu(node)


def _clipped(layer: Layer, node: Any, least: float, most: float) -> Any:
    if least > most:
        raise layer.refuse(f"it clips to the range from {least} to {most}")
    return op.clamp(node, least, most)


def _line(node: Any, slope: float, at_zero: float) -> Any:
    return op.clamp(op.add(op.multiply(node, _number(slope)), _number(at_zero)), 0.0, 1.0)


def _known(layer: Layer, operations: dict[int, Any]) -> int:
    number = layer.whole(0, 0)
    if number not in operations:
        raise layer.refuse(f"operation {number} is not supported")
    return number


def _one_or_each(layer: Layer, features: Tensor, count: int) -> int:
    """Make sure that there are as many values as channels, or one."""
    channels = features.channels(layer)
    if count not in (1, channels):
        raise layer.refuse(f"its input has {channels} channels, and it has {count} values for them")
    return count


def _per_channel(values: Any) -> Any:
    return op.constant(values.reshape(1, -1, 1, 1))


def _number(value: float) -> Any:
    return op.constant(np.float32(value))
