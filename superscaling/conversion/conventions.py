"""How a network takes pictures: the order of the channels, and the range of the values.

A file doesn't say. It is found by trying: what an upscaler makes of a picture, reduced again, is about the picture.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray
from openvino import opset13 as ops

from superscaling.conversion.last_line import last_line
from superscaling.conversion.layout import NCHW, NHWC, Layout
from superscaling.conversion.similarity import MAX_LEVEL
from superscaling.conversion.trial import MAX_FACTOR
from superscaling.engines import available_cpus
from superscaling.engines.openvino import compile_network
from superscaling.errors import ModelUnavailable

# Edge in px of the picture that is tried: a multiple of the windows of most networks.
EDGE = 96
# The right convention has an error so many times smaller than the wrong one; otherwise the usual one is assumed.
CLEARLY_LESS = 1.5
# Errors below this, in levels, are equally good.
GOOD_ERROR = 1.0


@dataclass(frozen=True)
class Convention:
    """`most`: the value of white, 1 or 255; `bgr`: blue comes first."""

    most: int = 1
    bgr: bool = False

    def __str__(self) -> str:
        return f"{'BGR' if self.bgr else 'RGB'}, 0 to {self.most}"


@dataclass(frozen=True)
class FoundConvention:
    """`range_is_sure`, `order_is_sure`: whether trying told it; otherwise it is the usual one."""

    convention: Convention
    range_is_sure: bool
    order_is_sure: bool


def with_convention(network: Any, layout: Layout, convention: Convention) -> Any:
    """The same network from (1, h, w, 3) to (1, s h, s w, 3), float32, RGB in [0, 1]. The given one is changed.

    Raises:
        ModelUnavailable: the network can't be connected.
    """
    try:
        return _connected(network, layout, convention)
    except RuntimeError as exc:
        raise ModelUnavailable(f"the network can't be used: {last_line(exc)}") from exc


def find_convention(network: Any, layout: Layout) -> FoundConvention:
    """Find range and order of the channels, by the error of the result, reduced again, from the picture.

    Raises:
        ModelUnavailable: the network fails on the picture.
    """
    picture = _picture()
    try:
        request = compile_network(network, "f32", available_cpus())
        errors = {
            convention: _error(request, layout, convention, picture)
            for convention in (Convention(1), Convention(255), Convention(1, bgr=True), Convention(255, bgr=True))
        }
    except RuntimeError as exc:
        raise ModelUnavailable(f"the network fails on {EDGE} x {EDGE} px: {last_line(exc)}") from exc
    small, large = (min(errors[Convention(most)], errors[Convention(most, bgr=True)]) for most in (1, 255))
    range_is_sure = _differ(small, large)
    most = 255 if range_is_sure and large < small else 1
    rgb, bgr = (errors[Convention(most, order)] for order in (False, True))
    order_is_sure = _differ(rgb, bgr)
    return FoundConvention(Convention(most, order_is_sure and bgr < rgb), range_is_sure, order_is_sure)


def _differ(one: float, other: float) -> bool:
    return max(one, other) > CLEARLY_LESS * max(min(one, other), GOOD_ERROR)


def _error(request: Any, layout: Layout, convention: Convention, picture: NDArray[np.float32]) -> float:
    """Mean difference in levels of the reduced result from the picture (h, w, 3) in [0, 1]; infinite if it is none."""
    batch = picture[np.newaxis, :, :, :: -1 if convention.bgr else 1] * np.float32(convention.most)
    request.infer({0: np.ascontiguousarray(batch if layout.source == NHWC else batch.transpose(0, 3, 1, 2))})
    result = np.array(request.get_output_tensor(0).data, np.float32)
    result = (result if layout.result == NHWC else result.transpose(0, 2, 3, 1))[0]
    scale = result.shape[0] // EDGE
    if not 1 <= scale <= MAX_FACTOR or result.shape != (EDGE * scale, EDGE * scale, 3):
        return float("inf")
    reduced = result.reshape(EDGE, scale, EDGE, scale, 3).mean(axis=(1, 3))[:, :, :: -1 if convention.bgr else 1]
    error = float(np.abs(reduced / convention.most - picture).mean()) * MAX_LEVEL
    return error if np.isfinite(error) else float("inf")


def _picture() -> NDArray[np.float32]:
    """A colourful picture (EDGE, EDGE, 3) in [0, 1] with soft and sharp places; red and blue differ everywhere."""
    rows, columns = np.mgrid[0 : 1 : EDGE * 1j, 0 : 1 : EDGE * 1j]
    red = 0.55 + 0.3 * np.sin(9 * columns) * np.cos(5 * rows)
    green = 0.45 + 0.3 * np.cos(7 * rows + 3 * columns)
    blue = 0.25 + 0.15 * np.sin(11 * rows - 4 * columns)
    picture = np.stack([red, green, blue], axis=-1)
    picture[(rows - 0.5) ** 2 + (columns - 0.4) ** 2 < 0.05] *= 0.5
    return picture.astype(np.float32)


def _connected(network: Any, layout: Layout, convention: Convention) -> Any:
    kind = network.inputs[0].get_element_type()
    source = ops.parameter(openvino.PartialShape([1, -1, -1, 3]), np.float32, name="picture")
    shown: Any = source
    if convention.bgr:
        shown = _reversed(shown)
    if convention.most != 1:
        shown = ops.multiply(shown, np.float32(convention.most))
    if layout.source == NCHW:
        shown = ops.transpose(shown, np.array([0, 3, 1, 2]))
    if kind != openvino.Type.f32:
        shown = ops.convert(shown, kind)
    parameter = network.get_parameters()[0]
    parameter.output(0).replace(shown.output(0))
    result = network.get_results()[0].input_value(0)
    if result.get_element_type() != openvino.Type.f32:
        result = ops.convert(result, openvino.Type.f32).output(0)
    if layout.result == NCHW:
        result = ops.transpose(result, np.array([0, 2, 3, 1])).output(0)
    if convention.most != 1:
        result = ops.multiply(result, np.float32(1 / convention.most)).output(0)
    if convention.bgr:
        result = _reversed(result).output(0)
    return openvino.Model([ops.result(result)], [source], "upscaler")


def _reversed(picture: Any) -> Any:
    """The channels in the opposite order."""
    return ops.gather(picture, np.array([2, 1, 0]), np.array(3))
