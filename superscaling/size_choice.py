"""Which size a result gets: by a factor, by a width, by a height, or by both."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from superscaling.errors import MalformedMessage, SizeOutOfRange
from superscaling.geometry import Box

# The most that a side is enlarged.
MAX_SCALE = 8
# The longest side in px that a request may name. No format has longer ones, and errors can repeat the number.
MAX_SIDE = 2**31 - 1
# The factor where nothing is said.
DEFAULT_SCALE = 2


class Fit(StrEnum):
    """How a picture is fitted into a width and a height, as sharp and imgix mean the words."""

    INSIDE = "inside"  # as large as fits, in its own ratio
    COVER = "cover"  # fills both, in its own ratio; what stands out around the centre is cut off
    FILL = "fill"  # fills both, whatever its ratio


class ResultSize(NamedTuple):
    """`crop`: the part of the picture that the result shows, in its px; `height`, `width`: of the result in px."""

    crop: Box
    height: int
    width: int


@dataclass(frozen=True)
class SizeChoice:
    """What a request says about the size of its result.

    `scale`: factor of both sides, 1 to `MAX_SCALE`, None if it is not said; `width`, `height`: px, at least 1.
    """

    scale: Fraction | None = None
    width: int | None = None
    height: int | None = None
    fit: Fit | None = None

    def check(self, width: str = "width", height: str = "height") -> None:
        """Make sure that the parts do not contradict each other.

        Args:
            width, height: what the request calls them.

        Raises:
            MalformedMessage: they do.
        """
        sides = [name for name, value in ((width, self.width), (height, self.height)) if value is not None]
        if self.scale is not None and (sides or self.fit):
            others = " and ".join(repr(name) for name in (*sides, *(["fit"] if self.fit else [])))
            raise MalformedMessage(f"'scale' can't be combined with {others}: send one or the other")
        if len(sides) == 2 and self.fit is None:
            raise MalformedMessage(
                f"{width!r} and {height!r} together need 'fit': {', '.join(Fit)}; or send one of them to keep the ratio"
            )
        if self.fit and not sides:
            raise MalformedMessage(f"'fit' needs {width!r} or {height!r}")

    @property
    def depends_on_orientation(self) -> bool:
        """Whether a picture that lies on its side has another result."""
        return self.width is not None or self.height is not None

    def of(self, height: int, width: int, default: int = DEFAULT_SCALE) -> ResultSize:
        """The size of the result for a picture of `height` by `width` px. Sides are rounded, halves up; at least 1.

        Args:
            height, width: in px, at least 1.
            default: the factor if nothing is said.

        Raises:
            SizeOutOfRange: a side would be more than `MAX_SCALE` times as long.
        """
        whole = Box(0, 0, height, width)
        across, down = _Side("width", width, self.width or 0), _Side("height", height, self.height or 0)
        asked = [side for side in (across, down) if side.wanted]
        if len(asked) == 2 and self.fit is Fit.COVER:
            _check_cover(across, down)
            return ResultSize(_centre(across, down), down.wanted, across.wanted)
        if len(asked) == 2 and self.fit is Fit.FILL:
            _check(asked)
            return ResultSize(whole, down.wanted, across.wanted)
        if asked:
            decisive = min(asked, key=lambda side: side.factor)
            _check([decisive])
            factor = decisive.factor
        else:
            factor = self.scale or Fraction(default)
        return ResultSize(whole, _rounded(height * factor), _rounded(width * factor))


class _Side(NamedTuple):
    """Of a picture: its name, its length in px, and how long it is to become; 0 if that is not said."""

    name: str
    length: int
    wanted: int

    @property
    def factor(self) -> Fraction:
        """How many times as long it is to become."""
        return Fraction(self.wanted, self.length)

    @property
    def most(self) -> int:
        """How long it may become."""
        return MAX_SCALE * self.length


def _rounded(length: Fraction) -> int:
    """To the nearest whole number, halves up; at least 1."""
    return max(1, int(length + Fraction(1, 2)))


def _centre(width: _Side, height: _Side) -> Box:
    """The box in the middle of a picture that fills both sides, in the ratio of the result as near as whole px are."""
    factor = max(width.factor, height.factor)
    crop_width, crop_height = (
        # Rounding must not leave so little that it would be enlarged more than is possible.
        min(side.length, max(_rounded(side.wanted / factor), math.ceil(Fraction(side.wanted, MAX_SCALE))))
        for side in (width, height)
    )
    top, left = (height.length - crop_height) // 2, (width.length - crop_width) // 2
    return Box(top, left, top + crop_height, left + crop_width)


def _check(sides: Sequence[_Side]) -> None:
    """Make sure that no side becomes too long.

    Raises:
        SizeOutOfRange: one would; says how long all may become.
    """
    too_long = [side for side in sides if side.wanted > side.most]
    if too_long:
        first, *_ = too_long
        most = " x ".join(str(min(side.wanted, side.most)) for side in sides)
        raise SizeOutOfRange(
            f"a {first.name} of {first.wanted} px is more than {MAX_SCALE} times the image's {first.length} px: ask for"
            f" at most {most} px",
            limit=first.most,
            actual=first.wanted,
        )


def _check_cover(width: _Side, height: _Side) -> None:
    """Make sure that a picture that fills both sides is not enlarged too much.

    Raises:
        SizeOutOfRange: it would be; says what it can fill in the same ratio.
    """
    decisive = max(width, height, key=lambda side: side.factor)
    if (factor := decisive.factor) > MAX_SCALE:
        most = " x ".join(str(max(1, int(side.wanted * MAX_SCALE / factor))) for side in (width, height))
        times = math.ceil(factor * 100) / 100
        raise SizeOutOfRange(
            f"to fill {width.wanted} x {height.wanted} px, this image would have to be enlarged {times:.12g} times, and"
            f" at most {MAX_SCALE} are possible: ask for at most {most} px",
            limit=decisive.most,
            actual=decisive.wanted,
        )
