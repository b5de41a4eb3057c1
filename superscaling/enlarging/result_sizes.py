"""Which part of each frame the result shows, and how large, as a request chooses it and a model can do it."""

import dataclasses
from collections.abc import Sequence

from superscaling.engines import EngineFacts
from superscaling.errors import ModelDoesNotEnlarge, SizeOutOfRange
from superscaling.geometry import Box
from superscaling.pictures import Frame, Limits, Metadata, Picture, Size
from superscaling.size_choice import DEFAULT_SCALE, ResultSize, SizeChoice


def choose_sizes(sizes: Sequence[Size], choice: SizeChoice, facts: EngineFacts) -> tuple[ResultSize, ...]:
    """What becomes of frames of these heights and widths in px, which are upright.

    Raises:
        SizeOutOfRange: a side of one would be more times as long than is possible.
        ModelDoesNotEnlarge: one would be larger than the frame, and the model only cleans.
    """
    known = {size: _result_size(size, choice, facts) for size in dict.fromkeys(sizes)}
    return tuple(known[size] for size in sizes)


def choose_least_sizes(sizes: Sequence[Size], choice: SizeChoice, facts: EngineFacts) -> tuple[ResultSize, ...]:
    """What becomes at least of frames that may turn out to lie on their sides.

    Args:
        sizes: heights and widths in px as stored.
        choice: of the request.
        facts: of the model.

    Raises:
        SizeOutOfRange: for upright frames, and for those that lie on their sides as well.
    """
    if not choice.depends_on_orientation:
        return choose_sizes(sizes, choice, facts)
    known = {size: _least_result_size(size, choice, facts) for size in dict.fromkeys(sizes)}
    return tuple(known[size] for size in sizes)


def network_size(size: ResultSize) -> Size:
    """Height and width in px that the network makes: of the result, or of what it shows where that is longer."""
    height, width = size.crop.size
    return max(height, size.height), max(width, size.width)


def is_whole(size: Size, result: ResultSize) -> bool:
    """Whether a result shows all of a frame of this height and width in px, which may lie on its side."""
    height, width = size
    return result.crop.area == height * width


def result_pixels(results: Sequence[ResultSize]) -> int:
    """The most px that are in memory beside the picture: of all results, or of a frame before it is reduced."""
    largest = max(height * width for height, width in map(network_size, results))
    return max(largest, _pixels(results))


def check_results(results: Sequence[ResultSize], limits: Limits) -> None:
    """Make sure that the results of all frames are not too large together.

    Raises:
        ResultTooLarge: they are.
    """
    limits.check_result(results[0].width, results[0].height, _pixels(results))


def cropped(picture: Picture, results: Sequence[ResultSize]) -> Picture:
    """What of a picture the result shows. Metadata that several frames share stays shared."""
    described: dict[tuple[int, Box], Metadata] = {}
    frames = list[Frame]()
    for frame, result in zip(picture.frames, results, strict=True):
        crop = result.crop
        if crop.size == (frame.height, frame.width):
            frames.append(frame)
            continue
        key = id(frame.metadata), crop
        if key not in described:
            described[key] = dataclasses.replace(frame.metadata, crop=crop)
        alpha = None if frame.alpha is None else frame.alpha[crop.slices]
        frames.append(
            dataclasses.replace(frame, colour=frame.colour[crop.slices], alpha=alpha, metadata=described[key])
        )
    return dataclasses.replace(picture, frames=tuple(frames))


def _pixels(results: Sequence[ResultSize]) -> int:
    return sum(result.height * result.width for result in results)


def _result_size(size: Size, choice: SizeChoice, facts: EngineFacts) -> ResultSize:
    result = choice.of(*size, default=min(DEFAULT_SCALE, facts.scale))
    if facts.scale == 1 and network_size(result) != result.crop.size:
        height, width = result.crop.size
        raise ModelDoesNotEnlarge(
            f"the model {facts.model} does not enlarge, and {result.width} x {result.height} px are more than the"
            f" image's {width} x {height} px: ask for scale=1, for a smaller size, or for another model",
            limit=height * width,
            actual=result.height * result.width,
        )
    return result


def _least_result_size(size: Size, choice: SizeChoice, facts: EngineFacts) -> ResultSize:
    try:
        as_stored = _result_size(size, choice, facts)
    except SizeOutOfRange:
        try:
            return _result_size(size[::-1], choice, facts)
        except SizeOutOfRange:
            pass
        raise
    try:
        turned = _result_size(size[::-1], choice, facts)
    except SizeOutOfRange:
        return as_stored
    return min(as_stored, turned, key=lambda result: (result.crop.area, result.height * result.width))
