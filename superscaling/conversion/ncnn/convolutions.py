"""Layers that multiply by a matrix of weights: convolutions, transposed convolutions, inner products."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from openvino import opset13 as op

from superscaling.conversion.ncnn.arithmetic import fused_activation
from superscaling.conversion.ncnn.layer import MAX_KERNEL, MAX_PADDING, Layer
from superscaling.conversion.ncnn.tensor import Tensor
from superscaling.conversion.ncnn.weight_file import WeightFile

MAX_CHANNELS = 1 << 16
MAX_STEP = 64  # of strides and dilations, in px
# Paddings that are computed: the result is as large as the input, divided by the stride.
SAME = {-233: "same_upper", -234: "same_lower"}


def convolution(layer: Layer, weights: WeightFile, features: Tensor) -> Tensor:
    """`Convolution`."""
    return _convolution(layer, weights, features, groups=1)


def depthwise_convolution(layer: Layer, weights: WeightFile, features: Tensor) -> Tensor:
    """`ConvolutionDepthWise`, of any number of groups."""
    return _convolution(layer, weights, features, groups=layer.whole(7, 1, 1, MAX_CHANNELS))


def deconvolution(layer: Layer, weights: WeightFile, features: Tensor) -> Tensor:
    """`Deconvolution`, the transposed convolution."""
    features.check_not_flat(layer)
    matrix = _matrix(layer, weights, features, groups=1)[0]
    begin, end = _padding(layer)
    node = op.convolution_backprop_data(
        features.node,
        op.constant(np.ascontiguousarray(matrix.transpose(1, 0, 2, 3))),  # OpenVINO's has the input's channels first
        layer.pair(3, 1, MAX_STEP),
        pads_begin=begin,
        pads_end=end,
        dilations=layer.pair(2, 1, MAX_STEP),
        output_padding=[layer.whole(19, layer.whole(18, 0)), layer.whole(18, 0)],
    )
    return _finished(layer, weights, node)


def inner_product(layer: Layer, weights: WeightFile, features: Tensor) -> Tensor:
    """`InnerProduct`, of a blob with one dimension."""
    outputs = layer.whole(0, 0, 1, MAX_CHANNELS)
    inputs = features.channels(layer)
    if not features.flat or layer.whole(2, 0) != outputs * inputs:
        raise layer.refuse(f"it must have {outputs} x {inputs} weights, for an input with one dimension")
    layer.expect(8, 0, "int8")
    matrix = weights.tagged(outputs * inputs).reshape(outputs, inputs, 1, 1)
    node = op.convolution(features.node, op.constant(matrix), [1, 1], [0, 0], [0, 0], [1, 1])
    node = _with_bias(layer.whole(1, 0, most=1), weights, node, outputs)
    return Tensor(fused_activation(layer, node), flat=True)


def _convolution(layer: Layer, weights: WeightFile, features: Tensor, groups: int) -> Tensor:
    features.check_not_flat(layer)
    layer.expect(18, 0, "padding with another value than 0")
    layer.expect(19, 0, "a convolution whose weights are computed")
    matrix = _matrix(layer, weights, features, groups)
    strides, dilations = layer.pair(3, 1, MAX_STEP), layer.pair(2, 1, MAX_STEP)
    begin, end, automatic = [0, 0], [0, 0], "explicit"
    if (same := layer.whole(4, 0, least=min(SAME))) in SAME:
        automatic = SAME[same]
    else:
        begin, end = _padding(layer)
    options = (strides, begin, end, dilations, automatic)
    if groups == 1:
        node = op.convolution(features.node, op.constant(matrix[0]), *options)
    else:
        node = op.group_convolution(features.node, op.constant(matrix), *options)
    return _finished(layer, weights, node)


def _matrix(layer: Layer, weights: WeightFile, features: Tensor, groups: int) -> NDArray[np.float32]:
    """The weights: (groups, outputs per group, inputs per group, h, w)."""
    layer.expect(8, 0, "int8")
    outputs, (height, width) = layer.whole(0, 0, 1, MAX_CHANNELS), layer.pair(1, 0, MAX_KERNEL)
    count, inputs = layer.whole(6, 0), features.channels(layer)
    taken, rest = divmod(count * groups, outputs * height * width)
    if features.is_picture and not rest and inputs != taken <= MAX_CHANNELS:
        raise layer.refuse(f"it takes pictures with {taken} channels; only networks for 3 (RGB) are served")
    if rest or taken != inputs or outputs % groups or inputs % groups:
        raise layer.refuse(f"its {count} weights don't fit an input with {inputs} channels")
    return weights.tagged(count).reshape(groups, outputs // groups, inputs // groups, height, width)


def _finished(layer: Layer, weights: WeightFile, node: Any) -> Tensor:
    node = _with_bias(layer.whole(5, 0, most=1), weights, node, layer.whole(0, 0))
    return Tensor(fused_activation(layer, node))


def _with_bias(has_bias: int, weights: WeightFile, node: Any, outputs: int) -> Any:
    return op.add(node, op.constant(weights.raw(outputs).reshape(1, outputs, 1, 1))) if has_bias else node


def _padding(layer: Layer) -> tuple[list[int], list[int]]:
    """((top, left), (bottom, right))."""
    left = layer.whole(4, 0, most=MAX_PADDING)
    top = layer.whole(14, left, most=MAX_PADDING)
    return [top, left], [layer.whole(16, top, most=MAX_PADDING), layer.whole(15, left, most=MAX_PADDING)]
