"""Answers that are streams of events, from a real server."""

import base64
import contextlib
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from conftest import SAMPLES, Server, StartServer, encoded, opened, photograph, psnr, wait_for

BYTES = {"Content-Type": "application/octet-stream", "Accept": "text/event-stream"}
Events = Iterator[tuple[str, dict[str, Any]]]


def read_events(response: httpx.Response) -> Events:
    """Names and data, one by one; comments are skipped."""
    name = ""
    for line in response.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


@contextlib.contextmanager
def streamed(server: Server, image: bytes, **parameters: str) -> Iterator[httpx.Response]:
    with httpx.stream(
        "POST", f"{server.url}/upscale", content=image, params=parameters, headers=BYTES, timeout=60
    ) as response:
        yield response


def all_events(server: Server, image: bytes, **parameters: str) -> list[tuple[str, dict[str, Any]]]:
    with streamed(server, image, **parameters) as response:
        assert response.status_code == 200
        return list(read_events(response))


def data_of(events: list[tuple[str, dict[str, Any]]], name: str) -> list[dict[str, Any]]:
    return [data for each, data in events if each == name]


def test_a_picture_is_seen_to_grow(server: Server) -> None:
    """What is accepted, a preview, each tile with its place, and the plain answer's very file."""
    image = encoded(photograph(300, 700))
    events = all_events(server, image, tiles="true")
    names = [name for name, _ in events]
    assert names[:2] == ["accepted", "preview"]
    assert names[-1] == "result"
    accepted = events[0][1]
    assert (accepted["width"], accepted["height"], accepted["frames"]) == (1400, 600, 1)
    assert (accepted["format"], accepted["mediaType"], accepted["ahead"]) == ("png", "image/png", 0)
    assert accepted["seconds"] > 0
    assert names[2:-1] == ["tile", "progress"] * accepted["tiles"]
    progress = data_of(events, "progress")
    assert [each["done"] for each in progress] == list(range(1, accepted["tiles"] + 1))
    assert {each["total"] for each in progress} == {accepted["tiles"]}
    assert progress[-1]["secondsLeft"] == 0

    plain = server.upscale(image).content
    assert base64.b64decode(events[-1][1]["imageBase64"]) == plain
    result = np.asarray(opened(plain))
    preview = opened(base64.b64decode(events[1][1]["imageBase64"]))
    assert preview.size == (events[1][1]["width"], events[1][1]["height"]) == (512, 219)
    assert psnr(np.asarray(opened(plain).resize(preview.size)), np.asarray(preview)) > 25
    joined = np.zeros_like(result)
    for tile in data_of(events, "tile"):
        pixels = np.asarray(opened(base64.b64decode(tile["imageBase64"])))
        assert (pixels.shape[1], pixels.shape[0]) == (tile["width"], tile["height"])
        assert tile["frame"] == 0
        joined[tile["top"] :, tile["left"] :][: tile["height"], : tile["width"]] = pixels
    assert psnr(joined, result) > 35


def test_tiles_come_where_they_are_asked_for(server: Server) -> None:
    assert not data_of(all_events(server, encoded(photograph(20, 20))), "tile")


@pytest.mark.parametrize(("name", "mode"), [("transparent-logo.png", "RGBA"), ("grey-camera.png", "L")])
def test_tiles_look_like_the_result(server: Server, name: str, mode: str) -> None:
    events = all_events(server, (SAMPLES / name).read_bytes(), tiles="true", format="png")
    result = opened(base64.b64decode(events[-1][1]["imageBase64"]))
    assert result.mode == mode
    for tile in data_of(events, "tile"):
        part = opened(base64.b64decode(tile["imageBase64"])).convert(mode)
        box = (tile["left"], tile["top"], tile["left"] + tile["width"], tile["top"] + tile["height"])
        seen, expected = (np.asarray(each.convert("RGBA")).astype(float) for each in (part, result.crop(box)))
        on_white = [each[:, :, :3] * each[:, :, 3:] / 255 + 255 - each[:, :, 3:] for each in (seen, expected)]
        assert psnr(*on_white) > 25


def test_an_animations_tiles_say_whose_they_are(server: Server) -> None:
    events = all_events(server, (SAMPLES / "bouncing-ball.gif").read_bytes(), tiles="true")
    frames = events[0][1]["frames"]
    assert frames > 1
    assert {tile["frame"] for tile in data_of(events, "tile")} == set(range(frames))


def test_what_could_not_be_kept_is_said_before_the_result(server: Server) -> None:
    cmyk = encoded(opened(encoded(photograph(20, 20))).convert("CMYK"), "JPEG")
    events = all_events(server, cmyk, format="png", tiles="true")
    assert [name for name, _ in events[-2:]] == ["notes", "result"]
    assert "CMYK was converted to RGB" in events[-2][1]["notes"]
    assert not data_of(events, "tile")  # inks are nothing to look at


def test_headers(server: Server) -> None:
    with streamed(server, encoded(photograph(4, 4))) as response:
        assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert response.headers["X-Accel-Buffering"] == "no"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Upscaler-Model"].startswith("noise-cancel-plain ")
        accepted = next(read_events(response))[1]
        assert accepted["requestId"] == response.headers["X-Request-ID"]


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        ("text/event-stream", "text/event-stream; charset=utf-8"),
        ("text/event-stream, application/json;q=0.5", "text/event-stream; charset=utf-8"),
        ("text/event-stream;q=0.5, application/json", "application/json"),
        ("*/*", "application/json"),
        ("text/*", "text/event-stream; charset=utf-8"),
    ],
)
def test_negotiation(server: Server, accept: str, answered: str) -> None:
    message = {"imageBase64": base64.b64encode(encoded(photograph(4, 4))).decode()}
    response = httpx.post(f"{server.url}/upscale", json=message, headers={"Accept": accept}, timeout=60)
    assert (response.status_code, response.headers["Content-Type"]) == (200, answered)


