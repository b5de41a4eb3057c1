"""A layers model as a network of Keras, and as a weight file of ISR's."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py

from evaluation.errors import MeasurementError
from evaluation.layers_model import LayersModel, weights_of

# Class of a layer -> what of its configuration makes a difference to the result, with Keras's defaults.
FACTS: dict[str, dict[str, Any]] = {
    "InputLayer": {},
    "Conv2D": {
        "filters": None,
        "kernel_size": None,
        "strides": (1, 1),
        "padding": "valid",
        "dilation_rate": (1, 1),
        "groups": 1,
        "activation": "linear",
        "use_bias": True,
    },
    "Activation": {"activation": None},
    "Concatenate": {"axis": -1},
    "Add": {},
    "UpSampling2D": {"size": (2, 2), "interpolation": "nearest"},
}
CHANNEL_AXES = (3, -1)  # the same axis of a picture (n, h, w, c)


def build(model: LayersModel) -> Any:
    """Build the network that `model.json` describes, with its weights, layer by layer.

    Returns:
        A Keras model of pictures (n, h, w, c) of any size.

    Raises:
        MeasurementError: a layer is of another class than `FACTS` has, or does not fit its weights or inputs.
    """
    import keras  # late: it loads TensorFlow

    made: dict[str, Any] = {}
    first: list[Any] = []
    for layer in model.layers:
        facts = facts_of(layer.kind, layer.name, layer.config)
        try:
            if layer.kind == "InputLayer":
                made[layer.name] = keras.Input(layer.config["batch_input_shape"][1:], name=layer.name)
                first.append(made[layer.name])
                continue
            inputs = [made[name] for name in layer.inputs]
            built = getattr(keras.layers, layer.kind)(name=layer.name, **facts)
            made[layer.name] = built(inputs[0] if len(inputs) == 1 else inputs)
            built.set_weights(weights_of(model, layer))
        except (ValueError, KeyError, TypeError, IndexError) as exc:
            reason = str(exc).strip().partition("\n")[0]
            raise MeasurementError(f"the layer {layer.name[:100]!r} can't be built: {reason}") from exc
    if len(first) != 1:
        raise MeasurementError(f"the network has {len(first)} inputs; networks with one are read")
    return keras.Model(first[0], made[model.output])


def facts_of(kind: str, name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """What of a layer's configuration makes a difference to the result.

    Raises:
        MeasurementError: the layer is of an unknown class.
    """
    if kind not in FACTS:
        raise MeasurementError(f"the layer {name[:100]!r} is a {kind[:100]}; known are {', '.join(FACTS)}")
    facts = {key: config.get(key, default) for key, default in FACTS[kind].items()}
    facts = {key: tuple(value) if isinstance(value, list) else value for key, value in facts.items()}
    if facts.get("axis") in CHANNEL_AXES:
        facts["axis"] = CHANNEL_AXES[0]
    if facts.get("kernel_size") == (1, 1):
        facts["padding"] = "same"  # nothing is padded
    return facts


def differences(model: LayersModel, network: Any) -> list[str]:
    """Where a layers model is another network than one of Keras: layers, their order and inputs, shapes of weights."""
    ours = [_description(layer.kind, layer.name, layer.config, layer.inputs) for layer in model.layers]
    theirs = [
        _description(type(layer).__name__, layer.name, layer.get_config(), tuple(_names_of_inputs(layer)))
        for layer in network.layers
    ]
    found = [f"{one} is {other} there" for one, other in zip(ours, theirs, strict=False) if one != other]
    if len(ours) != len(theirs):
        found.append(f"{len(ours)} layers are {len(theirs)} there")
    shapes = {
        f"{layer.name}/{part}": tuple(array.shape)
        for layer in network.layers
        for part, array in zip(("kernel", "bias"), layer.get_weights(), strict=False)
    }
    if shapes != {name: array.shape for name, array in model.weights.items()}:
        found.append("the weights have other names or shapes")
    return found


def _description(kind: str, name: str, config: Mapping[str, Any], inputs: tuple[str, ...]) -> str:
    return f"{kind} {name} {facts_of(kind, name, config)} of {', '.join(inputs)}"


def _names_of_inputs(layer: Any) -> Iterator[str]:
    if type(layer).__name__ == "InputLayer":
        return
    inputs = layer.input if isinstance(layer.input, list) else [layer.input]
    for each in inputs:
        operation, _, _ = each._keras_history
        yield operation.name


def save_weights(model: LayersModel, path: Path) -> None:
    """Write the weights as Keras 2 did and ISR's weight files are: a group for each layer, in the layers' order.

    The layout is that of `keras.Model.save_weights` of Keras 2 in HDF5, which Keras 3 still loads by the same order.
    """
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        file.attrs["backend"], file.attrs["keras_version"] = b"tensorflow", b"2.3.0-tf"
        for layer in model.layers:
            group = file.create_group(layer.name)
            names = [f"{layer.name}/{part}:0" for part in ("kernel", "bias") if f"{layer.name}/{part}" in model.weights]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, array in zip(names, weights_of(model, layer), strict=True):
                group.create_dataset(name, data=array)
