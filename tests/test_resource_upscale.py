"""What a request for a picture goes through, with an engine of known speed."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from conftest import encoded, photograph
from fakes import upscaler_with

import resource_upscale
from image_codec import Limits
from message_protocol import UpscaleInput
from picture_upscaler import PictureUpscaler
from resource_upscale import ResourceUpscale, UpscaleWork
from super_resolution.backlog import Backlog
from super_resolution.speed import Speed

LIMITS = Limits(10**6, 10)
OPAQUE = UpscaleInput.from_bytes(encoded(photograph(40, 40)), {})


class SeenWork(UpscaleWork):
    """Remembers its spans, one by one."""

    def __init__(self, timeout: float = 60.0) -> None:
        super().__init__(timeout, "UPSCALER_TIMEOUT", lambda: False)
        self.spans: list[str] = []

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        self.spans.append(name)
        with super().span(name):
            yield


def test_a_measurement_of_the_speed_is_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request's own inference is that of its tile alone."""
    monkeypatch.setattr(resource_upscale, "SPEED_HOLDS", 0.0)
    upscaler = upscaler_with(tile=64)
    upscaler.warm_up()
    upscaler._speed = Speed(1.0)  # so slow once
    upscale = ResourceUpscale(PictureUpscaler(upscaler), Backlog(10**6, upscaler.seconds_for), LIMITS, 90)
    work = SeenWork()
    upscale.main(OPAQUE, work)
    assert work.spans == ["decode", "queue", "decode", "queue", "infer", "encode"]
