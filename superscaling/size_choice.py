"""Which size a result gets: by a factor, by a width, by a height, or by both."""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from superscaling.errors import MalformedMessage, SizeOutOfRange
from superscaling.geometry import Box

# The most that a side is enlarged.
MAX_SCALE = 8
# The longest side in px that a request may ask for: more than any picture can have.
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

    `scale`: factor of both sides, 1 to `MAX_SCALE`, None if it is not said; `width`, `height`: px, 1 to `MAX_SIDE`;
    `fit`: how the two are meant; with one of them, all ways mean the same.
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
        if self.width is None and self.height is None:
            factor = self.scale or Fraction(default)
            result = ResultSize(whole, _rounded(height * factor), _rounded(width * factor))
        elif self.width is None or self.height is None or self.fit is Fit.INSIDE:
            factors = [Fraction(wanted, own) for wanted, own in ((self.width, width), (self.height, height)) if wanted]
            factor = min(factors)
            result = ResultSize(whole, _rounded(height * factor), _rounded(width * factor))
        else:
            crop = whole if self.fit is Fit.FILL else _centre(height, width, Fraction(self.width, self.height))
            result = ResultSize(crop, self.height, self.width)
        _check(result)
        return result


def _rounded(length: Fraction) -> int:
    """To the nearest whole number, halves up; at least 1."""
    return max(1, int(length + Fraction(1, 2)))


def _centre(height: int, width: int, ratio: Fraction) -> Box:
    """The largest box in the middle of a picture whose width is `ratio` times its height, as near as whole px are."""
    crop_width = min(width, _rounded(height * ratio))
    crop_height = min(height, _rounded(width / ratio))
    top, left = (height - crop_height) // 2, (width - crop_width) // 2
    return Box(top, left, top + crop_height, left + crop_width)


def _check(result: ResultSize) -> None:
    height, width = result.crop.size
    for name, wanted, own in (("width", result.width, width), ("height", result.height, height)):
        if wanted > MAX_SCALE * own:
            raise SizeOutOfRange(
                f"a {name} of {wanted} px is more than {MAX_SCALE} times the image's {own} px: ask for at most"
                f" {MAX_SCALE * own} px",
                limit=MAX_SCALE * own,
                actual=wanted,
            )
