"""Places in a picture, and amounts of it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    """The rows from `top` and the columns from `left`, up to but without `bottom` and `right`, in px."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """The box as the first two indices of a pixel array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def area(self) -> int:
        """Number of pixels inside."""
        height, width = self.size
        return height * width

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in px."""
        return self.bottom - self.top, self.right - self.left

    def scaled(self, scale: int) -> "Box":
        """The same box in a picture enlarged by `scale`."""
        return Box(self.top * scale, self.left * scale, self.bottom * scale, self.right * scale)

    def seen_from(self, other: "Box") -> "Box":
        """The same box with `other`'s corner as the origin."""
        return self.moved(-other.top, -other.left)

    def moved(self, down: int, right: int) -> "Box":
        """The same box elsewhere."""
        return Box(self.top + down, self.left + right, self.bottom + down, self.right + right)

    def grown(self, by: int) -> "Box":
        """The box and `by` px on every side."""
        return Box(self.top - by, self.left - by, self.bottom + by, self.right + by)

    def within(self, other: "Box") -> "Box":
        """What two boxes that overlap have in common."""
        return Box(
            max(self.top, other.top),
            max(self.left, other.left),
            min(self.bottom, other.bottom),
            min(self.right, other.right),
        )


@dataclass(frozen=True)
class Cost:
    """What the network is to be shown: how many `tiles`, and the `area` of all their windows, in every view, in px."""

    tiles: int = 0
    area: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.tiles + other.tiles, self.area + other.area)

    def __mul__(self, times: int) -> "Cost":
        return Cost(self.tiles * times, self.area * times)
