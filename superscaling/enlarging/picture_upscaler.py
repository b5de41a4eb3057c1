"""Enlarges a whole picture with a network that knows RGB only: grey, 16 bits, inks, transparency, frames."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from superscaling.enlarging.frame_reuse import PreviousFrame
from superscaling.enlarging.upscaler import Upscaler
from superscaling.geometry import Cost
from superscaling.pictures import Frame, Picture, Samples, Size
from superscaling.scheduling import Work

# Weights of red, green and blue in luma (ITU-R BT.601).
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
# Rows of a picture (an even number) that are computed with at a time, to save memory.
BAND = 64


class PictureUpscaler:
    """`Picture` in, enlarged `Picture` out."""

    def __init__(self, upscaler: Upscaler) -> None:
        self.facts = upscaler.facts
        self._upscaler = upscaler

    def enlarge(self, picture: Picture, work: Work) -> Picture:
        """Enlarge every frame, of what it has in common with the one before only once; format and metadata stay.

        Raises:
            EngineFailed, ClientGone, DeadlinePassed: see `Upscaler`.
        """
        work.expect(self.cost_of(picture).tiles)
        frames: list[Frame] = []
        before: Frame | None = None
        for index, frame in enumerate(picture.frames):
            previous = PreviousFrame(before.colour, frames[-1].colour) if before and _may_share(before, frame) else None
            frames.append(self._frame(index, frame, work, previous))
            before = frame
        return dataclasses.replace(picture, frames=tuple(frames))

    def measure_speed(self, work: Work, max_age: float) -> None:
        """See `Upscaler.measure_speed`."""
        self._upscaler.measure_speed(work, max_age)

    def cost_of(self, picture: Picture) -> Cost:
        """What the network has to be shown: of all frames, in all passes that a frame needs."""
        frames = picture.frames
        costs = (self._cost_of_frame(*pair) for pair in zip((None, *frames), frames, strict=False))
        return sum(costs, Cost())

    def min_cost_of(self, sizes: Sequence[Size]) -> Cost:
        """The same as far as the frames' sizes tell: a pass each, but none of one that may be like the one before."""
        new = (size for before, size in zip((None, *sizes), sizes, strict=False) if size != before)
        return sum((self._upscaler.cost_of(*size) for size in new), Cost())

    def seconds_for(self, area: float) -> float:
        """See `Upscaler.seconds_for`."""
        return self._upscaler.seconds_for(area)

    def _cost_of_frame(self, before: Frame | None, frame: Frame) -> Cost:
        cost, passes = self._upscaler.cost_of(frame.height, frame.width), _passes(frame)
        if before is None or not _may_share(before, frame):
            return cost * passes
        return self._upscaler.cost_anew(frame.colour, before.colour) + cost * (passes - 1)

    def _frame(self, index: int, frame: Frame, work: Work, previous: PreviousFrame | None) -> Frame:
        work.begin_pass(index if _is_shown_as_it_is(frame) else None)
        if frame.alpha is None:
            return dataclasses.replace(frame, colour=self._colour(frame.colour, work, previous))
        colour = self._colour(bleed(frame.colour, frame.alpha > 0), work, previous)
        work.begin_pass(None)
        return dataclasses.replace(frame, colour=colour, alpha=self._alpha(frame.alpha, work))

    def _colour(self, colour: Samples, work: Work, previous: PreviousFrame | None) -> Samples:
        channels = colour.shape[2]
        if colour.dtype == np.uint16:
            return self._stretched(colour[:, :, 0], work)[:, :, np.newaxis]
        if channels == 1:
            return self._grey(colour[:, :, 0], work, previous)[:, :, np.newaxis]
        return self._upscaler.enlarge(colour, work, previous) if channels == 3 else self._inks(colour, work)

    def _grey(self, grey: Samples, work: Work, previous: PreviousFrame | None = None) -> Samples:
        """Grey goes through the network as three equal channels and comes back as one."""
        if previous:
            previous = PreviousFrame(
                *(np.dstack((plane, plane, plane)) for plane in (previous.pixels, previous.enlarged))
            )
        return to_luma(self._upscaler.enlarge(np.dstack((grey, grey, grey)), work, previous))

    def _stretched(self, grey: Samples, work: Work) -> Samples:
        """16-bit grey, which often fills a small part of its range, is shown to the network in full contrast."""
        darkest, brightest = int(grey.min()), int(grey.max())
        if darkest == brightest:
            return self._constant(grey)
        range_16 = np.iinfo(np.uint16).max
        stretch = range_16 / (brightest - darkest)
        enlarged = self._grey(_linear(grey, stretch, -darkest * stretch), work)
        return _linear(enlarged, 1 / stretch, darkest)

    def _inks(self, colour: Samples, work: Work) -> Samples:
        """Cyan, magenta and yellow as the light they leave, red, green and blue; black on its own."""
        light, black = ~colour[:, :, :3], ~colour[:, :, 3]
        enlarged_black = self._constant(black) if _is_constant(black) else self._grey(black, work)
        return ~np.dstack((self._upscaler.enlarge(light, work), enlarged_black))

    def _alpha(self, alpha: NDArray[np.uint8], work: Work) -> NDArray[np.uint8]:
        if _is_constant(alpha):
            return np.asarray(self._constant(alpha), np.uint8)
        # The network is made for photographs: around flat areas it may be off by a level or swing over an edge.
        # No pixel becomes more or less transparent than its neighbours were.
        least, most = (_spread(alpha, extreme, self.facts.scale) for extreme in (np.minimum, np.maximum))
        return np.asarray(np.clip(self._grey(alpha, work), least, most), np.uint8)

    def _constant(self, plane: Samples) -> Samples:
        """A plane of one value needs no network."""
        height, width = plane.shape
        return np.full((height * self.facts.scale, width * self.facts.scale), plane[0, 0], plane.dtype)


