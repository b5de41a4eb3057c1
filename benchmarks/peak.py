"""The machine's measured peak for matrix products, in FLOP/s, as a yardstick for the networks.

Runs square matrix products and wide convolutions through OpenVINO, with the threads that the networks use, and takes
the fastest run: a peak that this machine reaches, not that of a data sheet. A multiply-add counts as two operations.
"""

import time
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray
from openvino import opset13 as ops

EDGES = (1024, 2048)  # of square matrices
CONVOLUTION = (64, 256)  # edge in px, channels in and out; 3x3
RUNS = 3
HINTS = {"fp32": "f32", "bf16": "bf16", "int8": "bf16"}  # OpenVINO's precision for what is not quantised


class Peak:
    """The highest rate measured so far in one precision, in FLOP/s."""

    def __init__(self, precision: str, threads: int) -> None:
        core = openvino.Core()
        options = {"INFERENCE_PRECISION_HINT": HINTS[precision], "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1}
        self.flop_per_second = 0.0
        self._calls = []
        for model, flop in (*(_product(edge, precision) for edge in EDGES), _convolution(*CONVOLUTION, precision)):
            request = core.compile_model(model, "CPU", options).create_infer_request()
            self._calls.append((request, _numbers(*model.inputs[0].shape), flop))

    def try_again(self) -> None:
        """Run everything `RUNS` times and keep the highest rate."""
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
    """Input and weights; for int8 in the form of a quantised network: fake-quantised input, scaled int8 weights."""
    if precision != "int8":
        return given, ops.constant(weights)
    low, high = np.float32(0), np.float32(1)
    levels = ops.convert(ops.constant(np.rint(weights * 127).astype(np.int8)), np.float32)
    return ops.fake_quantize(given, low, high, low, high, 256), ops.multiply(levels, ops.constant(np.float32(1 / 127)))


def _numbers(*shape: int) -> NDArray[np.float32]:
    """Random float32 values in [0, 1)."""
    return np.random.default_rng(0).random(shape, np.float32)
