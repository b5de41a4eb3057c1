"""The kinds of layers that are read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from superscaling.conversion.last_line import last_line
from superscaling.conversion.ncnn import arithmetic, convolutions, shapes
from superscaling.conversion.ncnn.layer import Layer
from superscaling.conversion.ncnn.param_file import MAX_BLOBS
from superscaling.conversion.ncnn.tensor import Tensor
from superscaling.conversion.ncnn.weight_file import WeightFile


@dataclass(frozen=True)
class LayerReader:
    """How layers of a kind are read, and from how many blobs."""

    read: Callable[..., Tensor | list[Tensor]]
    least: int = 1
    most: int = 1


# By ncnn's name of the operation.
READERS = {
    "BatchNorm": LayerReader(arithmetic.batch_norm),
    "BinaryOp": LayerReader(arithmetic.binary, most=2),
    "Clip": LayerReader(arithmetic.clip),
    "Concat": LayerReader(shapes.concat, most=MAX_BLOBS),
    "Convolution": LayerReader(convolutions.convolution),
    "ConvolutionDepthWise": LayerReader(convolutions.depthwise_convolution),
    "Crop": LayerReader(shapes.crop, most=2),
    "Deconvolution": LayerReader(convolutions.deconvolution),
    "Dropout": LayerReader(shapes.same),
    "ELU": LayerReader(arithmetic.elu),
    "Eltwise": LayerReader(arithmetic.eltwise, least=2, most=MAX_BLOBS),
    "GELU": LayerReader(arithmetic.gelu),
    "HardSigmoid": LayerReader(arithmetic.hard_sigmoid),
    "HardSwish": LayerReader(arithmetic.hard_swish),
    "InnerProduct": LayerReader(convolutions.inner_product),
    "Interp": LayerReader(shapes.interp),
    "MemoryData": LayerReader(shapes.memory_data, least=0, most=0),
    "Noop": LayerReader(shapes.same),
    "PReLU": LayerReader(arithmetic.prelu),
    "Padding": LayerReader(shapes.padding),
    "Permute": LayerReader(shapes.permute),
    "PixelShuffle": LayerReader(shapes.pixel_shuffle),
    "Pooling": LayerReader(shapes.pooling),
    "ReLU": LayerReader(arithmetic.relu),
    "Reorg": LayerReader(shapes.reorg),
    "Reshape": LayerReader(shapes.reshape),
    "Scale": LayerReader(arithmetic.scale, most=2),
    "Slice": LayerReader(shapes.slices),
    "Split": LayerReader(shapes.split),
    "UnaryOp": LayerReader(arithmetic.unary),
    **dict.fromkeys(arithmetic.SIMPLE, LayerReader(arithmetic.simple)),
}


def read_layer(layer: Layer, weights: WeightFile, blobs: dict[str, Tensor]) -> None:
    """Read a layer's weights, and add what it makes to `blobs`.

    Raises:
        ModelUnavailable: its kind, or something about it, is not supported.
    """
    if (reader := READERS.get(layer.kind)) is None:
        raise layer.refuse(f"layers of this kind are not supported; these are: {', '.join(sorted(READERS))}")
    if not reader.least <= len(layer.inputs) <= reader.most:
        raise layer.refuse(f"it takes {len(layer.inputs)} blobs, and should take {reader.least} to {reader.most}")
    for name in layer.inputs:
        if name not in blobs:
            raise layer.refuse(f"it takes the blob {name!r}, which no layer before it makes")
    made = _read(reader, layer, weights, [blobs[name] for name in layer.inputs])
    if len(made) != len(layer.outputs):
        raise layer.refuse(f"it makes {len(layer.outputs)} blobs, and should make {len(made)}")
    layer.check_all_asked()
    for name, tensor in zip(layer.outputs, made, strict=True):
        if name in blobs:
            raise layer.refuse(f"it makes the blob {name!r}, which a layer before it has made")
        blobs[name] = tensor


def _read(reader: LayerReader, layer: Layer, weights: WeightFile, inputs: list[Any]) -> list[Tensor]:
    try:
        made = reader.read(layer, weights, *inputs)
    except RuntimeError as exc:  # OpenVINO's, for shapes that don't fit each other
        raise layer.refuse(f"it does not fit what it takes: {last_line(exc)}") from exc
    return made if isinstance(made, list) else [made]
