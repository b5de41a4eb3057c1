"""Enlarges whole pictures, frame by frame."""

import dataclasses
from collections.abc import Sequence

from superscaling.enlarging.frame_reuse import PreviousFrame, can_reuse, is_shown_unchanged
from superscaling.enlarging.frame_upscaler import FrameUpscaler, times_shown
from superscaling.enlarging.reduction import reduce_frame
from superscaling.enlarging.result_sizes import choose_sizes, is_whole, network_size, result_pixels
from superscaling.enlarging.upscaler import TiledUpscaler
from superscaling.format_name import FormatName
from superscaling.geometry import Cost
from superscaling.pictures import FORMATS, Frame, Picture, Size
from superscaling.scheduling import NO_LISTENER, Cheaper, Deadline, Demand, ProgressListener, Timings
from superscaling.size_choice import ResultSize, SizeChoice


class PictureUpscaler:
    """`Picture` in, enlarged `Picture` out. `upscaler`: enlarges the pixels."""

    def __init__(self, upscaler: TiledUpscaler) -> None:
        self.facts = upscaler.facts
        self.upscaler = upscaler

    def enlarge(
        self,
        picture: Picture,
        deadline: Deadline,
        timings: Timings,
        listener: ProgressListener = NO_LISTENER,
        results: Sequence[ResultSize] | None = None,
    ) -> Picture:
        """Enlarge every frame; format and metadata stay. What a frame shares with the previous one is reused.

        The network makes no side shorter than the frame's own; where the result is smaller, the whole frame is reduced
        once more.

        Args:
            picture: cropped to what the results show.
            deadline: checked between tiles.
            timings: of the request.
            listener: told of the progress.
            results: of each frame, from `choose_sizes`; by default as large as if a request chose nothing.

        Raises:
            EngineFailed: the engine failed on a tile.
            ClientGone, DeadlinePassed, ServiceStopping: from `deadline`, between tiles.
        """
        frames = list[Frame]()
        before: Frame | None = None
        large: Frame | None = None  # what the network made of it
        for index, (frame, result) in enumerate(zip(picture.frames, results or self._usual(picture), strict=True)):
            size = result.height, result.width
            upscaler = FrameUpscaler(self.upscaler, network_size(result), deadline, timings, listener)
            is_reduced = upscaler.size != size
            previous = None
            if before and large and can_reuse(before, frame):
                previous = PreviousFrame(before.colour, large.colour)
            listener.begin_pass(index if is_shown_unchanged(frame) and not is_reduced else None)
            colour = upscaler.colour(frame, previous)
            alpha = None
            if frame.alpha is not None:
                listener.begin_pass(None)
                alpha = upscaler.alpha(frame.alpha)
            before, large = frame, dataclasses.replace(frame, colour=colour, alpha=alpha)
            frames.append(reduce_frame(large, size) if is_reduced else large)
        return dataclasses.replace(picture, frames=tuple(frames))

    def cost_of(self, picture: Picture, results: Sequence[ResultSize] | None = None) -> Cost:
        """The work for all frames, each as often as the network is shown it. (`results` as in `enlarge`.)"""
        results, frames = results or self._usual(picture), picture.frames
        costs = (
            self._cost_of_frame(before, frame, network_size(result))
            for before, frame, result in zip((None, *frames), frames, results, strict=False)
        )
        return sum(costs, Cost())

    def demand_of(self, sizes: Sequence[Size], results: Sequence[ResultSize], target: FormatName) -> Demand:
        """The least that a picture demands, as far as sizes tell: each frame of a new size is shown once.

        More may be needed for transparency or inks, and more frames may differ; `cost_of` tells.

        Args:
            sizes: heights and widths in px of all frames.
            results: what becomes of them, in any orientation.
            target: the format of the result.
        """
        new = [result for before, size, result in zip((None, *sizes), sizes, results, strict=False) if size != before]
        cost = sum((self.upscaler.cost_of(*result.crop.size, network_size(result)) for result in new), Cost())
        cheaper = self._cheaper(new, cost) if all(map(is_whole, sizes, results)) else None
        return Demand(sizes, cost, self.upscaler, FORMATS[target].memory, result_pixels(results), cheaper)

    def seconds_for(self, cost: Cost) -> float:
        """Estimated seconds of inference."""
        return self.upscaler.seconds_for(cost)

    def _cheaper(self, results: Sequence[ResultSize], cost: Cost) -> Cheaper | None:
        """The network's own factor, if it makes all results smaller, and makes them in less time."""
        scale = self.facts.scale
        if any(
            side * scale > wanted for each in results for side, wanted in zip(each.crop.size, each[1:], strict=True)
        ):
            return None
        own = sum((self.upscaler.cost_of(*each.crop.size) for each in results), Cost())
        return Cheaper(scale, own.work / cost.work) if own.work < cost.work else None

    def _usual(self, picture: Picture) -> Sequence[ResultSize]:
        return choose_sizes(picture.sizes, SizeChoice(), self.facts)

    def _cost_of_frame(self, before: Frame | None, frame: Frame, size: Size) -> Cost:
        cost, times = self.upscaler.cost_of(frame.height, frame.width, size), times_shown(frame)
        if before is None or not can_reuse(before, frame):
            return cost * times
        return self.upscaler.cost_of_changes(frame.colour, before.colour, size) + cost * (times - 1)
