"""Layers that move values, or resize: splitting, joining, cropping, padding, resampling, pooling."""

from typing import Any

import numpy as np
from openvino import opset13 as op

from superscaling.conversion.ncnn.layer import MAX_KERNEL, MAX_NUMBER, MAX_PADDING, Layer
from superscaling.conversion.ncnn.tensor import Tensor
from superscaling.conversion.ncnn.weight_file import WeightFile

MAX_FACTOR = 16  # of one resampling or rearrangement
# "Not given", of sizes and offsets.
REST = -233
# Names of ncnn's paddings, and of its poolings, by number.
PADDINGS = ("constant", "edge", "reflect")
# Axes of (c, h, w) that become (c, h, w), by the number of a `Permute`: ncnn names them from the last to the first.
ORDERS = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))


def split(layer: Layer, _: WeightFile, features: Tensor) -> list[Tensor]:
    """`Split`: the same for several layers."""
    return [features] * len(layer.outputs)


def same(_: Layer, __: WeightFile, features: Tensor) -> Tensor:
    """A kind that changes nothing once the training is over."""
    return features


def concat(layer: Layer, _: WeightFile, *features: Tensor) -> Tensor:
    """`Concat`, of channels."""
    flat = features[0].flat
    if any(each.flat != flat for each in features):
        raise layer.refuse("it joins blobs with one and with three dimensions")
    axis = layer.whole(0, 0, least=-3)
    if axis not in ((0, -1) if flat else (0, -3)):
        raise layer.refuse("joining other axes than channels is not supported")
    return Tensor(op.concat([each.node for each in features], 1), flat)


def slices(layer: Layer, _: WeightFile, features: Tensor) -> list[Tensor]:
    """`Slice`, of channels."""
    features.check_not_flat(layer)
    if layer.whole(1, 0, least=-3) not in (0, -3):
        raise layer.refuse("cutting other axes than channels is not supported")
    sizes, left = layer.wholes(0), features.channels(layer)
    if not sizes or len(sizes) != len(layer.outputs):
        raise layer.refuse(f"it has {len(sizes)} sizes for {len(layer.outputs)} blobs")
    for number, size in enumerate(sizes):  # an open size is an equal share of what is left
        sizes[number] = left // (len(sizes) - number) if size == REST else size
        left -= sizes[number]
    if min(sizes) < 1 or left:
        raise layer.refuse(f"its sizes {sizes} are not those of {features.channels(layer)} channels")
    parts = op.variadic_split(features.node, op.constant(np.int64(1)), op.constant(np.array(sizes, np.int64)))
    # Each part as an operation of its own: an output of an operation is none.
    return [Tensor(op.convert(parts.output(number), "f32")) for number in range(len(sizes))]


def crop(layer: Layer, _: WeightFile, *features: Tensor) -> Tensor:
    """`Crop`: by first and last places, by offsets and sizes, or to the size of a second blob."""
    for each in features:
        each.check_not_flat(layer)
    node = features[0].node
    offsets = [layer.whole(number, 0) for number in (2, 1, 0)]  # of c, h, w
    if len(features) == 2:
        begin = op.constant(np.array(offsets, np.int64))
        size = op.slice(op.shape_of(features[1].node), *(_whole([each]) for each in (1, 4, 1)))
        return Tensor(op.slice(node, begin, op.add(begin, size), _whole([1, 1, 1]), _whole([1, 2, 3])))
    starts, ends = layer.wholes(9), layer.wholes(10)
    if starts or ends:
        axes = [axis % 3 for axis in layer.wholes(11) or range(len(starts))]
        if not len(starts) == len(ends) == len(axes) == len(set(axes)):
            raise layer.refuse("it needs as many first as last places, each for another axis")
        first = [0 if start == REST else start for start in starts]
        last = [MAX_NUMBER if end in (REST, 0) else end for end in ends]
    else:
        axes = [0, 1, 2]
        beyond = [layer.whole(number, 0) for number in (8, 7, 6)]
        sizes = [layer.whole(number, 0, least=REST) for number in (5, 4, 3)]
        first = offsets
        last = [
            (-end or MAX_NUMBER) if size == REST else offset + size
            for offset, size, end in zip(offsets, sizes, beyond, strict=True)
        ]
    steps, axes = [1] * len(axes), [1 + axis for axis in axes]
    return Tensor(op.slice(node, *(_whole(each) for each in (first, last, steps, axes))))


def padding(layer: Layer, _: WeightFile, features: Tensor) -> Tensor:
    """`Padding`: with a value, the edge's, or mirrored."""
    features.check_not_flat(layer)
    for number in (6, 7, 8):
        layer.expect(number, 0, "padding of channels")
    top, bottom, left, right = (layer.whole(number, 0, most=MAX_PADDING) for number in range(4))
    mode = PADDINGS[layer.whole(4, 0, most=len(PADDINGS) - 1)]
    value = op.constant(np.float32(layer.real(5, 0)))
    return Tensor(op.pad(features.node, [0, 0, top, left], [0, 0, bottom, right], mode, value))


