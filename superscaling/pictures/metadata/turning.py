"""How pictures are turned upright, and what that does to points and lengths in their metadata."""

from typing import NamedTuple

from superscaling.pictures.picture import Size


class Turn(NamedTuple):
    """Whether rows and columns are swapped, and whether the rows, and the columns, of the result are reversed."""

    is_swapped: bool
    reverses_rows: bool
    reverses_columns: bool

    def size(self, size: Size) -> Size:
        """Height and width after the turn."""
        return (size[1], size[0]) if self.is_swapped else size

    def point(self, x: int, y: int, size: Size) -> tuple[int, int]:
        """Where the pixel at `x`, `y` of a picture of `size` comes to lie."""
        height, width = self.size(size)
        if self.is_swapped:
            x, y = y, x
        return (width - 1 - x if self.reverses_columns else x), (height - 1 - y if self.reverses_rows else y)


# EXIF orientation -> how to turn the picture upright. (Exif 2.3, tag 0x0112)
UPRIGHT = {
    1: Turn(False, False, False),
    2: Turn(False, False, True),
    3: Turn(False, True, True),
    4: Turn(False, True, False),
    5: Turn(True, False, False),
    6: Turn(True, False, True),
    7: Turn(True, True, True),
    8: Turn(True, True, False),
}
NO_TURN = UPRIGHT[1]
