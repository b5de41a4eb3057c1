"""When a request's work ends: the deadline, and the end of the service."""

import math
import time

import pytest

from http_edge.shutdown import ShutdownDeadline
from superscaling.errors import ServiceStopping
from superscaling.scheduling import Deadline, Timings


def request_with(shutdown: ShutdownDeadline, tiles: int, seconds_a_tile: float) -> tuple[Deadline, Timings]:
    """A request whose first tile is done."""
    timings = Timings(tiles=tiles)
    timings.seconds["infer"] += seconds_a_tile
    timings.finish_tile()
    return Deadline(3600, "stream_timeout", seconds_until_stop=lambda: shutdown.seconds_left), timings


def test_what_would_take_longer_than_the_service_is_ended() -> None:
    shutdown = ShutdownDeadline(10)
    deadline, timings = request_with(shutdown, tiles=2, seconds_a_tile=20)
    deadline.check(timings)
    assert deadline.seconds_left > 3000
    shutdown.begin()
    assert deadline.seconds_left <= 10
    with pytest.raises(ServiceStopping, match="1 of 2 tiles"):
        deadline.check(timings)


def test_what_is_done_in_time_is_not() -> None:
    """The last tile is done, or the next one takes less than is left."""
    shutdown = ShutdownDeadline(10)
    requests = request_with(shutdown, tiles=1, seconds_a_tile=20), request_with(shutdown, tiles=2, seconds_a_tile=5)
    shutdown.begin()
    for deadline, timings in requests:
        deadline.check(timings)


def test_what_is_done_too_late_is_ended() -> None:
    shutdown = ShutdownDeadline(0)
    deadline, timings = request_with(shutdown, tiles=1, seconds_a_tile=20)
    shutdown.begin()
    with pytest.raises(ServiceStopping, match="1 of 1 tiles"):
        deadline.check(timings)


def test_a_tile_takes_what_was_inferred_since_the_one_before() -> None:
    timings = Timings()
    for seconds in (1.0, 4.0):
        timings.seconds["infer"] += seconds
        timings.finish_tile()
        assert timings.tile_seconds == seconds
    assert timings.tiles_done == 2


def test_the_end_is_not_put_off() -> None:
    shutdown = ShutdownDeadline(10)
    assert shutdown.seconds_left == math.inf
    shutdown.begin()
    time.sleep(0.05)
    shutdown.begin()
    assert shutdown.seconds_left <= 9.95
