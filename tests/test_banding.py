"""A gradient of 16 bits stays smooth: no bands, in any precision of the network."""

import numpy as np
import pytest
import pyvips
from conftest import StartServer
from pictures import png_16

from superscaling.engines.openvino import supported_precisions

# A step that can be seen on no screen: the largest between neighbours, as a share of the range.
MAX_STEP = 1 / 512
WIDTH, HEIGHT = 1024, 40


def sky(darkest: int, brightest: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint16]]:
    """RGB: red rises, green falls, blue rises half as fast: each by at most a 1024th of the range per pixel."""
    rising = np.rint(np.linspace(darkest, brightest, WIDTH))
    row = np.stack((rising, rising[::-1], darkest + (rising - darkest) / 2), axis=1)
    return np.tile(row.astype(np.uint16), (HEIGHT, 1, 1))


@pytest.mark.parametrize("precision", supported_precisions())
@pytest.mark.parametrize(("darkest", "brightest"), [(0, 65_535), (1000, 5000)], ids=["full", "small range"])
def test_no_bands(shared_server: StartServer, precision: str, darkest: int, brightest: int) -> None:
    """Up to the borders, as a share of the range in use."""
    answer = shared_server(UPSCALER_PRECISION=precision).upscale(png_16(sky(darkest, brightest)))
    assert answer.status_code == 200, answer.text
    seen = pyvips.Image.new_from_buffer(answer.content, "").numpy().astype(int)
    assert seen.shape == (2 * HEIGHT, 2 * WIDTH, 3)
    for axis in (0, 1):
        assert np.abs(np.diff(seen, axis=axis)).max() <= MAX_STEP * (brightest - darkest)
    assert len(np.unique(seen[:, :, 0])) > WIDTH, "no more levels than were sent"
