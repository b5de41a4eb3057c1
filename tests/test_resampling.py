"""The reduction of planes, of any length."""

import numpy as np
import pytest
from conftest import photograph
from numpy.typing import NDArray
from PIL import Image

from superscaling.pictures import Size, reduce_plane, resampling
from superscaling.pictures.resampling import SourceBox


def strip() -> NDArray[np.float32]:
    """(3, 2000), a photograph's rows one after the other."""
    return photograph(60, 100, seed=1)[:, :, 0].reshape(3, 2000).astype(np.float32)


def by_pillow(plane: NDArray[np.float32], size: Size, box: SourceBox | None = None) -> NDArray[np.float32]:
    return np.asarray(Image.fromarray(plane).resize(size[::-1], Image.Resampling.LANCZOS, box))


def test_ordinary_sizes_are_pillows() -> None:
    for plane in (strip(), np.ascontiguousarray(strip().T)):
        size = (plane.shape[0] // 3, plane.shape[1] // 2 + 1)
        np.testing.assert_array_equal(reduce_plane(plane, size), by_pillow(plane, size))


@pytest.mark.parametrize(
    ("size", "box"),
    [
        ((3, 1), None),
        ((2, 7), None),
        ((1, 100), None),
        ((3, 1999), None),
        ((3, 2000), None),
        ((2, 300), (100.3, 0.2, 1900.7, 2.9)),
        ((1, 1), (1.5, 0.5, 1999.5, 2.5)),
        ((1, 2), (0, 0, 1300, 3)),
    ],
)
@pytest.mark.parametrize("stands", [False, True])
def test_long_sides_are_reduced_in_parts(
    size: Size, box: SourceBox | None, stands: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As all at once, within a level."""
    monkeypatch.setattr(resampling, "MAX_SIDE", 300)
    plane, expected = strip(), by_pillow(strip(), size, box)
    if stands:
        across = box and (box[1], box[0], box[3], box[2])
        reduced = reduce_plane(np.ascontiguousarray(plane.T), size[::-1], across).T
    else:
        reduced = reduce_plane(plane, size, box)
    assert reduced.shape == size
    assert np.abs(reduced - expected).max() < 1


@pytest.mark.parametrize("shape", [(1, 45_000_001), (45_000_001, 1)])
def test_a_side_that_is_too_long_for_pillow(shape: Size) -> None:
    plane = np.broadcast_to(np.float32(100), shape)
    np.testing.assert_allclose(reduce_plane(plane, (1, 1)), 100, atol=0.01)
