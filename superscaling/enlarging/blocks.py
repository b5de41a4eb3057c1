"""A picture in blocks, so that it can be enlarged bit by bit, anywhere, and resumed.

A block is a run of the parts that `TiledUpscaler.enlarge` makes, of all frames and passes, in their usual order. Parts
are independent of each other, so the blocks of a picture, put together, are to the byte what is made in one go. Their
number and order follow from the decoded picture, the sizes, and the network's facts.
"""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from superscaling.engines import Pixels
from superscaling.enlarging.file_upscaler import DecodedFile
from superscaling.enlarging.picture_upscaler import PictureUpscaler
from superscaling.enlarging.upscaler import PartRequest, TiledUpscaler
from superscaling.geometry import Cost
from superscaling.pictures import Picture
from superscaling.scheduling import NO_LISTENER, Deadline, ProgressListener, Timings


@dataclass(frozen=True)
class PartSize:
    """`cost`: what the network is shown for a part; `bytes`: of its pixels in the result."""

    cost: Cost
    bytes: int


def part_sizes(file: DecodedFile) -> list[PartSize]:
    """Every part of a picture, in order, without making any."""
    counting = _Counting(file.file.model.upscaler)
    _enlarge(file, counting)
    return counting.sizes


def make_block(
    file: DecodedFile,
    first: int,
    stop: int,
    deadline: Deadline,
    timings: Timings,
    listener: ProgressListener = NO_LISTENER,
) -> bytes:
    """Make the parts from `first` up to, not including, `stop`.

    Returns:
        Their pixels, one part after the other, each in rows, in the machine's byte order.

    Raises:
        EngineFailed, ClientGone, DeadlinePassed, ServiceStopping: as `TiledUpscaler.enlarge`.
    """
    making = _Making(file.file.model.upscaler, first, stop)
    with contextlib.suppress(_Enough):
        _enlarge(file, making, deadline, timings, listener)
    return b"".join(making.parts)


def join_blocks(file: DecodedFile, blocks: Iterable[bytes]) -> Picture:
    """Put a picture together.

    Args:
        file: of which `make_block` made all blocks.
        blocks: in order.

    Raises:
        ValueError: the blocks are not those of this picture.
    """
    joining = _Joining(file.file.model.upscaler, blocks)
    picture = _enlarge(file, joining)
    joining.check_end()
    return picture


def _enlarge(
    file: DecodedFile,
    upscaler: TiledUpscaler,
    deadline: Deadline | None = None,
    timings: Timings | None = None,
    listener: ProgressListener = NO_LISTENER,
) -> Picture:
    upscaler_of_pictures = PictureUpscaler(upscaler)
    return upscaler_of_pictures.enlarge(
        file.picture, deadline or Deadline(), timings or Timings(), listener, file.results
    )


class _Enough(Exception):
    """The last part of a block is made; the rest of the picture is somebody else's."""


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

    def seconds_for(self, area: float) -> float:
        """As the other."""
        return self._upscaler.seconds_for(area)

    def turns_for(self, area: float) -> int:
        """As the other."""
        return self._upscaler.turns_for(area)

    def measure_speed(self, deadline: Deadline, max_age: float = 0.0) -> None:
        """As the other."""
        self._upscaler.measure_speed(deadline, max_age)


class _Counting(_Parts):
    def __init__(self, upscaler: TiledUpscaler) -> None:
        super().__init__(upscaler)
        self.sizes = list[PartSize]()

    def make_part(self, request: PartRequest) -> bool:
        cost = self.in_all_turns(request.passes.cost_of(request.part))
        self.sizes.append(PartSize(cost, request.target.nbytes))
        return False


class _Making(_Parts):
    def __init__(self, upscaler: TiledUpscaler, first: int, stop: int) -> None:
        super().__init__(upscaler)
        self.parts = list[bytes]()
        self._first, self._stop = first, stop
        self._next = 0

    def check(self, deadline: Deadline, timings: Timings) -> None:
        self._upscaler.check(deadline, timings)

    def make_part(self, request: PartRequest) -> bool:
        number = self._next
        if number == self._stop:
            raise _Enough
        self._next += 1
        if number < self._first:
            return False
        super().make_part(request)
        self.parts.append(request.target.tobytes())
        return True


class _Joining(_Parts):
    def __init__(self, upscaler: TiledUpscaler, blocks: Iterable[bytes]) -> None:
        super().__init__(upscaler)
        self._blocks: Iterator[bytes] = iter(blocks)
        self._left = memoryview(b"")

    def make_part(self, request: PartRequest) -> bool:
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
        if self._left or next(self._blocks, None) is not None:
            raise ValueError("the blocks have more parts than the picture")
