"""Where a network has its channels: the order of the axes of what it takes and gives, which its shapes tell."""

from dataclasses import dataclass
from typing import Any

from superscaling.errors import ModelUnavailable

# What the axes hold: number, channel, row and column.
NCHW, NHWC = "NCHW", "NHWC"
TYPES = {"f32", "f16", "bf16", "f64"}


@dataclass(frozen=True)
class Layout:
    """Order of the axes of a network's input and of its output: `NCHW` or `NHWC`."""

    source: str
    result: str

    def shape(self, height: int, width: int) -> list[int]:
        """The input's shape for a picture of this size."""
        return [{"N": 1, "C": 3, "H": height, "W": width}[axis] for axis in self.source]

    def sides(self, network: Any) -> list[Any]:
        """Height and width that the network's input has, as OpenVINO's dimensions."""
        shape = network.inputs[0].get_partial_shape()
        return [shape[self.source.index(axis)] for axis in "HW"]


def find_layout(network: Any) -> Layout:
    """Find out where a network has its channels.

    Raises:
        ModelUnavailable: it takes or gives anything but one RGB picture.
    """
    for direction, ports in (("takes", network.inputs), ("gives", network.outputs)):
        if len(ports) != 1:
            names = ", ".join(sorted(name for port in ports for name in port.get_names())[:10])
            raise ModelUnavailable(f"the network {direction} {len(ports)} arrays ({names}): one picture is needed")
    source, result = (
        _axes(direction, port) for direction, port in (("takes", network.inputs[0]), ("gives", network.outputs[0]))
    )
    return Layout(source or result or NCHW, result or source or NCHW)


def _axes(direction: str, port: Any) -> str | None:
    """The order of the axes of an input or output; None: its shape doesn't tell.

    Raises:
        ModelUnavailable: it is no RGB picture.
    """
    shape, kind = port.get_partial_shape(), port.get_element_type().to_string()
    if kind not in TYPES:
        raise ModelUnavailable(f"the network {direction} values of type {kind}: floating point is needed")
    if shape.rank.is_dynamic:
        return None
    if len(shape) != 4:
        raise ModelUnavailable(f"the network {direction} an array of {len(shape)} axes: a picture has 4")
    if shape[0].is_static and shape[0].get_length() != 1 and direction == "gives":
        raise ModelUnavailable(f"the network {direction} {shape[0].get_length()} pictures at once: one is needed")
    first, last = (shape[axis].get_length() if shape[axis].is_static else None for axis in (1, 3))
    if first == 3:
        return NCHW
    if last == 3:
        return NHWC
    if first is None and last is None:
        return None
    channels = first if first is not None else last
    known = {1: "1 channel (grey)", 4: "4 channels (RGB and transparency, or latents)"}
    raise ModelUnavailable(
        f"the network {direction} {known.get(channels or 0, f'{channels} channels')}: three are needed, RGB"
    )