def test_events_are_as_described(server: Server) -> None:
    import jsonschema  # late: it takes a second, for which all processes of a run would wait

    document = httpx.get(f"{server.url}/openapi.json").json()
    described = document["paths"]["/upscale"]["post"]["responses"]["200"]["content"]["text/event-stream"]["schema"]
    schemas = dict(
        each.removeprefix("`").split("`: ") for each in described["description"].partition(": ")[2].split("; ")
    )
    cmyk = encoded(opened(encoded(photograph(20, 20))).convert("CMYK"), "JPEG")
    events = all_events(server, cmyk, format="png") + all_events(server, encoded(photograph(20, 20)), tiles="true")
    with httpx.stream(
        "POST", f"{server.url}/upscale", content=cmyk, headers={**BYTES, "Prefer": "keep"}, timeout=60
    ) as response:
        events += read_events(response)
    assert {name for name, _ in events} == set(schemas) - {"problem"}
    for name, data in events:
        jsonschema.validate(data, {"$ref": schemas[name], "components": document["components"]})


@pytest.mark.parametrize(
    ("image", "parameters", "status", "code"),
    [
        (b"no image", {}, 415, "unsupported_image_format"),
        (encoded(photograph(40, 40), "JPEG")[:-200], {}, 422, "image_corrupt"),
        (encoded(photograph(101, 100)), {}, 422, "image_too_large"),
        (encoded(photograph(4, 4)), {"tiles": "yes"}, 400, "malformed_message"),
        (encoded(photograph(4, 4)), {"tile": "true"}, 400, "malformed_message"),
        (encoded(np.zeros((4, 4, 4), np.uint8)), {"format": "jpeg"}, 422, "format_cannot_hold"),
    ],
)
def test_errors_before_the_first_event_keep_their_status(
    small_server: Server, image: bytes, parameters: dict[str, str], status: int, code: str
) -> None:
    with streamed(small_server, image, **parameters) as response:
        response.read()
        assert (response.status_code, response.headers["Content-Type"]) == (status, "application/problem+json")
        assert response.json()["code"] == code


def test_tiles_of_a_plain_answer_are_refused(server: Server) -> None:
    problem = server.upscale(encoded(photograph(4, 4)), tiles="true").json()
    assert (problem["status"], problem["code"]) == (400, "malformed_message")
    assert "text/event-stream" in problem["detail"]


@pytest.mark.alone
def test_a_later_error_is_an_event(start_server: StartServer) -> None:
    """The process is frozen once the work has begun, for longer than it may take."""
    server = start_server(UPSCALER_STREAM_TIMEOUT="4", UPSCALER_PRECISION="fp32", UPSCALER_TILE="16")
    with streamed(server, encoded(photograph(100, 100), "JPEG")) as response:
        assert response.status_code == 200
        events = read_events(response)
        assert next(events)[0] == "accepted"
        with server.frozen():
            time.sleep(4.5)
        *_, (name, problem) = events
        assert name == "problem"
        assert (problem["status"], problem["code"]) == (504, "deadline_passed")
        assert problem["setting"] == "UPSCALER_STREAM_TIMEOUT"
        assert problem["requestId"] == response.headers["X-Request-ID"]
    assert wait_for(lambda: '"deadline_passed"' in server.log.read_text())


@pytest.mark.alone
def test_a_hang_up_stops_the_work_and_frees_the_place(start_server: StartServer) -> None:
    server = start_server(UPSCALER_MAX_REQUESTS="1", UPSCALER_PRECISION="fp32", UPSCALER_TIMEOUT="600")
    large = encoded(photograph(2500, 2500), "JPEG")
    with streamed(server, large) as response:
        assert response.status_code == 200
        events = read_events(response)
        seconds = next(events)[1]["seconds"]
        assert seconds > 5
        assert server.upscale(encoded(photograph(4, 4))).status_code == 429
    start = time.monotonic()
    assert wait_for(lambda: server.upscale(encoded(photograph(4, 4))).status_code == 200)
    assert time.monotonic() - start < seconds / 2
    assert wait_for(lambda: 'code="client_closed_request"' in server.log.read_text())
    assert 'path="/upscale" status=499' in server.log.read_text()


def test_streams_and_plain_requests_take_turns(server: Server) -> None:
    """A small picture is answered long before a large one that is being streamed."""
    with streamed(server, encoded(photograph(800, 800), "JPEG")) as response:
        events = read_events(response)
        assert next(events)[0] == "accepted"
        assert server.upscale(encoded(photograph(20, 20))).status_code == 200
        last = ""
        for name, data in events:
            last = name
            if name == "progress":
                assert data["secondsLeft"] >= 0
        assert last == "result"


def test_many_streams_at_once(server: Server) -> None:
    results: dict[int, bytes] = {}

    def ask(seed: int) -> None:
        events = all_events(server, encoded(photograph(60, 70, seed)))
        results[seed] = base64.b64decode(events[-1][1]["imageBase64"])

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed, result in results.items():
        assert result == server.upscale(encoded(photograph(60, 70, seed))).content
    assert len(results) == 8
