"""How fast this machine multiplies matrices at best: the measure of what the networks make of it.

Counted are two operations for a multiplication and the addition after it, as in `flops`. Tried are products of square
matrices and convolutions of many channels, through OpenVINO as the networks are, on as many threads; the fastest
run of all counts, so that it is a peak that this machine really reaches, and not the one of its data sheet.
"""

import time
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray
from openvino import opset13 as ops

EDGES = (1024, 2048)  # of square matrices
CONVOLUTION = (64, 256)  # px of the edge, channels in and out; 3x3
RUNS = 3
HINTS = {"fp32": "f32", "bf16": "bf16", "int8": "bf16"}  # what the products that are not in int8 would be in


class Peak:
    """The best that was seen so far in one precision, in FLOP per second."""

    def __init__(self, precision: str, threads: int) -> None:
        core = openvino.Core()
        options = {"INFERENCE_PRECISION_HINT": HINTS[precision], "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1}
        self.flop_per_second = 0.0
        self._calls = []
        for model, flop in (*(_product(edge, precision) for edge in EDGES), _convolution(*CONVOLUTION, precision)):
            request = core.compile_model(model, "CPU", options).create_infer_request()
            self._calls.append((request, _numbers(*model.inputs[0].shape), flop))

    def try_again(self) -> None:
        """Run everything some times; what is faster than what was seen counts."""
        for request, numbers, flop in self._calls:
            for _ in range(RUNS):
                start = time.perf_counter()
                request.infer({0: numbers}, share_inputs=True)
                self.flop_per_second = max(self.flop_per_second, flop / (time.perf_counter() - start))


def _product(edge: int, precision: str) -> tuple[Any, int]:
    given = ops.parameter([edge, edge], np.float32)
    one, other = _operands(given, _numbers(edge, edge), precision)
    return openvino.Model([ops.matmul(one, other, False, True)], [given]), 2 * edge**3


def _convolution(edge: int, channels: int, precision: str) -> tuple[Any, int]:
    given = ops.parameter([1, channels, edge, edge], np.float32)
    one, other = _operands(given, _numbers(channels, channels, 3, 3), precision)
    made = ops.convolution(one, other, [1, 1], [1, 1], [1, 1], [1, 1])
    return openvino.Model([made], [given]), 2 * (edge * channels * 3) ** 2


def _operands(given: Any, weights: NDArray[np.float32], precision: str) -> tuple[Any, Any]:
    """Input and weights; in int8 as OpenVINO knows a quantised network: rounded to levels, and levels with a factor."""
    if precision != "int8":
        return given, ops.constant(weights)
    low, high = np.float32(0), np.float32(1)
    levels = ops.convert(ops.constant(np.rint(weights * 127).astype(np.int8)), np.float32)
    return ops.fake_quantize(given, low, high, low, high, 256), ops.multiply(levels, ops.constant(np.float32(1 / 127)))


def _numbers(*shape: int) -> NDArray[np.float32]:
    """Between 0 and 1."""
    return np.random.default_rng(0).random(shape, np.float32)
