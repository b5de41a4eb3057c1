"""`GET /estimate`, from a real server."""

import time

import httpx
import pytest
from conftest import Server, StartServer, encoded, infer_seconds, photograph
from fakes import models_with, noise, patience, upscaler_with
from test_stream import streamed

from message_protocol import EstimateInput, UpscaleInput
from resource_estimate import ResourceEstimate
from resource_upscale import ResourceUpscale
from superscaling.errors import FormatCannotHold
from superscaling.format_name import FormatName
from superscaling.isolation import InThisProcess
from superscaling.metadata_choice import MetadataChoice
from superscaling.pictures import Limits
from superscaling.scheduling import Admission


def estimate(server: Server, **parameters: object) -> httpx.Response:
    return httpx.get(f"{server.url}/estimate", params={name: str(value) for name, value in parameters.items()})


def test_a_price(server: Server) -> None:
    small, large = (estimate(server, width=edge, height=edge).json() for edge in (100, 1000))
    assert (large["width"], large["height"], large["tiles"]) == (2000, 2000, 16)
    assert (small["tiles"], small["ahead"], small["queueSeconds"]) == (1, 0, 0)
    assert small["plain"] is small["stream"] is True
    assert 20 < large["seconds"] / max(small["seconds"], 0.005) < 300


@pytest.mark.alone
def test_it_is_about_right(server: Server) -> None:
    image = encoded(photograph(700, 700), "JPEG")
    server.upscale(image)  # measures the speed of full tiles
    promised = estimate(server, width=700, height=700).json()["seconds"]
    assert promised / 3 < infer_seconds(server.upscale(image)) < promised * 3


def test_frames_count(server: Server) -> None:
    one, many = (estimate(server, width=200, height=200, frames=frames).json() for frames in (1, 50))
    assert many["tiles"] == 50 * one["tiles"]
    assert many["seconds"] > 20 * one["seconds"]


def test_too_long_for_a_plain_request(shared_server: StartServer) -> None:
    server = shared_server(UPSCALER_TIMEOUT="1", UPSCALER_PRECISION="fp32")
    price = estimate(server, width=4000, height=4000).json()
    assert price["seconds"] > 1
    assert (price["plain"], price["stream"]) == (False, True)


@pytest.mark.alone
def test_others_are_counted(start_server: StartServer) -> None:
    server = start_server(UPSCALER_QUEUE_PIXELS="5000000", UPSCALER_PRECISION="fp32")
    with streamed(server, encoded(photograph(2000, 2000), "JPEG")) as response:
        assert response.status_code == 200
        beside = estimate(server, width=500, height=500).json()
        assert beside["ahead"] == 1
        assert beside["seconds"] / 2 < beside["queueSeconds"] < 3 * beside["seconds"]
        assert beside["plain"] is True
        assert estimate(server, width=1000, height=500, format="png").json()["plain"] is True
        # A WebP takes three times the memory; without a format the answer holds for all of them.
        for question in ({"format": "webp"}, {}):
            assert estimate(server, width=1000, height=500, **question).json()["plain"] is False
        refused = server.upscale(encoded(photograph(500, 1000), "WEBP"))
        assert refused.status_code == 429
        assert "this image has 500000 px, counted 3 times" in refused.json()["detail"]
        assert refused.json()["setting"] == "UPSCALER_QUEUE_PIXELS"
        assert estimate(server, width=1500, height=1000).json()["plain"] is False
        assert estimate(server, width=1500, height=1000).json()["stream"] is False


