"""The steps of an upscale request, with an engine of known speed."""

import contextlib
import math
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from conftest import encoded, photograph
from fakes import models_with, patience, upscaler_with
from PIL import Image

from message_protocol import UpscaleInput
from resource_upscale import ResourceUpscale
from superscaling.errors import EstimateOverDeadline, QueueFull
from superscaling.geometry import Cost
from superscaling.isolation import InThisProcess
from superscaling.pictures import Limits
from superscaling.scheduling import Admission, Deadline, Demand, Speed, Timings
from superscaling.scheduling.admission import MARGIN

LIMITS = Limits(10**6, 10)
OPAQUE = UpscaleInput.from_bytes(encoded(photograph(40, 40)), {})
TRANSPARENT = UpscaleInput.from_bytes(encoded(np.dstack((photograph(40, 40), photograph(40, 40)[:, :, :1]))), {})


class SeenTimings(Timings):
    """Remembers its spans, one by one."""

    def __init__(self) -> None:
        super().__init__()
        self.spans: list[str] = []

    @contextlib.contextmanager
    def span(self, name: str) -> Iterator[None]:
        self.spans.append(name)
        with super().span(name):
            yield


def test_a_measurement_of_the_speed_is_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request's own inference is that of its tile alone."""
    monkeypatch.setattr("superscaling.scheduling.admission.SPEED_HOLDS", 0.0)
    upscaler = upscaler_with(tile=64)
    upscaler.warm_up()
    upscaler._speed = Speed(1.0)  # so slow once
    upscale = ResourceUpscale(
        models_with(upscaler),
        Admission(10**6),
        LIMITS,
        90,
        InThisProcess(),
    )
    timings = SeenTimings()
    upscale.main(OPAQUE, Deadline(60), timings)
    assert timings.spans == ["decode", "queue", "decode", "queue", "infer", "encode"]


def test_who_turns_out_to_need_two_passes_makes_nobody_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """The header does not show it. After decoding, there is time for only one pass beside the other request."""
    upscaler = upscaler_with(tile=64)
    admission = Admission(10**6)
    monkeypatch.setattr(upscaler, "seconds_for", lambda area: area * 0.001)
    upscale = ResourceUpscale(models_with(upscaler), admission, LIMITS, 90, InThisProcess())
    with admission.admitted(Demand([(1, 2000)], Cost(20, 2000), upscaler), *patience(MARGIN * 4)):
        upscale.main(OPAQUE, *patience())
        refused = SeenTimings()
        with pytest.raises(QueueFull, match="not all could be finished in time") as why:
            upscale.main(TRANSPARENT, Deadline(60), refused)
        assert why.value.retry_after == 3
        assert refused.spans == ["decode", "decode"]
        assert admission.requests == 1
    assert upscale.main(TRANSPARENT, *patience()).width == 80


@pytest.mark.parametrize(("seeds", "accepted"), [([0] * 10, True), (range(10), False)], ids=["the same", "all new"])
def test_what_frames_have_in_common_counts_once(seeds: Sequence[int], accepted: bool) -> None:
    """At a second per whole frame, the estimate would exceed the deadline."""
    upscaler = upscaler_with(tile=64)
    upscaler.warm_up()
    upscale = ResourceUpscale(
        models_with(upscaler),
        Admission(10**6),
        LIMITS,
        90,
        InThisProcess(),
    )
    frames = [photograph(200, 200, seed).copy() for seed in seeds]
    for place, frame in enumerate(frames):
        frame[place, :8] ^= 255
    upscaler._speed, upscaler._speed_measured = Speed(1 / 200**2), math.inf  # nobody finds out how fast it is
    first, *others = (Image.fromarray(frame) for frame in frames)
    message = UpscaleInput.from_bytes(encoded(first, "PNG", save_all=True, append_images=others), {})
    timings = Timings()
    with contextlib.nullcontext() if accepted else pytest.raises(EstimateOverDeadline, match="in 10 frames"):
        upscale.main(message, Deadline(2.0), timings)
    assert timings.tiles == timings.tiles_done
    assert (timings.tiles > 0) == accepted
