"""What a stream, a terminal or a job can learn while a picture is being enlarged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from superscaling.format_name import FormatName
from superscaling.geometry import Box
from superscaling.pictures import Picture, Samples, Size
from superscaling.scheduling.timings import Timings


@dataclass(frozen=True)
class Plan:
    """What will be done with a picture that was admitted and decoded.

    `picture`: what of it the result shows; `format`: of the result; `sizes`: height and width of each frame of the
    result in px; `tiles`: of all frames and passes; `ahead`: other pictures in progress; `seconds_left`: estimates the
    seconds until the result.
    """

    picture: Picture
    format: FormatName
    sizes: Sequence[Size]
    tiles: int
    ahead: int
    seconds_left: Callable[[], float]

    @property
    def width(self) -> int:
        """Width of the result's first frame in px."""
        return self.sizes[0][1]

    @property
    def height(self) -> int:
        """Height of the result's first frame in px."""
        return self.sizes[0][0]


class ProgressListener(Protocol):
    """Called from the thread that enlarges, which waits meanwhile."""

    def accepted(self, plan: Plan) -> None:
        """Called once, before the first tile."""

    def begin_pass(self, frame: int | None) -> None:
        """A pass of the network begins.

        Args:
            frame: the index of the frame that the following tiles show; None if they don't look like the picture, as
                with alpha, inks or stretched grey.
        """

    def part_done(self, box: Box, pixels: Samples) -> None:
        """A part of the result is finished; the tile that finished it is told of next.

        Args:
            box: its place in the result of the current pass.
            pixels: (h, w, 3) uint8 or uint16, RGB, already rounded; not to be changed.
        """

    def tile_done(self, timings: Timings) -> None:
        """The network has done a tile, or a tile needed no network.

        Args:
            timings: of the request, this tile included.
        """


class NoListener:
    """A listener for work that nobody watches."""

    def accepted(self, plan: Plan) -> None:
        """Do nothing."""

    def begin_pass(self, frame: int | None) -> None:
        """Do nothing."""

    def part_done(self, box: Box, pixels: Samples) -> None:
        """Do nothing."""

    def tile_done(self, timings: Timings) -> None:
        """Do nothing."""


NO_LISTENER = NoListener()
