"""Upscalers that go the way of another through a picture: they count its parts, make some, or put them together."""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from superscaling.engines import Pixels
from superscaling.enlarging.frame_reuse import PreviousFrame
from superscaling.enlarging.layers import Enlarging, Layer, fill_for_counting
from superscaling.enlarging.upscaler import PartRequest, TiledUpscaler
from superscaling.geometry import Cost
from superscaling.pictures import Samples, Size
from superscaling.scheduling import NO_LISTENER, Deadline, ProgressListener, Timings


@dataclass(frozen=True)
class PartSize:
    """`cost`: what the network is shown for a part; `bytes`: of its pixels in the result."""

    cost: Cost
    bytes: int


@dataclass(frozen=True)
class CountedLayer:
    """`parts`: the number of parts of each picture that the layer consists of for the network."""

    layer: Layer
    parts: list[int]


class _Enough(Exception):
    """All that is wanted of a layer is done; what would be made of its pixels is not needed."""


class _Parts(TiledUpscaler):
    """Takes the way of another upscaler through a picture, and decides for itself what becomes of each part."""

    def __init__(self, upscaler: TiledUpscaler) -> None:
        super().__init__(upscaler.facts, upscaler.tile)
        self._upscaler = upscaler

    def infer(self, pixels: Pixels, deadline: Deadline, timings: Timings) -> NDArray[np.float32]:
        """Infer as the other does."""
        return self._upscaler.infer(pixels, deadline, timings)

    def check(self, deadline: Deadline, timings: Timings) -> None:
        """Nothing is inferred unless a subclass does."""

    def seconds_for(self, cost: Cost) -> float:
        """As the other."""
        return self._upscaler.seconds_for(cost)

    def turns_for(self, area: float) -> int:
        """As the other."""
        return self._upscaler.turns_for(area)

    def measure_speed(self, deadline: Deadline, max_age: float = 0.0) -> None:
        """As the other."""
        self._upscaler.measure_speed(deadline, max_age)


class Counting(_Parts):
    """Makes no part. `sizes`: of all parts that it was asked for."""

    def __init__(self, upscaler: TiledUpscaler) -> None:
        super().__init__(upscaler)
        self.sizes = list[PartSize]()
        self._counts = list[int]()
        self._pictures = 0

    def count(self, layer: Layer) -> list[int]:
        """Count the parts of each picture of a layer."""
        self._counts, self._pictures = [], layer.pictures
        with contextlib.suppress(_Enough):
            layer.enlarge(self, Enlarging(Deadline(), Timings(), NO_LISTENER, fill_for_counting))
        return self._counts

    def enlarge(
        self,
        pixels: Pixels,
        deadline: Deadline,
        timings: Timings,
        listener: ProgressListener = NO_LISTENER,
        before: PreviousFrame | None = None,
        size: Size | None = None,
        alpha: Samples | None = None,
    ) -> Pixels:
        """Count the parts of a picture; the result is a picture without pixels."""
        before_this = len(self.sizes)
        super().enlarge(pixels, deadline, timings, listener, before, size, alpha)
        self._counts.append(len(self.sizes) - before_this)
        if len(self._counts) == self._pictures:
            raise _Enough
        return pixels[:0, :0]

    def make_part(self, request: PartRequest) -> bool:
        """Note what the part takes."""
        cost = self.in_all_turns(request.passes.cost_of(request.part))
        self.sizes.append(PartSize(cost, request.target.nbytes))
        return False


class Making(_Parts):
    """Makes a run of parts, and goes past all others. `parts`: their pixels.

    Args:
        upscaler: infers.
        first, stop: numbers of the first part that is wanted, and of the one after the last.
    """

    def __init__(self, upscaler: TiledUpscaler, first: int, stop: int) -> None:
        super().__init__(upscaler)
        self.parts = list[bytes]()
        self._first, self._stop = first, stop
        self._next = 0
        self._counts = iter(list[int]())

    def make(self, counted: CountedLayer, work: Enlarging) -> None:
        """Make what is wanted of the next layer."""
        after = self._next + sum(counted.parts)
        if self._first < after and self._next < self._stop:
            self._counts = iter(counted.parts)
            with contextlib.suppress(_Enough):
                counted.layer.enlarge(self, work)
        self._next = after

    def check(self, deadline: Deadline, timings: Timings) -> None:
        """As the other."""
        self._upscaler.check(deadline, timings)

    def enlarge(
        self,
        pixels: Pixels,
        deadline: Deadline,
        timings: Timings,
        listener: ProgressListener = NO_LISTENER,
        before: PreviousFrame | None = None,
        size: Size | None = None,
        alpha: Samples | None = None,
    ) -> Pixels:
        """As usual, up to the last part that is wanted; what none is wanted of becomes a picture without pixels."""
        after = self._next + next(self._counts)
        if after <= self._first:
            self._next = after
            return pixels[:0, :0]
        return super().enlarge(pixels, deadline, timings, listener, before, size, alpha)

    def make_part(self, request: PartRequest) -> bool:
        """Make the part if it is wanted, and stop after the last one."""
        number = self._next
        self._next += 1
        if number < self._first:
            return False
        super().make_part(request)
        self.parts.append(request.target.tobytes())
        if self._next == self._stop:
            request.work.finish_tile()
            raise _Enough
        return True


class Joining(_Parts):
    """Takes the pixels of parts from blocks instead of making them.

    Args:
        upscaler: that made them.
        blocks: what `Making` made, in order.
    """

    def __init__(self, upscaler: TiledUpscaler, blocks: Iterable[bytes]) -> None:
        super().__init__(upscaler)
        self._blocks: Iterator[bytes] = iter(blocks)
        self._left = memoryview(b"")

    def make_part(self, request: PartRequest) -> bool:
        """Copy the part from its block.

        Raises:
            ValueError: it is not there.
        """
        target = request.target
        while not self._left:
            try:
                self._left = memoryview(next(self._blocks))
            except StopIteration:
                raise ValueError("the blocks have fewer parts than the picture") from None
        if len(self._left) < target.nbytes:
            raise ValueError("a block ends within a part")
        target[:] = np.frombuffer(self._left[: target.nbytes], target.dtype).reshape(target.shape)
        self._left = self._left[target.nbytes :]
        return True

    def check_end(self) -> None:
        """Make sure that no pixels are left.

        Raises:
            ValueError: there are.
        """
        if self._left or any(self._blocks):
            raise ValueError("the blocks have more parts than the picture")
