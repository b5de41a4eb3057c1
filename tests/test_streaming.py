"""Memory and silence of an event stream."""

import functools
import gc
import threading
import weakref
from collections.abc import Iterator

import numpy as np
import pytest
from conftest import encoded, photograph
from fakes import models_with, upscaler_with
from numpy.typing import NDArray

from http_edge import streaming
from http_edge.streaming import EventStream, StreamEvents
from message_protocol import UpscaleInput
from resource_upscale import ResourceUpscale
from superscaling.errors import ClientGone
from superscaling.isolation import InThisProcess
from superscaling.pictures import Limits, Picture
from superscaling.scheduling import Admission, Deadline, Plan, Timings

UPSCALER = upscaler_with()
ADMISSION = Admission(10**9)
UPSCALE = ResourceUpscale(models_with(UPSCALER), ADMISSION, Limits(10**7, 10), 90, InThisProcess())


class SeenEvents(StreamEvents):
    """Remembers the picture, without keeping it."""

    picture: weakref.ref[Picture]

    def accepted(self, plan: Plan) -> None:
        self.picture = weakref.ref(plan.picture)
        super().accepted(plan)


def stream_of(edge: int) -> tuple[EventStream, SeenEvents, Timings]:
    events, timings = SeenEvents("id", with_tiles=True), Timings()
    deadline = Deadline(60, is_client_gone=events.stop.is_set)
    message = UpscaleInput.from_bytes(encoded(photograph(edge, edge)), {})
    run = functools.partial(UPSCALE.main, message, deadline, timings, events)
    return EventStream(events, run), events, timings


@pytest.fixture(autouse=True)
def _without_collection() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def test_the_picture_is_let_go_before_the_result_is_sent() -> None:
    stream, events, _ = stream_of(40)
    for part in stream:
        if part.startswith(b"event: result"):
            assert events.picture() is None
    stream.close()


def test_a_hang_up_leaves_nothing_behind() -> None:
    stream, events, _ = stream_of(1200)
    assert next(iter(stream)).startswith(b"event: accepted")
    stream.close()
    assert isinstance(stream.error, ClientGone)
    del stream
    assert events.picture() is None


def test_silence_is_broken_by_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    """The network takes longer than anybody on the way should wait for a byte."""
    monkeypatch.setattr(streaming, "HEARTBEAT", 0.05)
    goes_on = threading.Event()

    def wait(_: NDArray[np.float32]) -> None:
        assert goes_on.wait(60)

    upscaler = upscaler_with(wait)
    upscale = ResourceUpscale(models_with(upscaler), ADMISSION, Limits(10**7, 10), 90, InThisProcess())
    events, timings = StreamEvents("id", with_tiles=False), Timings()
    message = UpscaleInput.from_bytes(encoded(photograph(8, 8)), {})
    stream = EventStream(events, functools.partial(upscale.main, message, Deadline(60), timings, events))
    seen = list[bytes]()
    for part in stream:
        seen.append(part.partition(b"\n")[0])
        if seen[-2:] == [b": still working"] * 2:
            goes_on.set()
    stream.close()
    assert seen[:4] == [b"event: accepted", b"event: preview", b": still working", b": still working"]
    assert seen[-1] == b"event: result"


def test_events_of_a_slow_reader_are_bounded() -> None:
    stream, events, timings = stream_of(400)
    stream._thread.join()
    assert timings.tiles > 64
    assert events.waiting.qsize() <= 66
    assert list(stream)[-1].startswith(b"event: result")
    stream.close()
