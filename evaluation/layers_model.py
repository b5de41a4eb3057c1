"""Reads layers models of TensorFlow.js: `model.json`, which is Keras's description of a network, and its weights.

The format is that of tfjs-converter: a manifest lists groups of files, whose bytes in a row hold the group's tensors in
a row; a tensor of float32 may be stored in 8 or 16 bits, as `quantised * scale + min`, or as float16.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.errors import MeasurementError

DESCRIPTION = "model.json"
MAX_DESCRIPTION = 4_000_000  # bytes
MAX_LAYERS = 5_000
MAX_TENSORS = 10_000
MAX_VALUES = 20_000_000  # in all tensors
MAX_AXES = 8
# How tensors may be stored: without quantisation as float32, otherwise as one of these.
STORED: dict[str, np.dtype[Any]] = {"uint8": np.dtype("u1"), "uint16": np.dtype("<u2"), "float16": np.dtype("<f2")}
FLOAT: np.dtype[Any] = np.dtype("<f4")


@dataclass(frozen=True)
class Layer:
    """A layer: Keras's class, its configuration, and the names of the layers that it reads."""

    kind: str
    name: str
    config: Mapping[str, Any]
    inputs: tuple[str, ...]


@dataclass(frozen=True)
class LayersModel:
    """A network. `layers`: each after those that it reads; `output`: name of the last; `weights`: name -> float32."""

    layers: tuple[Layer, ...]
    output: str
    weights: Mapping[str, NDArray[np.float32]]


def read_layers_model(files: Mapping[str, bytes]) -> LayersModel:
    """Read a model whose layers each are used once, with one output.

    Args:
        files: `model.json` and the files that it names.

    Raises:
        MeasurementError: it is no such model, contradicts itself, or is beyond the limits.
    """
    data = files.get(DESCRIPTION, b"")
    if not 0 < len(data) <= MAX_DESCRIPTION:
        raise MeasurementError(f"{DESCRIPTION} has {len(data)} bytes; 1 to {MAX_DESCRIPTION} are read")
    try:
        description = json.loads(data)
        if description["format"] != "layers-model":
            raise MeasurementError(
                f"{DESCRIPTION} is of the format {str(description['format'])[:100]!r}, not layers-model"
            )
        topology = description["modelTopology"]
        network = topology.get("model_config", topology)["config"]
        layers = tuple(_layers(network["layers"]))
        ((output, *_),) = network["output_layers"]
        weights = dict(_weights(description["weightsManifest"], files))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise MeasurementError(f"{DESCRIPTION} describes no network: {str(exc)[:100]!r}") from exc
    if output not in {layer.name for layer in layers}:
        raise MeasurementError(f"there is no layer {str(output)[:100]!r}, which is to be the output")
    return LayersModel(layers, output, weights)


def weights_of(model: LayersModel, layer: Layer) -> list[NDArray[np.float32]]:
    """A layer's tensors, in Keras's order: kernel, bias."""
    names = (f"{layer.name}/{part}" for part in ("kernel", "bias"))
    return [model.weights[name] for name in names if name in model.weights]


def _layers(described: list[Any]) -> Iterator[Layer]:
    if len(described) > MAX_LAYERS:
        raise MeasurementError(f"the network has {len(described)} layers; at most {MAX_LAYERS} are read")
    known = set[str]()
    for each in described:
        if len(each["inbound_nodes"]) > 1:
            raise MeasurementError(f"the layer {each['name'][:100]!r} is used more than once")
        inputs = tuple(source[0] for node in each["inbound_nodes"] for source in node)
        if each["name"] in known or not known.issuperset(inputs):
            raise MeasurementError(f"the layer {each['name'][:100]!r} comes twice, or before what it reads")
        known.add(each["name"])
        yield Layer(each["class_name"], each["name"], each["config"], inputs)


def _weights(manifest: list[Any], files: Mapping[str, bytes]) -> Iterator[tuple[str, NDArray[np.float32]]]:
    left = MAX_VALUES
    if sum(len(group["weights"]) for group in manifest) > MAX_TENSORS:
        raise MeasurementError(f"the model has more than {MAX_TENSORS} tensors")
    for group in manifest:
        for path in group["paths"]:
            if path not in files:
                raise MeasurementError(f"there is no file {path[:100]!r} beside {DESCRIPTION}")
        data, place = b"".join(files[path] for path in group["paths"]), 0
        for each in group["weights"]:
            count = _count(each)
            left -= count
            if left < 0:
                raise MeasurementError(f"the model has more than {MAX_VALUES} values")
            stored = _stored_type(each)
            if place + count * stored.itemsize > len(data):
                raise MeasurementError(f"the weights end within {each['name'][:100]!r}")
            values = _restored(np.frombuffer(data, stored, count, place), each)
            place += count * stored.itemsize
            yield each["name"], values.reshape(each["shape"])
        if place != len(data):
            raise MeasurementError(
                f"{len(data) - place} bytes of {', '.join(group['paths'])[:100]!r} belong to no tensor"
            )


def _count(tensor: Mapping[str, Any]) -> int:
    """How many values a tensor has."""
    shape = tensor["shape"]
    if len(shape) > MAX_AXES or not all(isinstance(side, int) and side >= 0 for side in shape):
        raise MeasurementError(f"{tensor['name'][:100]!r} has the shape {str(shape)[:100]}")
    return math.prod(shape)


def _stored_type(tensor: Mapping[str, Any]) -> np.dtype[Any]:
    stored = tensor["quantization"]["dtype"] if "quantization" in tensor else None
    if tensor["dtype"] != "float32" or (stored is not None and stored not in STORED):
        raise MeasurementError(
            f"{tensor['name'][:100]!r} is {str(tensor['dtype'])[:100]}, stored as {str(stored)[:100]}; float32 is read,"
            f" stored as such or as one of {', '.join(STORED)}"
        )
    return FLOAT if stored is None else STORED[stored]


def _restored(stored: NDArray[Any], tensor: Mapping[str, Any]) -> NDArray[np.float32]:
    """Undo the quantisation, in float64 as JavaScript does."""
    quantised = tensor.get("quantization", {})
    values: NDArray[np.float32] = (
        stored.astype(np.float64) * quantised.get("scale", 1) + quantised.get("min", 0)
    ).astype(np.float32)
    if not np.isfinite(values).all():
        raise MeasurementError(f"{tensor['name'][:100]!r} has values that are no numbers")
    return values
