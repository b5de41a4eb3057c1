"""The kinds of layers that are read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from superscaling.conversion.ncnn import arithmetic, convolutions, shapes
from superscaling.conversion.ncnn.layer import Layer
from superscaling.conversion.ncnn.param_file import MAX_BLOBS
from superscaling.conversion.ncnn.tensor import Tensor
from superscaling.conversion.ncnn.weight_file import WeightFile


@dataclass(frozen=True)
class Kind:
    """How a layer is read, and from how many blobs."""

    read: Callable[..., Tensor | list[Tensor]]
    least: int = 1
    most: int = 1


KINDS = {
    "BatchNorm": Kind(arithmetic.batch_norm),
    "BinaryOp": Kind(arithmetic.binary, most=2),
    "Clip": Kind(arithmetic.clip),
    "Concat": Kind(shapes.concat, most=MAX_BLOBS),
    "Convolution": Kind(convolutions.convolution),
    "ConvolutionDepthWise": Kind(convolutions.depthwise_convolution),
    "Crop": Kind(shapes.crop, most=2),
    "Deconvolution": Kind(convolutions.deconvolution),
    "Dropout": Kind(shapes.same),
    "ELU": Kind(arithmetic.elu),
    "Eltwise": Kind(arithmetic.eltwise, least=2, most=MAX_BLOBS),
    "GELU": Kind(arithmetic.gelu),
    "HardSigmoid": Kind(arithmetic.hard_sigmoid),
    "HardSwish": Kind(arithmetic.hard_swish),
    "InnerProduct": Kind(convolutions.inner_product),
    "Interp": Kind(shapes.interp),
    "MemoryData": Kind(shapes.memory_data, least=0, most=0),
    "Noop": Kind(shapes.same),
    "PReLU": Kind(arithmetic.prelu),
    "Padding": Kind(shapes.padding),
    "Permute": Kind(shapes.permute),
    "PixelShuffle": Kind(shapes.pixel_shuffle),
    "Pooling": Kind(shapes.pooling),
    "ReLU": Kind(arithmetic.relu),
    "Reorg": Kind(shapes.reorg),
    "Reshape": Kind(shapes.reshape),
    "Scale": Kind(arithmetic.scale, most=2),
    "Slice": Kind(shapes.slices),
    "Split": Kind(shapes.split),
    "UnaryOp": Kind(arithmetic.unary),
    **dict.fromkeys(arithmetic.SIMPLE, Kind(arithmetic.simple)),
}


def read_layer(layer: Layer, weights: WeightFile, blobs: dict[str, Tensor]) -> None:
    """Read a layer's weights, and add what it makes to `blobs`.

    Raises:
        ModelUnavailable: its kind, or something about it, is not supported.
    """
    if (kind := KINDS.get(layer.kind)) is None:
        raise layer.refuse(f"layers of this kind are not supported; these are: {', '.join(sorted(KINDS))}")
    if not kind.least <= len(layer.inputs) <= kind.most:
        raise layer.refuse(f"it takes {len(layer.inputs)} blobs, and should take {kind.least} to {kind.most}")
    for name in layer.inputs:
        if name not in blobs:
            raise layer.refuse(f"it takes the blob {name!r}, which no layer before it makes")
    made = _read(kind, layer, weights, [blobs[name] for name in layer.inputs])
    if len(made) != len(layer.outputs):
        raise layer.refuse(f"it makes {len(layer.outputs)} blobs, and should make {len(made)}")
    layer.check_all_asked()
    for name, tensor in zip(layer.outputs, made, strict=True):
        if name in blobs:
            raise layer.refuse(f"it makes the blob {name!r}, which a layer before it has made")
        blobs[name] = tensor


def _read(kind: Kind, layer: Layer, weights: WeightFile, inputs: list[Any]) -> list[Tensor]:
    try:
        made = kind.read(layer, weights, *inputs)
    except RuntimeError as exc:  # OpenVINO's, for shapes that don't fit each other
        lines = [line.strip() for line in str(exc).splitlines() if line.strip()]
        raise layer.refuse(f"it does not fit what it takes: {lines[-1] if lines else 'shapes differ'}") from exc
    return made if isinstance(made, list) else [made]
