"""Reads ONNX files: finds out how a network takes pictures, and makes it take them as this service does."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from openvino.frontend import (
    FrontEndManager,
    GeneralFailure,
    InitializationFailure,
    NotImplementedFailure,
    OpConversionFailure,
    OpValidationFailure,
)

from superscaling.conversion.conventions import find_convention, with_convention
from superscaling.conversion.cost import PROBES, check_cost
from superscaling.conversion.last_line import last_line
from superscaling.conversion.layout import Layout, find_layout
from superscaling.engines import available_cpus
from superscaling.engines.openvino import compile_network
from superscaling.errors import ModelUnavailable

# What OpenVINO's reader raises.
FAILURES = (
    GeneralFailure,
    InitializationFailure,
    NotImplementedFailure,
    OpConversionFailure,
    OpValidationFailure,
    RuntimeError,
    ValueError,
    TypeError,
    MemoryError,
)
# The longest side in px of a network of a fixed size: it is tried on larger pictures, too, before its cost is known.
MAX_FIXED = 512
# A network of a fixed size is tried on a picture with sides this many times as long, too.
OTHER_SIZE = 2
AGAIN = "export it again with dynamic axes (height and width)"


def read_onnx(path: Path) -> Any:
    """Read an ONNX file; returns an `openvino.Model` from (1, h, w, 3) to (1, s h, s w, 3), float32, RGB in [0, 1].

    Raises:
        ModelUnavailable: it can't be read, or is no network from RGB to RGB.
    """
    network, layout = open_onnx(path)
    return with_convention(network, layout, find_convention(network, layout).convention)


def open_onnx(path: Path) -> tuple[Any, Layout]:
    """Read an ONNX file as it is, but for pictures of any size; returns an `openvino.Model` and its layout.

    Raises:
        ModelUnavailable: as `read_onnx`.
    """
    network = _parse(path)
    layout = find_layout(network)
    fixed = [dimension.get_length() for dimension in layout.sides(network) if dimension.is_static]
    if max(fixed, default=0) > MAX_FIXED:
        raise ModelUnavailable(f"{path.name} takes pictures {max(fixed)} px long only: {AGAIN}")
    own = [layout.shape(*fixed)] if len(fixed) == 2 else []  # last: whether it takes others is found out below
    check_cost(network, [*(layout.shape(edge, edge) for edge in PROBES), *own])
    _make_dynamic(network, layout)
    if own and not _takes_other_sizes(network, layout, fixed):
        raise ModelUnavailable(f"{path.name} takes pictures of {fixed[1]} x {fixed[0]} px only: {AGAIN}")
    return network, layout


def _parse(path: Path) -> Any:
    """Read the file by OpenVINO's reader for ONNX alone: it must not guess that a file has another format."""
    try:
        frontend = FrontEndManager().load_by_framework("onnx")
        network = frontend.convert(frontend.load(str(path)))
    except OSError as exc:
        raise ModelUnavailable(f"{path} can't be read: {exc.strerror or exc}") from exc
    except FAILURES as exc:
        raise ModelUnavailable(f"{path.name}: {_reason(str(exc)) or last_line(exc)}") from exc
    if not network.inputs and not network.outputs:
        raise ModelUnavailable(f"{path.name} is no ONNX file, or an empty one")
    return network


def _reason(text: str) -> str | None:
    """Say in our words what OpenVINO's reader found; None: something else."""
    if unknown := re.search(r"No conversion rule found for operations: (.+)", text):
        return f"operators that OpenVINO does not know: {unknown[1].strip()}"
    if external := re.search(r"data in file \((.+?), offset|ExternalDataInfo\(data_full_path: (.+?), offset", text):
        file = Path(external[1] or external[2]).name
        return f"its weights are in another file, {file}, which is missing or too short: put it beside this one"
    if "can't be parsed" in text:
        return "it is no ONNX file, or a damaged one"
    return None


def _make_dynamic(network: Any, layout: Layout) -> None:
    try:
        network.reshape(openvino.PartialShape(layout.shape(-1, -1)))
    except RuntimeError as exc:
        raise ModelUnavailable(f"the network takes pictures of one size only ({last_line(exc)}): {AGAIN}") from exc


def _takes_other_sizes(network: Any, layout: Layout, size: list[int]) -> bool:
    """Whether a network of a fixed size, made dynamic, enlarges a larger picture as it enlarges one of its own size."""
    larger = [side * OTHER_SIZE for side in size]
    try:
        own, other = (_size_of_result(network, layout, each) for each in (size, larger))
    except (RuntimeError, MemoryError):
        return False
    return other == [side * OTHER_SIZE for side in own]


def _size_of_result(network: Any, layout: Layout, size: list[int]) -> list[int]:
    """Height and width in px of the result for a picture of this size.

    Raises:
        RuntimeError: the network fails on it.
    """
    request = compile_network(network, "f32", available_cpus())
    request.infer({0: np.zeros(layout.shape(*size), np.float32)})
    shape = request.get_output_tensor(0).data.shape
    return [shape[layout.result.index(axis)] for axis in "HW"]