def to_luma(colour: Samples) -> Samples:
    """(h, w, 3) RGB to (h, w), rounded."""
    luma = np.empty(colour.shape[:2], colour.dtype)
    for top in range(0, len(colour), BAND):
        luma[top : top + BAND] = np.rint(colour[top : top + BAND] @ LUMA)
    return luma


def _is_shown_as_it_is(frame: Frame) -> bool:
    """Whether what the network sees looks like the frame."""
    return frame.mode not in ("CMYK", "I;16")


def _may_share(before: Frame, frame: Frame) -> bool:
    """Whether what two frames have in common need not be enlarged twice: where the network sees the very pixels."""
    if before.mode != frame.mode or before.colour.shape != frame.colour.shape or not _is_shown_as_it_is(frame):
        return False
    if before.alpha is None or frame.alpha is None:
        return True
    nothing_is_bled = bool(frame.alpha.all())
    return nothing_is_bled and np.array_equal(before.alpha, frame.alpha)


def _passes(frame: Frame) -> int:
    """How often the network has to see the frame."""
    if frame.mode == "CMYK":
        return 1 if _is_constant(frame.colour[:, :, 3]) else 2
    if frame.mode == "I;16" and _is_constant(frame.colour[:, :, 0]):
        return 0
    return 1 if frame.alpha is None or _is_constant(frame.alpha) else 2


def _is_constant(plane: Samples) -> bool:
    return bool((plane == plane[0, 0]).all())


def _linear(grey: Samples, factor: float, offset: float) -> Samples:
    """factor x grey + offset, rounded; within 16 bits where the caller's numbers are."""
    result = np.empty_like(grey)
    for top in range(0, len(grey), BAND):
        result[top : top + BAND] = np.rint(grey[top : top + BAND] * factor + offset)
    return result


def _spread(alpha: NDArray[np.uint8], extreme: np.ufunc, scale: int) -> NDArray[np.uint8]:
    """The extreme of each pixel's 3x3 neighbourhood, repeated `scale` times in both directions."""
    padded = np.pad(alpha, 1, mode="edge")
    rows = extreme(extreme(padded[:-2], padded[1:-1]), padded[2:])
    both: NDArray[np.uint8] = extreme(extreme(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:])
    return both.repeat(scale, axis=0).repeat(scale, axis=1)


def bleed(colour: Samples, visible: NDArray[np.bool_]) -> Samples:
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
    filled = bleed(*_halve(colour, visible))
    result = colour.copy()
    for top in range(0, len(colour), BAND):
        band = filled[top // 2 : (top + BAND) // 2].repeat(2, axis=0).repeat(2, axis=1)
        part, gaps = result[top : top + BAND], ~visible[top : top + BAND]
        part[gaps] = band[: part.shape[0], : part.shape[1]][gaps]
    return result


def _halve(colour: Samples, visible: NDArray[np.bool_]) -> tuple[Samples, NDArray[np.bool_]]:
    """Average the visible pixels of each block of 2x2; a block without any stays a gap."""
    height, width, channels = colour.shape
    halved = np.zeros(((height + 1) // 2, (width + 1) // 2, channels), np.uint8)
    seen = np.zeros(halved.shape[:2], bool)
    for top in range(0, height, BAND):
        weight = visible[top : top + BAND, :, np.newaxis].astype(np.uint16)
        total = _sum_blocks(colour[top : top + BAND] * weight)
        count = _sum_blocks(weight)
        rows = slice(top // 2, top // 2 + len(total))
        halved[rows] = (total + count // 2) // np.maximum(count, 1)
        seen[rows] = count[:, :, 0] > 0
    return halved, seen


def _sum_blocks(values: Samples) -> Samples:
    """Sums of blocks of 2x2; what is missing at the lower and right border counts nothing."""
    padded = np.pad(values, [(0, side % 2) for side in values.shape[:2]] + [(0, 0)])
    return padded[::2, ::2] + padded[1::2, ::2] + padded[::2, 1::2] + padded[1::2, 1::2]
