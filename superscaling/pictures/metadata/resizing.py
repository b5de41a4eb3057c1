"""How a result lies in the picture that metadata describes, and what that does to places and lengths."""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from superscaling.geometry import Box
from superscaling.pictures.picture import Metadata, Size

# Factors across and down differ by the rounding of sizes, even where the ratio of a picture is kept.
SAME_RATIO = Fraction(1, 100)


class Area(NamedTuple):
    """A rectangle in px, whose ends lie between pixels; of no extent it is a point."""

    left: Fraction
    top: Fraction
    right: Fraction
    bottom: Fraction

    @classmethod
    def around(cls, x: Fraction, y: Fraction, width: Fraction, height: Fraction) -> "Area":
        """The rectangle with its centre at `x`, `y`."""
        return cls(x - width / 2, y - height / 2, x + width / 2, y + height / 2)

    @property
    def centre(self) -> tuple[Fraction, Fraction]:
        """x and y."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    @property
    def width(self) -> Fraction:
        """In px."""
        return self.right - self.left

    @property
    def height(self) -> Fraction:
        """In px."""
        return self.bottom - self.top


class Resizing(NamedTuple):
    """`before`: size of the picture in px; `crop`: its part that the result shows; `size`: of the result in px."""

    before: Size
    crop: Box
    size: Size

    @classmethod
    def of(cls, metadata: Metadata, size: Size) -> "Resizing":
        """From the picture that the metadata describes to a result of `size`."""
        before = metadata.size or size
        return cls(before, metadata.crop or Box(0, 0, *before), size)

    @property
    def across(self) -> Fraction:
        """Pixels of the result per pixel of the picture, in a row."""
        return Fraction(self.size[1], self.crop.size[1])

    @property
    def down(self) -> Fraction:
        """Likewise in a column."""
        return Fraction(self.size[0], self.crop.size[0])

    @property
    def is_cropped(self) -> bool:
        """Whether the result shows only a part."""
        return self.crop.size != self.before

    @property
    def keeps_ratio(self) -> bool:
        """Whether a circle stays a circle."""
        return abs(self.across / self.down - 1) <= SAME_RATIO

    def visible(self, area: Area) -> Area | None:
        """The part of an area of the picture that the result shows, in px of the result; None if it shows nothing."""
        crop = self.crop
        left, top = max(area.left, Fraction(crop.left)), max(area.top, Fraction(crop.top))
        right, bottom = min(area.right, Fraction(crop.right)), min(area.bottom, Fraction(crop.bottom))
        is_seen = left < crop.right and top < crop.bottom and right >= left and bottom >= top
        is_a_sliver = (area.width and right == left) or (area.height and bottom == top)
        if not is_seen or is_a_sliver:
            return None
        x, y = Fraction(crop.left), Fraction(crop.top)
        return Area(
            (left - x) * self.across, (top - y) * self.down, (right - x) * self.across, (bottom - y) * self.down
        )


def subject_in(numbers: Sequence[int], resizing: Resizing) -> tuple[int, ...] | None:
    """Where the subject is in the result; empty if it is outside; None if the numbers make no sense.

    Args:
        numbers: of a point (x, y), a circle (x, y, diameter) or a rectangle (x, y, width, height), around its centre,
            in px of the picture.
        resizing: from the picture to the result. A circle that it cuts or stretches becomes a rectangle.
    """
    if not 2 <= len(numbers) <= 4 or min(numbers) < 0:
        return None
    x, y, *lengths = map(Fraction, numbers)
    sides = lengths * (3 - len(lengths)) if lengths else [Fraction(0)] * 2
    before = Area.around(x, y, sides[0], sides[1])
    if (after := resizing.visible(before)) is None:
        return ()
    is_whole = (after.width, after.height) == (before.width * resizing.across, before.height * resizing.down)
    if not lengths:
        extent: list[Fraction] = []
    elif len(lengths) == 1 and is_whole and resizing.keeps_ratio:
        extent = [after.width]
    else:
        extent = [after.width, after.height]
    return (*map(int, after.centre), *(max(1, int(each)) for each in extent))
