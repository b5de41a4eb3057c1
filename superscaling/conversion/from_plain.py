"""Reads the weights of a plain network, which `training` writes, as a network for OpenVINO.

A plain network is a row of 3x3 convolutions with ReLU, beside one linear 5x5 convolution, the skip, from the picture
itself; one pixel shuffle ends both. The convolutions that see the picture pad it with its outermost pixels, the others
with zeros. `training/network.py` has the same in PyTorch.
"""

import math
import warnings
import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray
from openvino import opset13 as op

from superscaling.conversion.cost import PROBES, check_cost
from superscaling.conversion.ir import Ends
from superscaling.conversion.last_line import last_line
from superscaling.errors import ModelUnavailable

COLOURS = 3
HEAD, TAIL, SKIP = "head", "tail", "skip"
# Largest factor of an enlargement.
MAX_SCALE = 8
# Of all arrays together. The largest of the project's networks has 2.4 MB.
MAX_BYTES = 256 << 20
# Where the picture itself passes. The rest, tail included, loses nothing that can be seen in int8.
PLAIN_ENDS = Ends(in_fp32=(HEAD, SKIP), in_float=(HEAD, SKIP))

Weights = Mapping[str, NDArray[np.float32]]


def read_plain(path: Path) -> Any:
    """Read a plain network.

    Args:
        path: a NumPy archive (.npz) with `weight` (out, in, edge, edge) and `bias` (out,) of `head`, `body.0` and so
            on, `tail` and `skip`, float32. Results of `tail` and `skip` are ordered as for PyTorch's pixel shuffle.

    Returns:
        An `openvino.Model` with one input (1, h, w, 3) float32, RGB in [0, 1], h and w dynamic, and one output
        (1, scale h, scale w, 3). Its convolutions have the names of their weights.

    Raises:
        ModelUnavailable: the file can't be read, or holds something else.
    """
    weights = _read(path)
    layers = _check(weights)
    picture = op.parameter([1, -1, -1, COLOURS], np.float32, name="picture")
    planes = op.transpose(picture, np.array([0, 3, 1, 2], np.int64))
    features = op.relu(_of_picture(HEAD, weights, planes))
    for name in layers:
        features = op.relu(_convolution(name, weights, features, padding=1))
    both = op.add(_convolution(TAIL, weights, features, padding=1), _of_picture(SKIP, weights, planes))
    enlarged = op.depth_to_space(both, "depth_first", _scale(weights))
    result = op.transpose(enlarged, np.array([0, 2, 3, 1], np.int64))
    network = openvino.Model([result], [picture], path.stem)
    check_cost(network, [(1, edge, edge, COLOURS) for edge in PROBES])
    return network


def _read(path: Path) -> Weights:
    """All arrays of an archive, by name, whatever they are.

    Raises:
        ModelUnavailable: it can't be read, has more than `MAX_BYTES`, or has two arrays of one name.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())  # as stated: no more is read
        if size > MAX_BYTES:
            raise ModelUnavailable(f"its arrays have {size:,} bytes; at most {MAX_BYTES:,} are allowed")
        with warnings.catch_warnings(action="ignore"), np.load(path, allow_pickle=False) as arrays:
            if repeated := [name for name, count in Counter(arrays.files).items() if count > 1]:
                raise ModelUnavailable(f"it has {repeated[0][:100]!r} more than once")
            return {name: np.asarray(arrays[name]) for name in arrays.files}
    except ModelUnavailable:
        raise
    except Exception as exc:  # NumPy has Python parse the headers: a bad one makes it raise anything
        raise ModelUnavailable(f"{path} can't be read as a NumPy archive: {last_line(exc)}") from exc


def _check(weights: Weights) -> list[str]:
    """Names of the body's convolutions, in order.

    Raises:
        ModelUnavailable: these are no weights of a plain network.
    """
    count = sum(name.startswith("body.") and name.endswith(".weight") for name in weights)
    body = [f"body.{number}" for number in range(count)]
    names = {f"{layer}.{part}" for layer in (HEAD, *body, TAIL, SKIP) for part in ("weight", "bias")}
    if missing := sorted(names - set(weights)):
        raise ModelUnavailable(f"it is no plain network: {missing[0]} is missing")
    if strange := sorted(set(weights) - names):
        raise ModelUnavailable(f"it is no plain network, or a damaged one: it has {strange[0][:100]!r}")
    channels = len(np.atleast_1d(weights[f"{HEAD}.bias"]))
    if not channels:
        raise ModelUnavailable("its head has no channels")
    results = COLOURS * _scale(weights) ** 2
    shapes = {HEAD: (channels, COLOURS, 3, 3), TAIL: (results, channels, 3, 3), SKIP: (results, COLOURS, 5, 5)}
    for layer in (HEAD, *body, TAIL, SKIP):
        shape = shapes.get(layer, (channels, channels, 3, 3))
        for part, expected in (("weight", shape), ("bias", shape[:1])):
            array = weights[f"{layer}.{part}"]
            if array.shape != expected or array.dtype != np.float32:
                raise ModelUnavailable(
                    f"{layer}.{part} has the shape {array.shape} in {array.dtype}, not {expected} in float32"
                )
            if not np.isfinite(array).all():
                raise ModelUnavailable(f"{layer}.{part} has values that are not numbers")
    return body


def _scale(weights: Weights) -> int:
    results = np.asarray(weights[f"{TAIL}.bias"]).size
    scale = math.isqrt(results // COLOURS)
    if COLOURS * scale**2 != results or not 1 <= scale <= MAX_SCALE:
        raise ModelUnavailable(f"its tail has {results} channels: 3 times the square of a factor from 1 to {MAX_SCALE}")
    return scale


def _of_picture(name: str, weights: Weights, planes: Any) -> Any:
    """A convolution of the picture, padded with its outermost pixels."""
    reach = weights[f"{name}.weight"].shape[-1] // 2
    ends = np.array([0, 0, reach, reach], np.int64)
    return _convolution(name, weights, op.pad(planes, ends, ends, "edge"), padding=0)


def _convolution(name: str, weights: Weights, planes: Any, padding: int) -> Any:
    kernel, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
    both = [padding, padding]
    result = op.convolution(planes, kernel, [1, 1], both, both, [1, 1])
    result.set_friendly_name(name)
    return op.add(result, bias.reshape(1, -1, 1, 1))
