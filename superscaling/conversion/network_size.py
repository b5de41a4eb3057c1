"""How large a network is: its parameters, and its work for each pixel."""

from typing import Any

import numpy as np

# Edge in px of the picture whose work is counted: what a network does once for a whole picture hardly counts.
COUNTED_EDGE = 192
# Operation -> whether each value of its result (else: of its input) takes a multiplication per weight of a filter, and
# which axes of the weights are not the filter's.
CONVOLUTIONS = {
    "Convolution": (True, 1),
    "GroupConvolution": (True, 2),
    "ConvolutionBackpropData": (False, 1),
    "GroupConvolutionBackpropData": (False, 2),
}


def parameters(network: Any) -> int:
    """Number of values in the constants of an `openvino.Model`."""
    constants = (each for each in network.get_ops() if each.get_type_name() == "Constant")
    return sum(int(np.prod(each.get_output_shape(0))) for each in constants)


def work_per_pixel(network: Any, multiple: int = 1) -> int:
    """Multiplications of convolutions and matrix products, per px of a picture.

    If the shapes within can't be told from the picture's: as many as parameters, as in a plain row of convolutions.

    Args:
        network: an `openvino.Model` with one input (1, h, w, 3).
        multiple: the sides that it takes are multiples of so many px.
    """
    edge = -(-COUNTED_EDGE // multiple) * multiple
    counted = network.clone()
    try:
        counted.reshape([1, edge, edge, 3])
        return round(sum(map(_multiplications, counted.get_ordered_ops())) / edge**2)
    except RuntimeError:  # from a shape that is not known
        return parameters(network)


def _multiplications(operation: Any) -> int:
    kind = operation.get_type_name()
    if kind == "MatMul":
        rows = operation.input(0).get_partial_shape()
        common = rows[-2 if operation.get_attributes()["transpose_a"] else -1]
        return _values(operation.output(0)) * int(common.get_length())
    if kind not in CONVOLUTIONS:
        return 0
    by_result, others = CONVOLUTIONS[kind]
    filters = operation.input(1).get_shape()
    return _values(operation.output(0) if by_result else operation.input(0)) * int(np.prod(filters[others:]))


def _values(port: Any) -> int:
    return int(np.prod(port.get_shape(), dtype=np.int64))
