"""Sixteen hostile files at a time, through a real server: others are served meanwhile, and places are free at once."""

import contextlib
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import Server, StartServer, connection, encoded, photograph, wait_for
from fakes import noise
from hostile_files import HOSTILE
from prober import probing
from test_metrics import figures

pytestmark = pytest.mark.alone

# One of each kind of cost, as long as each may be.
KINDS = (
    "png profiles",
    "png profiles behind",
    "gif empty comments",
    "gif blocks of a byte",
    "bmp runs of one",
    "jpeg claims progressively",
    "jpeg stuffing",
    "tiff IPTC",
)
LENGTH = 1 << 20
COUNT = 16
SMALL = encoded(photograph(256, 256), "JPEG")
# Seconds, several times what these take on two idle cores, where /livez answers within 0.1 and the picture within 3.
MOST_USUAL, MOST_EVER, MOST_SMALL, MOST_HANG_UP, MOST_FOR_NOTHING = 0.25, 2, 10, 3, 8
# s that a request may take, and an answer may be late.
TIMEOUT, MOST_LATE = 4, 2


@pytest.fixture(scope="module")
def besieged(start_server: StartServer) -> Server:
    server = start_server(UPSCALER_MAX_REQUESTS=str(COUNT + 1))
    assert server.upscale(SMALL).status_code == 200
    return server


@pytest.mark.parametrize("name", ["bmp runs of one", "gif empty comments"])
def test_what_adds_nothing_to_a_picture_costs_nothing(besieged: Server, name: str) -> None:
    """Each of these took 11 s and more when all of it was read; sending it takes a part of a second."""
    file = HOSTILE[name](33 << 20)
    start = time.monotonic()
    assert besieged.upscale(file).status_code in (200, 422)
    assert time.monotonic() - start < MOST_FOR_NOTHING


def test_sixteen_hostile_files_hold_up_nobody(besieged: Server) -> None:
    files = {name: HOSTILE[name](LENGTH) for name in KINDS}
    small = dict[str, float]()
    with probing(besieged.port, ["livez"]) as probes, ThreadPoolExecutor(COUNT) as threads:
        for name, file in files.items():
            hostile = [threads.submit(besieged.upscale, file) for _ in range(COUNT)]
            start = time.monotonic()
            assert besieged.upscale(SMALL).status_code == 200, name
            small[name] = time.monotonic() - start
            assert {each.result().status_code for each in hostile} <= {200, 422}, name
    assert max(small.values()) < MOST_SMALL, small
    assert probes.statuses == {200}
    assert statistics.median(probes.seconds) < MOST_USUAL
    assert max(probes.seconds) < MOST_EVER
    assert "Traceback" not in besieged.logged()


@pytest.mark.parametrize("name", ["png profiles", "bmp runs of one", "gif empty comments"])
def test_places_are_free_when_the_senders_have_gone(besieged: Server, name: str) -> None:
    file = HOSTILE[name](LENGTH)
    with contextlib.ExitStack() as stack:
        for _ in range(COUNT):
            stack.enter_context(connection(besieged, f"Content-Length: {len(file)}")).sendall(file)
    assert wait_for(lambda: figures(besieged)["upscaler_requests_in_progress"] == 0, MOST_HANG_UP)
    assert besieged.upscale(SMALL).status_code == 200


@pytest.fixture(scope="module")
def impatient(start_server: StartServer) -> Server:
    return start_server(UPSCALER_MODELS="noise-cancel-small", UPSCALER_TIMEOUT=str(TIMEOUT))


@pytest.mark.parametrize("name", ["gif", "webp"])
def test_results_are_written_in_time(impatient: Server, name: str) -> None:
    """Noise takes the encoder of GIF 13 s, and that of WebP without loss two: it is refused, unless there is time."""
    for pixels, allowed in ((np.full((1000, 1000, 3), 90, np.uint8), {200}), (noise(1000, 1000), {200, 422})):
        file = encoded(pixels, "WEBP", lossless=True, method=0)
        start = time.monotonic()
        answer = impatient.upscale(file, format=name)
        assert answer.status_code in allowed, answer.text
        assert answer.status_code == 200 or answer.json()["code"] == "estimate_over_deadline"
        assert time.monotonic() - start < TIMEOUT + MOST_LATE
