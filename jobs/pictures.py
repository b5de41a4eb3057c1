"""Enlarged pictures as bytes: all of a `Picture`, as it is, so that it can be written in any format later.

Eight bytes with the length of the head; the head, as JSON; the samples of all frames, colour before alpha, row by row,
16 bits in little-endian order.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, TypeAdapter

from superscaling.format_name import FormatName
from superscaling.pictures import Frame, Metadata, Picture, Samples

LENGTH_BYTES = 8
BYTE_ORDER: Literal["little"] = "little"
Side = Annotated[int, Field(ge=1)]


@dataclass(frozen=True)
class FrameHead:
    """A frame without its samples. `metadata`: its place among those of the picture, which frames may share."""

    height: Side
    width: Side
    channels: Annotated[int, Field(ge=1, le=4)]
    has_alpha: bool
    is_16_bit: bool
    milliseconds: float
    metadata: Annotated[int, Field(ge=0)]


@dataclass(frozen=True)
class Head:
    """A picture without its samples."""

    __pydantic_config__ = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    frames: tuple[FrameHead, ...]
    metadata: tuple[Metadata, ...]
    format: FormatName
    plays: int
    is_lossless: bool
    notes: tuple[str, ...]


HEAD = TypeAdapter(Head)


def write_picture(picture: Picture, path: Path) -> None:
    """Write a picture to a file.

    Raises:
        OSError: it can't be written.
    """
    different = {id(frame.metadata): frame.metadata for frame in picture.frames}
    places = {key: place for place, key in enumerate(different)}
    frames = tuple(
        FrameHead(
            frame.height,
            frame.width,
            frame.colour.shape[2],
            frame.alpha is not None,
            frame.is_16_bit,
            frame.milliseconds,
            places[id(frame.metadata)],
        )
        for frame in picture.frames
    )
    head = HEAD.dump_json(
        Head(frames, tuple(different.values()), picture.format, picture.plays, picture.is_lossless, picture.notes)
    )
    with path.open("xb") as file:
        file.write(len(head).to_bytes(LENGTH_BYTES, BYTE_ORDER))
        file.write(head)
        for samples in _samples(picture):
            file.write(np.ascontiguousarray(samples, samples.dtype.newbyteorder("<")).data)


def read_picture(data: bytes) -> Picture:
    """Read a picture. Its arrays can't be written to.

    Args:
        data: what `write_picture` has written.

    Raises:
        ValueError: it is something else, or was cut off.
    """
    start = LENGTH_BYTES + int.from_bytes(data[:LENGTH_BYTES], BYTE_ORDER)
    head = HEAD.validate_json(data[LENGTH_BYTES:start])

    def taken(depth: "np.dtype[Any]", *shape: int) -> NDArray[Any]:
        nonlocal start
        count = int(np.prod(shape))
        samples = np.frombuffer(data, depth, count, start).reshape(shape)
        start += samples.nbytes
        return samples

    frames = list[Frame]()
    for each in head.frames:
        depth = np.dtype("<u2" if each.is_16_bit else "u1")
        colour = taken(depth, each.height, each.width, each.channels)
        alpha = taken(depth, each.height, each.width) if each.has_alpha else None
        frames.append(Frame(colour, alpha, each.milliseconds, head.metadata[each.metadata]))
    return Picture(tuple(frames), head.format, head.plays, head.is_lossless, head.notes)


def samples_bytes(picture: Picture) -> int:
    """How many bytes the samples of a picture take."""
    return sum(samples.nbytes for samples in _samples(picture))


def _samples(picture: Picture) -> Iterator[Samples]:
    for frame in picture.frames:
        yield frame.colour
        if frame.alpha is not None:
            yield frame.alpha
