"""The layers of a picture: what of it is enlarged by itself, so that blocks of one need not go through the others."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from superscaling.enlarging.channels import bleed
from superscaling.enlarging.frame_reuse import PreviousFrame, can_reuse
from superscaling.enlarging.frame_upscaler import FrameUpscaler, times_shown
from superscaling.enlarging.result_sizes import network_size
from superscaling.enlarging.upscaler import TiledUpscaler
from superscaling.pictures import Frame, Picture, Samples, Size
from superscaling.scheduling import Deadline, ProgressListener, Timings
from superscaling.size_choice import ResultSize


@dataclass(frozen=True)
class Layer:
    """What of a frame is enlarged by itself: its alpha, or its colour, which may reuse the frame `before`."""

    frame: Frame
    size: Size
    alpha: Samples | None = None
    before: Frame | None = None

    @property
    def pictures(self) -> int:
        """How many pictures the layer is for the network: inks are two, unless black is the same everywhere."""
        return times_shown(self.frame) if self.frame.mode == "CMYK" else 1

    def enlarge(self, upscaler: TiledUpscaler, work: "Enlarging") -> None:
        """Show the layer to an upscaler, which keeps what it wants of it.

        Raises:
            EngineFailed, ClientGone, DeadlinePassed, ServiceStopping: as `TiledUpscaler.enlarge`.
        """
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


def layers(picture: Picture, results: Sequence[ResultSize]) -> Iterator[Layer]:
    """All layers, in the order of `PictureUpscaler.enlarge`."""
    before, size_before = None, None
    for frame, result in zip(picture.frames, results, strict=True):
        size = network_size(result)
        is_reused = before is not None and size_before == size and can_reuse(before, frame)
        yield Layer(frame, size, before=before if is_reused else None)
        if frame.alpha is not None:
            yield Layer(frame, size, alpha=frame.alpha)
        before, size_before = frame, size


@dataclass(frozen=True)
class Enlarging:
    """What a layer needs to be enlarged. `fill`: see `FrameUpscaler`."""

    deadline: Deadline
    timings: Timings
    listener: ProgressListener
    fill: Callable[[Samples, NDArray[np.bool_]], Samples]


class FillOnce:
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


def fill_for_counting(colour: Samples, visible: NDArray[np.bool_]) -> Samples:
    """The number of parts depends on filled colours with 16 bits only: these may all be equal."""
    return bleed(colour, visible) if colour.dtype == np.uint16 else colour
