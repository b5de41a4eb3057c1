"""Memory of an event stream."""

import gc
import weakref
from collections.abc import Iterator

import pytest
from conftest import encoded, photograph
from fakes import upscaler_with

from http_edge.event_stream import EventStream
from http_edge.metrics import Metrics
from http_edge.shutdown import ShutdownDeadline
from http_edge.stream_work import StreamWork
from message_protocol import UpscaleInput, UpscaleOutput
from resource_upscale import Plan, ResourceUpscale
from superscaling.enlarging import PictureUpscaler
from superscaling.errors import ClientGone
from superscaling.pictures import Limits, Picture
from superscaling.scheduling import Admission

UPSCALER = upscaler_with()
ADMISSION = Admission(10**9, UPSCALER.seconds_for)
UPSCALE = ResourceUpscale(PictureUpscaler(UPSCALER), ADMISSION, Limits(10**7, 10), 90)


class SeenWork(StreamWork):
    """Remembers the picture, without keeping it."""

    picture: weakref.ref[Picture]

    def accepted(self, plan: Plan) -> None:
        self.picture = weakref.ref(plan.picture)
        super().accepted(plan)


def stream_of(edge: int) -> tuple[EventStream, SeenWork]:
    metrics = Metrics(UPSCALER.facts, "no weights", ADMISSION, UPSCALER.seconds_for)
    work = SeenWork(60, "UPSCALER_STREAM_TIMEOUT", lambda: False, metrics, ShutdownDeadline(60), "id", with_tiles=True)
    message = UpscaleInput.from_bytes(encoded(photograph(edge, edge)), {})

    def run(work: StreamWork) -> UpscaleOutput:
        return UPSCALE.main(message, work)

    return EventStream(work, run), work


@pytest.fixture(autouse=True)
def _without_collection() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def test_the_picture_is_let_go_before_the_result_is_sent() -> None:
    stream, work = stream_of(40)
    for part in stream:
        if part.startswith(b"event: result"):
            assert work.picture() is None
    stream.close()


def test_a_hang_up_leaves_nothing_behind() -> None:
    stream, work = stream_of(1200)
    assert next(iter(stream)).startswith(b"event: accepted")
    stream.close()
    assert isinstance(stream.error, ClientGone)
    del stream
    assert work.picture() is None


def test_events_of_a_slow_reader_are_bounded() -> None:
    stream, work = stream_of(400)
    stream._thread.join()
    assert work.tiles > 64
    assert work.events.qsize() <= 66
    assert list(stream)[-1].startswith(b"event: result")
    stream.close()
