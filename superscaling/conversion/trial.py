"""Finds by trying which sizes a network takes and by how much it enlarges them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from superscaling.conversion.halo import HALO_LIMIT, HALOS, cut_of, strips
from superscaling.conversion.last_line import last_line
from superscaling.conversion.similarity import MAX_LEVEL
from superscaling.engines import Pixels, available_cpus, padded
from superscaling.engines.openvino import compile_network
from superscaling.errors import ModelUnavailable

MAX_FACTOR = 8
# Multiples to try, in px. Windows of 7, 8, 12, 16, 22, 24 and 32 px are those of known transformers.
MULTIPLES = (1, 2, 4, 8, 16, 32, 64, 3, 6, 12, 24, 48, 7, 14, 22)
# If the factor is wrong for multiples of so many px, too, rounded sides are not the reason.
FACTOR_IS_WRONG = 16
# Multiples are as good as the best one if they shift pixels at most this many times as much.
SHIFT_RATIO = 2.0
# Edge in px of the smallest picture that every network must take.
LARGEST_LEAST = 128


class WrongFactor(ModelUnavailable):
    """The result is not as large as that of an upscaler."""


@dataclass(frozen=True)
class Sizes:
    """`scale`: factor; `multiple`: sides must be multiples of so many px, and at least `least`."""

    scale: int
    multiple: int
    least: int


class Trial:
    """A network in fp32, with one input (1, h, w, 3) and one output.

    Args:
        network: an `openvino.Model`.

    Raises:
        ModelUnavailable: OpenVINO can't compile it.
    """

    def __init__(self, network: Any) -> None:
        try:
            self._request = compile_network(network, "f32", available_cpus())
        except RuntimeError as exc:
            raise ModelUnavailable(f"OpenVINO can't run this network: {last_line(exc)}") from exc

    def enlarge(self, pixels: Pixels, multiple: int = 1, least: int = 1) -> NDArray[np.float32]:
        """(h, w, 3) uint8, padded to `multiple` and `least`, to (scale h, scale w, 3) in levels, not clamped.

        Raises:
            ModelUnavailable: the network fails, or its result is no enlarged picture.
        """
        batch = padded(pixels[np.newaxis], multiple, least).astype(np.float32) / np.float32(MAX_LEVEL)
        try:
            self._request.infer({0: batch}, share_inputs=True)
        except RuntimeError as exc:
            raise ModelUnavailable(f"the network fails on {_size(batch.shape)} px: {last_line(exc)}") from exc
        result = np.array(self._request.get_output_tensor(0).data)
        scale = _factor(batch.shape, result.shape)
        if not np.isfinite(result).all():
            raise ModelUnavailable(f"the network's result for {_size(batch.shape)} px has values that are no numbers")
        height, width, _ = pixels.shape
        return result[0, : height * scale, : width * scale] * np.float32(MAX_LEVEL)

    def find_sizes(self, photographs: Sequence[Pixels]) -> Sizes:
        """Find out what sizes the network takes.

        A network that works in windows takes the smallest multiple for which a picture that is cut there gives the
        same pixels, far from the cut, as the whole one.

        Args:
            photographs: (h, w, 3) uint8; the first is used.

        Raises:
            ModelUnavailable: it takes none of the sizes that were tried, or does not enlarge by a whole factor.
        """
        strip = strips(photographs[:1])[0]
        shifts = dict[int, float]()
        failure: ModelUnavailable | None = None
        for multiple in MULTIPLES:
            try:
                shifts[multiple] = self._shift(strip, multiple)
            except WrongFactor:
                if multiple >= FACTOR_IS_WRONG:
                    raise
            except ModelUnavailable as exc:
                failure = exc
            else:
                if shifts[multiple] < HALO_LIMIT:
                    break
        if not shifts:
            raise failure or ModelUnavailable("the network takes no size")
        bound = max(HALO_LIMIT, SHIFT_RATIO * min(shifts.values()))
        multiple = next(each for each in sorted(shifts) if shifts[each] <= bound)
        scale = self.enlarge(strip, multiple).shape[0] // strip.shape[0]
        return Sizes(scale, multiple, self._find_least(strip, multiple))

    def _shift(self, strip: Pixels, multiple: int) -> float:
        """How much a cut at a multiple changes the pixels farther from it than any halo, in levels."""
        cut = cut_of(strip.shape[1], multiple)
        whole = self.enlarge(strip, multiple)
        scale = whole.shape[1] // strip.shape[1]
        far = (cut + HALOS[-1]) * scale
        part = self.enlarge(strip[:, cut:], multiple)
        return float(np.abs(whole[:, far:] - part[:, far - cut * scale :]).max())

    def _find_least(self, strip: Pixels, multiple: int) -> int:
        least = multiple
        while True:
            try:
                self.enlarge(strip[:least, :least], multiple)
            except ModelUnavailable:
                if least >= LARGEST_LEAST:
                    raise
                least *= 2
            else:
                return least


def _factor(shown: tuple[int, ...], result: tuple[int, ...]) -> int:
    """The factor between the shapes of two batches.

    Raises:
        ModelUnavailable: there is no whole one from 1 to `MAX_FACTOR`, or the result is not RGB.
    """
    if len(result) != 4 or result[0] != 1 or result[3] != 3:
        raise ModelUnavailable(f"the network's result has the shape {result}, which is no RGB picture")
    factors = [there / here for here, there in zip(shown[1:3], result[1:3], strict=True)]
    if factors[0] != factors[1] or factors[0] not in range(1, MAX_FACTOR + 1):
        raise WrongFactor(
            f"the network makes {_size(result)} px of {_size(shown)}: its factor must be a whole number from 1 to"
            f" {MAX_FACTOR}, the same for width and height"
        )
    return int(factors[0])


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[2]} x {shape[1]}"
