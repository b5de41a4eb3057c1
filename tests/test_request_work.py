"""When a request's work ends because the service does."""

import math
import time

import numpy as np
import pytest
from fakes import upscaler_with

from http_edge.metrics import Metrics
from http_edge.request_work import RequestWork
from http_edge.shutdown import ShutdownDeadline
from superscaling.errors import ServiceStopping
from superscaling.geometry import Box
from superscaling.scheduling import Admission

UPSCALER = upscaler_with()
NOTHING = np.zeros((1, 1, 3), np.uint8)


def work_of(shutdown: ShutdownDeadline, tiles: int, seconds_a_tile: float) -> RequestWork:
    """Work whose first tile is done."""
    metrics = Metrics(UPSCALER.facts, "no weights", Admission(1, UPSCALER.seconds_for), UPSCALER.seconds_for)
    work = RequestWork(3600, "UPSCALER_STREAM_TIMEOUT", lambda: False, metrics, shutdown)
    work.expect(tiles)
    work.seconds["infer"] += seconds_a_tile
    work.tile_done(Box(0, 0, 1, 1), NOTHING)
    return work


def test_what_would_take_longer_than_the_service_is_ended() -> None:
    shutdown = ShutdownDeadline(10)
    work = work_of(shutdown, tiles=2, seconds_a_tile=20)
    work.checkpoint()
    assert work.seconds_until_deadline > 3000
    shutdown.begin()
    assert work.seconds_until_deadline <= 10
    with pytest.raises(ServiceStopping, match="1 of 2 tiles"):
        work.checkpoint()


def test_what_is_done_in_time_is_not() -> None:
    """The last tile is done, or the next one takes less than is left."""
    shutdown = ShutdownDeadline(10)
    works = work_of(shutdown, tiles=1, seconds_a_tile=20), work_of(shutdown, tiles=2, seconds_a_tile=5)
    shutdown.begin()
    for work in works:
        work.checkpoint()


def test_what_is_done_too_late_is_ended() -> None:
    shutdown = ShutdownDeadline(0)
    work = work_of(shutdown, tiles=1, seconds_a_tile=20)
    shutdown.begin()
    with pytest.raises(ServiceStopping, match="1 of 1 tiles"):
        work.checkpoint()


def test_the_end_is_not_put_off() -> None:
    shutdown = ShutdownDeadline(10)
    assert shutdown.seconds_left == math.inf
    shutdown.begin()
    time.sleep(0.05)
    shutdown.begin()
    assert shutdown.seconds_left <= 9.95