@pytest.mark.parametrize(
    ("parameters", "status", "code", "detail"),
    [
        ({}, 400, "malformed_message", "width is missing"),
        ({"width": 10}, 400, "malformed_message", "height is missing"),
        ({"width": 10, "height": 0}, 400, "malformed_message", "height"),
        ({"width": 10, "height": -3}, 400, "malformed_message", "height"),
        ({"width": "ten", "height": 3}, 400, "malformed_message", "width"),
        ({"width": "true", "height": 3}, 400, "malformed_message", "width"),
        ({"width": 1.5, "height": 3}, 400, "malformed_message", "width"),
        ({"width": 10, "height": 3, "metadata": "all"}, 400, "malformed_message", "metadata"),
        ({"width": 10, "height": 3, "frame": 2}, 400, "malformed_message", "'frame' is unknown"),
        ({"width": 2**31, "height": 3}, 400, "malformed_message", "width must be a whole number from 1 to 2147483647"),
        ({"width": 10, "height": 10, "targetHeight": 2**31}, 400, "malformed_message", "targetHeight must be a whole"),
        ({"width": 2**31 - 1, "height": 3}, 422, "image_too_large", "at most 10000 px are accepted"),
        ({"width": 101, "height": 100}, 422, "image_too_large", "at most 10000 px are accepted"),
        ({"width": 10, "height": 10, "frames": 1001}, 422, "too_many_frames", "more than 1000 frames or pages"),
        ({"width": 10, "height": 10, "scale": 9}, 400, "malformed_message", "scale must be a number from 1 to 8"),
        ({"width": 10, "height": 10, "scale": 2, "targetWidth": 9}, 400, "malformed_message", "with 'targetWidth'"),
        (
            {"width": 10, "height": 10, "targetWidth": 9, "targetHeight": 9},
            400,
            "malformed_message",
            "'targetHeight' tog",
        ),
        ({"width": 10, "height": 10, "fit": "fill"}, 400, "malformed_message", "'fit' needs 'targetWidth'"),
        ({"width": 10, "height": 10, "targetwidth": 9}, 400, "malformed_message", "did you mean 'targetWidth'?"),
        ({"width": 10, "height": 10, "targetWidth": 81}, 422, "size_out_of_range", "more than 8 times"),
        ({"width": 10, "height": 10, "model": "other"}, 422, "unknown_model", "loaded are noise-cancel-plain"),
        (
            {"width": 9000, "height": 1, "format": "webp"},
            422,
            "format_cannot_hold",
            "18000 px; webp holds at most 16383",
        ),
        (
            {"width": 9, "height": 1, "frames": 2, "format": "JPG"},
            422,
            "format_cannot_hold",
            "2 frames or pages, which",
        ),
    ],
)
def test_wrong_questions(
    small_server: Server, parameters: dict[str, object], status: int, code: str, detail: str
) -> None:
    response = estimate(small_server, **parameters)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert detail in response.json()["detail"]


def test_the_area_of_a_format_counts() -> None:
    """By default no picture that is accepted is so large."""
    upscaler = upscaler_with()
    resource = ResourceEstimate(models_with(upscaler), Admission(10**10), Limits(10**9, 10), 90, 3600)
    with pytest.raises(FormatCannotHold, match="avif holds at most 268435456 px"):
        resource.main(EstimateInput(width=8193, height=8193, format=FormatName.AVIF))


@pytest.mark.parametrize(("scale", "tiles"), [(None, 16), (1, 16), (2, 16), (3.5, 16), (4, 12), (5, 272)])
def test_a_model_that_enlarges_by_four(scale: float | None, tiles: int) -> None:
    """A reduction takes context, and a second pass is made over sixteen times as many px. As done, so estimated."""
    model = models_with(upscaler_with(tile=64, scale=4))
    resource = ResourceEstimate(model, Admission(10**10), Limits(10**9, 10), 90, 3600)
    answer = resource.main(EstimateInput(width=200, height=190, scale=scale, format=FormatName.PNG))
    assert (answer.width, answer.height) == (200 * (scale or 2), 190 * (scale or 2))
    image = encoded(noise(190, 200))
    options = {} if scale is None else {"scale": str(scale)}
    deadline, timings = patience()
    service = ResourceUpscale(model, Admission(10**10), Limits(10**9, 10), 90, InThisProcess())
    service.main(UpscaleInput.from_bytes(image, options), deadline, timings)
    assert answer.tiles == timings.tiles_done == tiles


@pytest.mark.parametrize("choice", MetadataChoice)
def test_the_choice_of_metadata_changes_nothing(small_server: Server, choice: MetadataChoice) -> None:
    with_it, without = (estimate(small_server, width=9, height=9, **more) for more in ({"metadata": choice}, {}))
    assert with_it.status_code == 200
    assert with_it.json()["tiles"] == without.json()["tiles"]


@pytest.mark.alone
def test_it_answers_while_the_network_works(server: Server) -> None:
    with streamed(server, encoded(photograph(1000, 1000), "JPEG")) as response:
        assert response.status_code == 200
        start = time.monotonic()
        assert estimate(server, width=10, height=10).status_code == 200
        assert time.monotonic() - start < 2
