"""Reads `.bin`, the weights of an ncnn model, layer after layer.

Format: `ModelBin::load` in https://github.com/Tencent/ncnn/blob/master/src/modelbin.cpp. Nothing is allocated before
the bytes for it are known to be there.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from superscaling.conversion.ncnn.reading import read_bounded
from superscaling.errors import ModelUnavailable

MAX_BYTES = 1 << 30
# What the first four bytes of weights say about those that follow.
FP16, INT8, FP32_SCALED = 0x01306B47, 0x000D4B38, 0x0002C056
TABLE_SIZE = 256  # values of a table that bytes point into


class WeightFile:
    """Reads a `.bin` file from its beginning to its end.

    Args:
        path: the file.

    Raises:
        ModelUnavailable: it can't be read, or is too large.
    """

    def __init__(self, path: Path) -> None:
        self._name = path.name
        self._data = memoryview(read_bounded(path, MAX_BYTES))
        self._at = 0

    def raw(self, count: int) -> NDArray[np.float32]:
        """The next `count` values, written as fp32.

        Raises:
            ModelUnavailable: the file ends before.
        """
        return np.frombuffer(self._take(4 * count), "<f4")

    def tagged(self, count: int) -> NDArray[np.float32]:
        """The next `count` values, before which the file says how they are written: fp32, fp16, or by a table.

        Raises:
            ModelUnavailable: the file ends before, or they are int8.
        """
        tag = int.from_bytes(self._take(4), "little")
        if tag == FP16:
            values: NDArray[Any] = np.frombuffer(self._take_aligned(2 * count), "<f2")[:count]
            return values.astype(np.float32)
        if tag == INT8:
            raise ModelUnavailable(f"{self._name} has weights in int8: use the model in fp16 or fp32")
        if tag in (0, FP32_SCALED):
            return self.raw(count)
        table = self.raw(TABLE_SIZE)
        return table[np.frombuffer(self._take_aligned(count), np.uint8)[:count]]

    def check_end(self) -> None:
        """Make sure that all was read.

        Raises:
            ModelUnavailable: something is left.
        """
        if left := len(self._data) - self._at:
            raise ModelUnavailable(f"{self._name} has {left} bytes more than its layers use: it is another .param's")

    def _take_aligned(self, size: int) -> memoryview:
        return self._take(math.ceil(size / 4) * 4)

    def _take(self, size: int) -> memoryview:
        taken = self._data[self._at : self._at + size]
        if len(taken) < size:
            raise ModelUnavailable(
                f"{self._name} ends at byte {len(self._data)}, and its layers need more: it is cut off, or another"
                " .param's"
            )
        self._at += size
        return taken
