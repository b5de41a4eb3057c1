"""Enlarges the channels of one frame with a network that knows only RGB: grey, 16 bits, CMYK, transparency."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from superscaling.engines import Pixels
from superscaling.enlarging.channels import Contrast, bleed, extremes_around, is_constant, to_luma
from superscaling.enlarging.frame_reuse import PreviousFrame
from superscaling.enlarging.upscaler import TiledUpscaler
from superscaling.pictures import Frame, Samples, Size
from superscaling.scheduling import Deadline, ProgressListener, Timings


@dataclass(frozen=True)
class FrameUpscaler:
    """Enlarges what a frame consists of to `size`: height and width in px, at least the frame's own.

    `fill`: gives invisible pixels a colour, as `bleed` does.

    All methods raise what `TiledUpscaler.enlarge` raises.
    """

    upscaler: TiledUpscaler
    size: Size
    deadline: Deadline
    timings: Timings
    listener: ProgressListener
    fill: Callable[[Samples, NDArray[np.bool_]], Samples] = bleed

    def colour(self, frame: Frame, previous: PreviousFrame | None) -> Samples:
        """Enlarge the colour (h, w, c) of a frame, or what of it differs from the previous one, if that is given."""
        alpha = frame.alpha
        if alpha is None:
            return self._channels(frame.colour, None, previous)
        return self._channels(self.fill(frame.colour, alpha > 0), None if is_constant(alpha) else alpha, previous)

    def alpha(self, alpha: Samples) -> Samples:
        """Enlarge alpha (h, w)."""
        if is_constant(alpha):
            return self._constant(alpha)
        # The network is trained on photographs: in flat areas it may be off by a level, or overshoot at an edge, and so
        # does a reduction. Each pixel stays within the alpha of its neighbourhood.
        enlarged = self._grey(alpha)
        least, most = (extremes_around(alpha, extreme, self.size) for extreme in (np.minimum, np.maximum))
        return np.clip(enlarged, least, most)

    def _channels(self, colour: Samples, alpha: Samples | None, previous: PreviousFrame | None) -> Samples:
        channels = colour.shape[2]
        if colour.dtype == np.uint16:
            return self._stretched(colour, alpha)
        if channels == 4:
            return self._inks(colour)
        return self._grey_or_rgb(colour, alpha, previous)

    def _stretched(self, colour: Samples, alpha: Samples | None) -> Samples:
        """16 bits, in full contrast."""
        darkest, brightest = int(colour.min()), int(colour.max())
        if darkest == brightest:
            return self._constant(colour)
        contrast = Contrast(darkest, brightest)
        return contrast.restored(self._grey_or_rgb(contrast.stretched(colour), alpha))

    def _inks(self, colour: Samples) -> Samples:
        """CMYK: cyan, magenta and yellow as red, green and blue light; black by itself."""
        light, black = ~colour[:, :, :3], ~colour[:, :, 3]
        enlarged_black = self._constant(black) if is_constant(black) else self._grey(black)
        return ~np.dstack((self._rgb(light), enlarged_black))

    def _grey_or_rgb(self, colour: Samples, alpha: Samples | None, previous: PreviousFrame | None = None) -> Samples:
        if colour.shape[2] == 3:
            return self._rgb(colour, alpha, previous)
        return self._grey(colour[:, :, 0], alpha, previous)[:, :, np.newaxis]

    def _grey(self, grey: Samples, alpha: Samples | None = None, previous: PreviousFrame | None = None) -> Samples:
        """(h, w) to `size`: the network is shown three equal channels, the result is their luma."""
        if previous:
            previous = PreviousFrame(
                *(np.dstack((plane, plane, plane)) for plane in (previous.pixels, previous.enlarged))
            )
        return to_luma(self._rgb(np.dstack((grey, grey, grey)), alpha, previous))

    def _rgb(self, pixels: Pixels, alpha: Samples | None = None, previous: PreviousFrame | None = None) -> Pixels:
        """(h, w, 3) to `size`."""
        return self.upscaler.enlarge(pixels, self.deadline, self.timings, self.listener, previous, self.size, alpha)

    def _constant(self, samples: Samples) -> Samples:
        """Samples (h, w) or (h, w, c) of one value need no network."""
        return np.full((*self.size, *samples.shape[2:]), samples.flat[0], samples.dtype)


def times_shown(frame: Frame) -> int:
    """How many times the network is shown a frame."""
    if frame.mode == "CMYK":
        return 1 if is_constant(frame.colour[:, :, 3]) else 2
    of_colour = 0 if frame.is_16_bit and is_constant(_visible(frame)) else 1
    return of_colour + (0 if frame.alpha is None or is_constant(frame.alpha) else 1)


def _visible(frame: Frame) -> Samples:
    """The samples of colour that are not replaced by those of visible surroundings."""
    if frame.alpha is None or not frame.alpha.any():
        return frame.colour
    return frame.colour[frame.alpha > 0]
