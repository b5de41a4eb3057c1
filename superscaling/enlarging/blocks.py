"""A picture in blocks, so that it can be enlarged bit by bit, anywhere, and resumed.

A block is a run of the parts that `TiledUpscaler.enlarge` makes, of all frames and passes, in their usual order. Parts
are independent of each other, so the blocks of a picture, put together, are to the byte what is made in one go. Their
number and order follow from the decoded picture, the sizes, and the network's facts.
"""

import contextlib
import functools
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from superscaling.engines import Pixels
from superscaling.enlarging.channels import bleed
from superscaling.enlarging.file_upscaler import DecodedFile
from superscaling.enlarging.frame_reuse import PreviousFrame, can_reuse
from superscaling.enlarging.frame_upscaler import FrameUpscaler, times_shown
from superscaling.enlarging.picture_upscaler import PictureUpscaler
from superscaling.enlarging.result_sizes import network_size
from superscaling.enlarging.upscaler import PartRequest, TiledUpscaler
from superscaling.geometry import Cost
from superscaling.pictures import Frame, Picture, Samples, Size
from superscaling.scheduling import NO_LISTENER, Deadline, ProgressListener, Timings


@dataclass(frozen=True)
class PartSize:
    """`cost`: what the network is shown for a part; `bytes`: of its pixels in the result."""

    cost: Cost
    bytes: int


class PictureInParts:
    """Knows all parts of a decoded picture, and makes any run of them without going through the rest.

    `file`: the picture; `sizes`: of every part, in order; there may be none.
    """

    def __init__(self, file: DecodedFile) -> None:
        self.file = file
        self._upscaler = file.file.model.upscaler
        self._fill = _FillOnce()
        counting = _Counting(self._upscaler)
        self._layers = [_CountedLayer(layer, counting.count(layer)) for layer in _layers(file)]
        self.sizes = counting.sizes

    @functools.cached_property
    def fingerprint(self) -> str:
        """Differs for pictures with other pixels or other parts, for all that is likely to happen by accident."""
        checksum = 0
        for frame in self.file.picture.frames:
            for samples in (frame.colour, frame.alpha):
                if samples is not None:
                    checksum = zlib.crc32(str(samples.shape).encode(), checksum)
                    checksum = zlib.crc32(np.ascontiguousarray(samples).data, checksum)
        return f"{len(self.sizes)}-{checksum:08x}"

    def make(
        self, first: int, stop: int, deadline: Deadline, timings: Timings, listener: ProgressListener = NO_LISTENER
    ) -> bytes:
        """Make the parts from `first` up to, not including, `stop`.

        Returns:
            Their pixels, one part after the other, each in rows, in the machine's byte order.

        Raises:
            EngineFailed, ClientGone, DeadlinePassed, ServiceStopping: as `TiledUpscaler.enlarge`.
        """
        making = _Making(self._upscaler, first, stop)
        for each in self._layers:
            making.make(each, _Enlarging(deadline, timings, listener, self._fill))
        return b"".join(making.parts)

    def join(self, blocks: Iterable[bytes]) -> Picture:
        """Put the enlarged picture together.

        Args:
            blocks: all that `make` made, in order.

        Raises:
            ValueError: the blocks are not those of this picture.
        """
        joining = _Joining(self._upscaler, blocks)
        picture = PictureUpscaler(joining).enlarge(self.file.picture, Deadline(), Timings(), results=self.file.results)
        joining.check_end()
        return picture


@dataclass(frozen=True)
class _Layer:
    """What of a frame is enlarged by itself: its alpha, or its colour, which may reuse the frame `before`."""

    frame: Frame
    size: Size
    alpha: Samples | None = None
    before: Frame | None = None

    @property
    def pictures(self) -> int:
        """How many pictures the layer is for the network: inks are two, unless black is the same everywhere."""
        return times_shown(self.frame) if self.frame.mode == "CMYK" else 1

    def enlarge(self, upscaler: TiledUpscaler, work: "_Enlarging") -> None:
        frame_upscaler = FrameUpscaler(upscaler, self.size, work.deadline, work.timings, work.listener, work.fill)
        if self.alpha is not None:
            frame_upscaler.alpha(self.alpha)
        else:
            frame_upscaler.colour(self.frame, self._previous())

    def _previous(self) -> PreviousFrame | None:
        """What was made of the frame before is needed by the join only."""
        if self.before is None:
            return None
        colour = self.before.colour
        return PreviousFrame(colour, np.broadcast_to(colour.dtype.type(0), (*self.size, colour.shape[2])))


class _FillOnce:
    """Remembers the frame that was filled last: that takes seconds, and a large frame is done in many blocks."""

    def __init__(self) -> None:
        self._colour: Samples | None = None
        self._filled: Samples | None = None

    def __call__(self, colour: Samples, visible: NDArray[np.bool_]) -> Samples:
        """As `bleed`. Equal arguments are expected to be the same array, of a frame that does not change."""
        if self._colour is not colour or self._filled is None:
            self._colour, self._filled = None, None  # the memory of the last one
            self._colour, self._filled = colour, bleed(colour, visible)
        return self._filled


def _fill_for_counting(colour: Samples, visible: NDArray[np.bool_]) -> Samples:
    """The number of parts depends on filled colours with 16 bits only: these may all be equal."""
    return bleed(colour, visible) if colour.dtype == np.uint16 else colour


@dataclass(frozen=True)
class _Enlarging:
    """What a layer needs to be enlarged. `fill`: see `FrameUpscaler`."""

    deadline: Deadline
    timings: Timings
    listener: ProgressListener
    fill: Callable[[Samples, NDArray[np.bool_]], Samples]


@dataclass(frozen=True)
class _CountedLayer:
    """`parts`: the number of parts of each picture that the layer consists of for the network."""

    layer: _Layer
    parts: list[int]


def _layers(file: DecodedFile) -> Iterator[_Layer]:
    """All layers, in the order of `PictureUpscaler.enlarge`."""
    before, size_before = None, None
    for frame, result in zip(file.picture.frames, file.results, strict=True):
        size = network_size(result)
        is_reused = before is not None and size_before == size and can_reuse(before, frame)
        yield _Layer(frame, size, before=before if is_reused else None)
        if frame.alpha is not None:
            yield _Layer(frame, size, alpha=frame.alpha)
        before, size_before = frame, size


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
        self._counts = list[int]()
        self._pictures = 0

    def count(self, layer: _Layer) -> list[int]:
        """Count the parts of each picture of a layer."""
        self._counts, self._pictures = [], layer.pictures
        with contextlib.suppress(_Enough):
            layer.enlarge(self, _Enlarging(Deadline(), Timings(), NO_LISTENER, _fill_for_counting))
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
        before_this = len(self.sizes)
        super().enlarge(pixels, deadline, timings, listener, before, size, alpha)
        self._counts.append(len(self.sizes) - before_this)
        if len(self._counts) == self._pictures:
            raise _Enough
        return pixels[:0, :0]

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
        self._counts = iter(list[int]())

    def make(self, counted: _CountedLayer, work: _Enlarging) -> None:
        """Make what is wanted of the next layer."""
        after = self._next + sum(counted.parts)
        if self._first < after and self._next < self._stop:
            self._counts = iter(counted.parts)
            with contextlib.suppress(_Enough):
                counted.layer.enlarge(self, work)
        self._next = after

    def check(self, deadline: Deadline, timings: Timings) -> None:
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
        if self._left or any(self._blocks):
            raise ValueError("the blocks have more parts than the picture")