def interp(layer: Layer, _: WeightFile, features: Tensor) -> Tensor:
    """`Interp`: resized by a factor, to the nearest pixel, linearly, or by cubic curves with the factor -0.75."""
    features.check_not_flat(layer)
    for number in (3, 4, 5):
        layer.expect(number, 0, "resizing to a fixed size")
    factors = [layer.real(number, 1) for number in (1, 2)]
    if not all(1 / MAX_FACTOR <= factor <= MAX_FACTOR for factor in factors):
        raise layer.refuse(f"it resizes by {factors[0]:g} and {factors[1]:g}; 1/{MAX_FACTOR} to {MAX_FACTOR} are read")
    corners = layer.whole(6, 0, most=1)
    place = "align_corners" if corners else "half_pixel"
    match layer.whole(0, 0):
        case 1:
            options = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        case 2:
            options = {"mode": "linear_onnx", "coordinate_transformation_mode": place}
        case 3:
            options = {"mode": "cubic", "coordinate_transformation_mode": place}
        case kind:
            raise layer.refuse(f"resizing of type {kind} is not supported")
    scales = op.constant(np.array(factors, np.float32))
    return Tensor(
        op.interpolate(
            features.node,
            scales,
            shape_calculation_mode="scales",
            axes=_whole([2, 3]),
            antialias=False,
            cube_coeff=-0.75,
            **options,
        )
    )


def pixel_shuffle(layer: Layer, _: WeightFile, features: Tensor) -> Tensor:
    """`PixelShuffle`: channels become pixels."""
    features.check_not_flat(layer)
    factor, mode = layer.whole(0, 1, 1, MAX_FACTOR), layer.whole(1, 0, most=1)
    if features.channels(layer) % factor**2:
        raise layer.refuse(f"it makes {factor} x {factor} px of {features.channels(layer)} channels")
    return Tensor(op.depth_to_space(features.node, ("depth_first", "blocks_first")[mode], factor))


def reorg(layer: Layer, _: WeightFile, features: Tensor) -> Tensor:
    """`Reorg`: pixels become channels."""
    features.check_not_flat(layer)
    factor, mode = layer.whole(0, 1, 1, MAX_FACTOR), layer.whole(1, 0, most=1)
    return Tensor(op.space_to_depth(features.node, ("depth_first", "blocks_first")[mode], factor))


def pooling(layer: Layer, _: WeightFile, features: Tensor) -> Tensor:
    """`Pooling`: the largest or the mean, of places or of the whole picture."""
    features.check_not_flat(layer)
    mean = layer.whole(0, 0, most=1)
    if layer.whole(4, 0, most=1):
        compute = op.reduce_mean if mean else op.reduce_max
        return Tensor(compute(features.node, _whole([2, 3]), keep_dims=True), flat=True)
    layer.expect(7, 0, "pooling to a fixed size")
    kernel, strides = layer.pair(1, 0, MAX_KERNEL), layer.pair(2, 1, MAX_KERNEL)
    left = layer.whole(3, 0, most=MAX_KERNEL)
    top = layer.whole(13, left, most=MAX_KERNEL)
    begin, end = [top, left], [layer.whole(15, top, most=MAX_KERNEL), layer.whole(14, left, most=MAX_KERNEL)]
    rounding = ("ceil", "floor")[layer.whole(5, 0, most=1)]
    if mean:
        exclude = not layer.whole(6, 0, most=1)
        return Tensor(op.avg_pool(features.node, strides, begin, end, kernel, exclude, rounding))
    pooled = op.max_pool(features.node, strides, [1, 1], begin, end, kernel, rounding)
    return Tensor(op.convert(pooled.output(0), "f32"))


def reshape(layer: Layer, _: WeightFile, features: Tensor) -> Tensor:
    """`Reshape`, between a blob with one dimension and one with as many channels and a single pixel."""
    channels = features.channels(layer)
    width, height, deep = (layer.whole(number, REST, least=REST) for number in (0, 1, 2))
    if features.flat and (height, deep) == (REST, REST) and width in (-1, channels):
        return features
    if features.flat and (width, height) == (1, 1) and deep in (-1, channels):
        return Tensor(features.node)
    raise layer.refuse("reshaping features of a picture is not supported")


def permute(layer: Layer, _: WeightFile, features: Tensor) -> Tensor:
    """`Permute`: axes change places."""
    features.check_not_flat(layer)
    order = ORDERS[layer.whole(0, 0, most=len(ORDERS) - 1)]
    return Tensor(op.transpose(features.node, _whole([0, *(axis + 1 for axis in order)])))


def memory_data(layer: Layer, weights: WeightFile) -> Tensor:
    """`MemoryData`: constants."""
    width, height, deep = (layer.whole(number, 0) for number in (0, 1, 2))
    layer.expect(11, 0, "four dimensions")
    if width and not height and not deep:
        shape = (1, width, 1, 1)
    elif width and height and deep:
        shape = (1, deep, height, width)
    else:
        raise layer.refuse("constants must have one dimension or three")
    count = width * max(height, 1) * max(deep, 1)
    values = weights.raw(count) if layer.whole(21, 1, most=1) else weights.tagged(count)
    return Tensor(op.constant(values.reshape(shape)), flat=not deep)


def _whole(values: list[int]) -> Any:
    return op.constant(np.array(values, np.int64))
