"""Enlarges whole pictures with a network that knows only RGB: grey, 16 bits, CMYK, transparency, frames."""

import dataclasses
import functools
from collections.abc import Callable, Sequence

import numpy as np

from superscaling.engines import Pixels
from superscaling.enlarging.channels import bleed, is_constant, linear, spread, to_luma
from superscaling.enlarging.frame_reuse import PreviousFrame, can_reuse, is_shown_unchanged
from superscaling.enlarging.upscaler import Upscaler
from superscaling.format_name import FormatName
from superscaling.geometry import Cost
from superscaling.pictures import FORMATS, Frame, Picture, Samples, Size
from superscaling.scheduling import NO_LISTENER, Deadline, Demand, ProgressListener, Timings

# (h, w, 3) RGB, and the previous frame if it can be reused, to (scale h, scale w, 3).
EnlargeRgb = Callable[[Pixels, PreviousFrame | None], Pixels]


class PictureUpscaler:
    """`Picture` in, enlarged `Picture` out."""

    def __init__(self, upscaler: Upscaler) -> None:
        self.facts = upscaler.facts
        self._upscaler = upscaler

    def enlarge(
        self, picture: Picture, deadline: Deadline, timings: Timings, listener: ProgressListener = NO_LISTENER
    ) -> Picture:
        """Enlarge every frame; format and metadata stay. What a frame shares with the previous one is reused.

        Raises:
            EngineFailed: the engine failed on a tile.
            ClientGone, DeadlinePassed, ServiceStopping: from `deadline`, between tiles.
        """
        enlarge = functools.partial(self._enlarge_rgb, deadline, timings, listener)
        frames: list[Frame] = []
        before: Frame | None = None
        for index, frame in enumerate(picture.frames):
            previous = PreviousFrame(before.colour, frames[-1].colour) if before and can_reuse(before, frame) else None
            listener.begin_pass(index if is_shown_unchanged(frame) else None)
            colour = frame.colour if frame.alpha is None else bleed(frame.colour, frame.alpha > 0)
            colour = self._colour(colour, enlarge, previous)
            alpha = None
            if frame.alpha is not None:
                listener.begin_pass(None)
                alpha = self._alpha(frame.alpha, enlarge)
            frames.append(dataclasses.replace(frame, colour=colour, alpha=alpha))
            before = frame
        return dataclasses.replace(picture, frames=tuple(frames))

    def cost_of(self, picture: Picture) -> Cost:
        """The work for all frames, in all passes that each frame needs."""
        frames = picture.frames
        costs = (self._cost_of_frame(*pair) for pair in zip((None, *frames), frames, strict=False))
        return sum(costs, Cost())

    def demand_of(self, sizes: Sequence[Size], target: FormatName) -> Demand:
        """The least that a picture demands, as far as its sizes tell: one pass for each frame of a new size.

        More passes may be needed for transparency or inks, and more frames may differ; `cost_of` tells.
        """
        new = (size for before, size in zip((None, *sizes), sizes, strict=False) if size != before)
        cost = sum((self._upscaler.cost_of(*size) for size in new), Cost())
        return Demand(sizes, cost, self._upscaler, FORMATS[target].memory)

    def seconds_for(self, area: float) -> float:
        """Estimated seconds of inference for an area in px."""
        return self._upscaler.seconds_for(area)

    def _enlarge_rgb(
        self,
        deadline: Deadline,
        timings: Timings,
        listener: ProgressListener,
        pixels: Pixels,
        previous: PreviousFrame | None = None,
    ) -> Pixels:
        return self._upscaler.enlarge(pixels, deadline, timings, listener, previous)

    def _cost_of_frame(self, before: Frame | None, frame: Frame) -> Cost:
        cost, passes = self._upscaler.cost_of(frame.height, frame.width), _passes(frame)
        if before is None or not can_reuse(before, frame):
            return cost * passes
        return self._upscaler.cost_of_changes(frame.colour, before.colour) + cost * (passes - 1)

    def _colour(self, colour: Samples, enlarge: EnlargeRgb, previous: PreviousFrame | None) -> Samples:
        channels = colour.shape[2]
        if colour.dtype == np.uint16:
            return self._stretched(colour, enlarge)
        if channels == 1:
            return _grey(colour[:, :, 0], enlarge, previous)[:, :, np.newaxis]
        return enlarge(colour, previous) if channels == 3 else self._inks(colour, enlarge)

    def _stretched(self, colour: Samples, enlarge: EnlargeRgb) -> Samples:
        """16 bits often fill a small part of their range: the network is shown it in full contrast.

        All channels are stretched alike, so that neutral colours stay neutral.
        """
        darkest, brightest = int(colour.min()), int(colour.max())
        if darkest == brightest:
            return self._constant(colour)
        range_16 = np.iinfo(np.uint16).max
        stretch = range_16 / (brightest - darkest)
        shown = linear(colour, stretch, -darkest * stretch)
        is_grey = colour.shape[2] == 1
        enlarged = _grey(shown[:, :, 0], enlarge)[:, :, np.newaxis] if is_grey else enlarge(shown, None)
        return linear(enlarged, 1 / stretch, darkest)

    def _inks(self, colour: Samples, enlarge: EnlargeRgb) -> Samples:
        """CMYK: cyan, magenta and yellow as red, green and blue light; black by itself."""
        light, black = ~colour[:, :, :3], ~colour[:, :, 3]
        enlarged_black = self._constant(black) if is_constant(black) else _grey(black, enlarge)
        return ~np.dstack((enlarge(light, None), enlarged_black))

    def _alpha(self, alpha: Samples, enlarge: EnlargeRgb) -> Samples:
        if is_constant(alpha):
            return self._constant(alpha)
        # The network is trained on photographs: in flat areas it may be off by a level, or overshoot at an edge.
        # Each pixel stays within the alpha of its neighbourhood.
        least, most = (spread(alpha, extreme, self.facts.scale) for extreme in (np.minimum, np.maximum))
        return np.clip(_grey(alpha, enlarge), least, most)

    def _constant(self, samples: Samples) -> Samples:
        """Samples (h, w) or (h, w, c) of one value need no network."""
        height, width, *channels = samples.shape
        shape = (height * self.facts.scale, width * self.facts.scale, *channels)
        return np.full(shape, samples.flat[0], samples.dtype)


def _grey(grey: Samples, enlarge: EnlargeRgb, previous: PreviousFrame | None = None) -> Samples:
    """(h, w) to (scale h, scale w): the network is shown three equal channels, the result is their luma."""
    if previous:
        previous = PreviousFrame(*(np.dstack((plane, plane, plane)) for plane in (previous.pixels, previous.enlarged)))
    return to_luma(enlarge(np.dstack((grey, grey, grey)), previous))


def _passes(frame: Frame) -> int:
    """How many times the network is shown the frame."""
    if frame.mode == "CMYK":
        return 1 if is_constant(frame.colour[:, :, 3]) else 2
    of_colour = 0 if frame.is_16_bit and is_constant(_visible(frame)) else 1
    return of_colour + (0 if frame.alpha is None or is_constant(frame.alpha) else 1)


def _visible(frame: Frame) -> Samples:
    """The samples of colour that are not replaced by those of visible surroundings."""
    if frame.alpha is None or not frame.alpha.any():
        return frame.colour
    return frame.colour[frame.alpha > 0]
