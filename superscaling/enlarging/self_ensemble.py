"""Geometric self-ensemble: the network is shown each picture in several views, and the mean of the results counts.

After EDSR (arXiv:1707.02921, section 3.4); also called test-time augmentation (TTA). Errors that depend on the
orientation cancel out, at the price of one inference per view.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Value = TypeVar("Value", bound=np.generic)


@dataclass(frozen=True)
class View:
    """One way to turn and mirror a picture.

    `rows`, `columns`: step through them, 1 or -1 (reversed); `transposed`: whether they are swapped afterwards.
    """

    rows: int
    columns: int
    transposed: bool = False

    def of(self, pixels: NDArray[Value]) -> NDArray[Value]:
        """(h, w, 3) to this view, which shares its memory: (h, w, 3), or (w, h, 3) if transposed."""
        mirrored = pixels[:: self.rows, :: self.columns]
        return mirrored.transpose(1, 0, 2) if self.transposed else mirrored

    def back(self, pixels: NDArray[Value]) -> NDArray[Value]:
        """The inverse of `of`."""
        upright = pixels.transpose(1, 0, 2) if self.transposed else pixels
        return upright[:: self.rows, :: self.columns]


# The first 1, 2, 4 or 8 may be used. These are groups: a picture given in another view of the same group has the same
# result, in that view.
ALL_VIEWS = tuple(
    View(rows, columns, transposed)
    for transposed in (False, True)
    for rows, columns in ((1, 1), (-1, -1), (1, -1), (-1, 1))
)


def turned_views(count: int) -> int:
    """How many of the first `count` views have rows for columns."""
    return sum(view.transposed for view in ALL_VIEWS[:count])
