"""The steps of an upscale request, with an engine of known speed."""

import contextlib
import math
import re
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from conftest import encoded, photograph
from fakes import models_with, noise, patience, upscaler_with
from numpy.typing import NDArray
from pictures import SENT, Sent
from PIL import Image

from message_protocol import UpscaleInput
from resource_upscale import ResourceUpscale
from superscaling.enlarging import FileUpscaler
from superscaling.errors import EstimateOverDeadline, QueueFull
from superscaling.format_name import FormatName
from superscaling.geometry import Cost
from superscaling.isolation import InThisProcess
from superscaling.pictures import Frame, Limits, Picture, decode, encoding_sample
from superscaling.scheduling import Admission, Deadline, Demand, Speed, Timings
from superscaling.scheduling.admission import MARGIN
from superscaling.upscale_options import UpscaleOptions

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
    monkeypatch.setattr(upscaler, "seconds_for", lambda cost: cost.area * 0.001)
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


@pytest.mark.parametrize(
    ("scale", "options", "seconds", "stream_seconds", "advice"),
    [
        (2, {"scale": "8"}, 2, 0, "send a smaller image, or ask for scale=2, which would take about 1 s"),
        (2, {"width": "1500"}, 2, 0, "send a smaller image, or ask for scale=2, which would take about 1 s"),
        (4, {"scale": "5"}, 2, 0, "send a smaller image, or ask for scale=4, which would take about 1 s"),
        (
            *(2, {"scale": "3"}, 2, 99),
            "send a smaller image, ask for scale=2, which would take about 1 s, or ask for a stream, which may take"
            " longer",
        ),
        (2, {}, 0.5, 99, "send a smaller image, or ask for a stream, which may take longer"),
        (2, {"scale": "8"}, 0.5, 0.7, "send a smaller image"),  # a stream and scale=2 take too long, too
        (2, {"scale": "1.5"}, 0.5, 0, "send a smaller image"),  # takes longer than scale=2
        (4, {"scale": "2"}, 0.5, 0, "send a smaller image"),
        (2, {"width": "99", "height": "900", "fit": "cover"}, 0.1, 0, "send a smaller image"),
    ],
    ids=str,
)
def test_who_takes_too_long_is_told_what_helps(
    monkeypatch: pytest.MonkeyPatch,
    scale: int,
    options: dict[str, str],
    seconds: float,
    stream_seconds: float,
    advice: str,
) -> None:
    """And whoever does so is answered."""
    image = encoded(noise(300, 400))
    upscaler = upscaler_with(tile=500, scale=scale)
    monkeypatch.setattr(upscaler, "seconds_for", lambda cost: cost.area / (300 * 400))
    upscale = ResourceUpscale(models_with(upscaler), Admission(10**8), Limits(10**6, 10), 90, InThisProcess())

    def ask(options: dict[str, str], seconds: float, stream_seconds: float = 0.0) -> None:
        deadline = Deadline(seconds, stream_seconds=stream_seconds)
        # Of the time that the network is said to need, none passes on the clock.
        upscale.main(UpscaleInput.from_bytes(image, {**options, "format": "bmp"}), deadline, Timings())

    with pytest.raises(EstimateOverDeadline) as refused:
        ask(options, seconds, stream_seconds)
    assert refused.value.detail.endswith(f" s: {advice}")
    if scale_instead := re.search(r"scale=(\d)", advice):
        ask({"scale": scale_instead[1]}, seconds)
    if "a stream" in advice:
        ask(options, stream_seconds)


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


def test_a_sample_tells_how_long_writing_takes() -> None:
    """Noise takes the encoder of GIF many times as long as one colour; a small result is not timed at all."""
    files = FileUpscaler(models_with(upscaler_with(tile=64)), Limits(10**8, 10), 90, InThisProcess())

    def seconds(pixels: NDArray[np.uint8]) -> float:
        deadline, timings = patience()
        options = UpscaleOptions(format=FormatName.GIF)
        file = files.inspect(encoded(pixels, "BMP"), options, deadline, timings)
        return files.encoding_seconds(files.decode(file, timings), deadline, timings)

    assert seconds(noise(500, 500)) == 0
    assert 0 < 2 * seconds(np.full((1100, 1100, 3), 90, np.uint8)) < seconds(noise(1100, 1100))


def test_a_sample_is_taken_anywhere() -> None:
    """Every row is in some samples, and none in all: a picture can't be simple just there."""
    rows = np.repeat(np.arange(400, dtype=np.uint16)[:, np.newaxis, np.newaxis], 300, axis=1)
    samples = 500
    counts = np.zeros(400)
    for seed in range(samples):
        sample = encoding_sample(Picture((Frame(rows),), FormatName.PNG), np.random.default_rng(seed))
        counts[np.unique(sample.frames[0].colour[::2])] += 1
    assert counts.min() > 0
    assert counts.max() < samples


@pytest.mark.parametrize("sent", SENT, ids=lambda sent: sent.name)
def test_a_sample_is_like_its_picture(sent: Sent) -> None:
    picture = decode(sent.data, LIMITS)
    sample = encoding_sample(picture)
    assert [each.mode for each in sample.frames] == [each.mode for each in picture.frames[:2]][: len(sample.frames)]
    assert all(height <= 384 and width <= 384 for height, width in sample.sizes)
