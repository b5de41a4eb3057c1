"""Enlarges a whole picture with a network that knows RGB only: grey, transparency, frames."""

import numpy as np
from numpy.typing import NDArray

from image_codec import Frame, Picture
from super_resolution.upscaler import Upscaler
from super_resolution.work import Work

# Weights of red, green and blue in luma (ITU-R BT.601).
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


class PictureUpscaler:
    """`Picture` in, enlarged `Picture` out."""

    def __init__(self, upscaler: Upscaler) -> None:
        self.facts = upscaler.facts
        self._upscaler = upscaler

    def __call__(self, picture: Picture, work: Work) -> Picture:
        """Enlarge every frame; format and metadata stay.

        Raises:
            EngineFailed, ClientGone, DeadlinePassed: see `Upscaler`.
        """
        frames = tuple(self._frame(frame, work) for frame in picture.frames)
        return Picture(frames, picture.format, picture.metadata)

    def seconds_for(self, picture: Picture) -> float:
        """Estimate the seconds that the network needs for `picture`."""
        passes = sum(1 if frame.alpha is None or _is_constant(frame.alpha) else 2 for frame in picture.frames)
        return passes * self._upscaler.seconds_for(picture.height, picture.width)

    def _frame(self, frame: Frame, work: Work) -> Frame:
        if frame.alpha is None:
            return Frame(self._colour(frame.colour, work))
        colour = bleed(frame.colour, frame.alpha > 0)
        return Frame(self._colour(colour, work), self._alpha(frame.alpha, work))

    def _colour(self, colour: NDArray[np.uint8], work: Work) -> NDArray[np.uint8]:
        if colour.shape[2] == 3:
            return self._upscaler(colour, work)
        return self._grey(colour[:, :, 0], work)[:, :, np.newaxis]

    def _grey(self, grey: NDArray[np.uint8], work: Work) -> NDArray[np.uint8]:
        """Grey goes through the network as three equal channels and comes back as one."""
        enlarged = self._upscaler(np.dstack((grey, grey, grey)), work)
        luma: NDArray[np.uint8] = np.rint(enlarged @ LUMA).astype(np.uint8)
        return luma

    def _alpha(self, alpha: NDArray[np.uint8], work: Work) -> NDArray[np.uint8]:
        scale = self.facts.scale
        if _is_constant(alpha):
            height, width = alpha.shape
            return np.full((height * scale, width * scale), alpha[0, 0], np.uint8)
        # The network is made for photographs: around flat areas it may be off by a level or swing over an edge.
        # No pixel becomes more or less transparent than its neighbours were.
        least, most = (_spread(alpha, extreme, scale) for extreme in (np.minimum, np.maximum))
        return np.clip(self._grey(alpha, work), least, most)


def _is_constant(alpha: NDArray[np.uint8]) -> bool:
    return bool((alpha == alpha[0, 0]).all())


def _spread(alpha: NDArray[np.uint8], extreme: np.ufunc, scale: int) -> NDArray[np.uint8]:
    """The extreme of each pixel's 3x3 neighbourhood, repeated `scale` times in both directions."""
    padded = np.pad(alpha, 1, mode="edge")
    rows = extreme(extreme(padded[:-2], padded[1:-1]), padded[2:])
    both: NDArray[np.uint8] = extreme(extreme(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:])
    return both.repeat(scale, axis=0).repeat(scale, axis=1)


def bleed(colour: NDArray[np.uint8], visible: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Replace the colours of invisible pixels by those of their visible surroundings.

    What lies under full transparency is arbitrary, often black, and the network would smear it over the edge.
    Push and pull: the visible colours are averaged into ever smaller pictures, then each gap is filled from the
    next smaller one.

    Args:
        colour: (h, w, c) uint8.
        visible: (h, w) bool.
    """
    if visible.all() or not visible.any():
        return colour
    levels = [(colour.astype(np.float32), visible.astype(np.float32)[:, :, np.newaxis])]
    while not levels[-1][1].all():
        levels.append(_halve(*levels[-1]))
    filled = levels.pop()[0]
    while levels:
        values, weight = levels.pop()
        height, width = values.shape[:2]
        enlarged = filled.repeat(2, axis=0)[:height].repeat(2, axis=1)[:, :width]
        filled = np.where(weight > 0, values, enlarged)
    rounded: NDArray[np.uint8] = np.rint(filled).astype(np.uint8)
    return rounded


def _halve(values: NDArray[np.float32], weight: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Average blocks of 2x2 by weight (0 or 1); a block without any stays a gap."""
    padding = [(0, side % 2) for side in values.shape[:2]] + [(0, 0)]
    values, weight = np.pad(values, padding), np.pad(weight, padding)

    def sum_blocks(array: NDArray[np.float32]) -> NDArray[np.float32]:
        height, width, channels = array.shape
        blocks = array.reshape(height // 2, 2, width // 2, 2, channels)
        total: NDArray[np.float32] = blocks.sum(axis=(1, 3))
        return total

    count = sum_blocks(weight)
    mean = (sum_blocks(values * weight) / np.maximum(count, 1)).astype(np.float32)
    return mean, np.sign(count)
