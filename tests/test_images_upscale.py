"""`POST /v1/images/upscale`: requests of LocalAI's clients, answers in the form of OpenAI's images API."""

import base64
import time
from typing import Any

import httpx
import pytest
from conftest import Server, StartServer, encoded, opened, photograph, taken_slot, wait_for
from test_metrics import figures
from test_stream import read_events

PATH = "/v1/images/upscale"
PICTURE = encoded(photograph(12, 20), "JPEG")
FILES = {"image": ("in.jpg", PICTURE, "image/jpeg")}
FORM = {"model": "noise-cancel-plain", "scale": "2"}


@pytest.fixture(scope="module")
def enlarged(server: Server) -> bytes:
    return server.upscale(PICTURE).content


def ask(server: Server, accept: str = "*/*", **parts: str) -> httpx.Response:
    return httpx.post(server.url + PATH, files=FILES, data=FORM | parts, headers={"Accept": accept}, timeout=60)


def test_the_answer_of_openais_images_api(server: Server, enlarged: bytes) -> None:
    response = ask(server)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["X-Upscaler-Model"].startswith("noise-cancel-plain ")
    answer: dict[str, Any] = response.json()
    assert abs(answer.pop("created") - time.time()) < 60
    (data,) = answer.pop("data")
    assert set(data) == {"b64_json"}
    assert base64.b64decode(data["b64_json"], validate=True) == enlarged
    assert answer == {"output_format": "jpeg", "size": "40x24"}


def test_it_is_as_described(server: Server) -> None:
    import jsonschema  # late: it takes a second, for which all processes of a run would wait

    document = httpx.get(f"{server.url}/openapi.json").json()
    described = document["paths"][PATH]["post"]
    schema = described["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.validate(ask(server).json(), schema | {"components": document["components"]})
    form = described["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert {"image", "file", "model", "scale", "response_format"} <= set(form["properties"])
    assert form["oneOf"] == [{"required": [name]} for name in ("image", "file", "imageUrl")]
    assert form["properties"]["response_format"]["enum"] == ["b64_json", "url"]


def test_what_openais_clients_send_beside(server: Server, enlarged: bytes) -> None:
    """`user` is text, also if it looks like a number."""
    (data,) = ask(server, n="1", user="0042").json()["data"]
    assert base64.b64decode(data["b64_json"]) == enlarged


def test_a_url_has_the_data(server: Server, enlarged: bytes) -> None:
    """The service keeps nothing that a client could fetch later."""
    (data,) = ask(server, response_format="url").json()["data"]
    assert set(data) == {"url"}
    head, _, payload = data["url"].partition(",")
    assert head == "data:image/jpeg;base64"
    assert base64.b64decode(payload) == enlarged


@pytest.mark.parametrize(("accept", "file_format"), [("image/*", "JPEG"), ("image/png", "PNG")])
def test_an_image_if_accept_says_so(server: Server, accept: str, file_format: str) -> None:
    response = ask(server, accept)
    assert response.headers["Content-Type"] == f"image/{file_format.lower()}"
    assert (opened(response.content).format, opened(response.content).size) == (file_format, (40, 24))


def test_the_other_forms_of_a_request(server: Server) -> None:
    expected = ask(server).json()["data"]
    as_bytes = httpx.post(server.url + PATH, content=PICTURE, params={"model": FORM["model"]}, timeout=60)
    message = {"imageBase64": base64.b64encode(PICTURE).decode(), "response_format": None}
    as_json = httpx.post(server.url + PATH, json=message, timeout=60)
    assert as_bytes.json()["data"] == as_json.json()["data"] == expected


def test_a_stream_is_that_of_the_service(server: Server, enlarged: bytes) -> None:
    url, accept = server.url + PATH, {"Accept": "text/event-stream"}
    with httpx.stream("POST", url, files=FILES, headers=accept, timeout=60) as response:
        *_, (name, data) = read_events(response)
    assert (name, base64.b64decode(data["imageBase64"])) == ("result", enlarged)


@pytest.mark.parametrize(
    ("parts", "status", "code", "detail"),
    [
        ({"response_format": "png"}, 400, "malformed_message", 'response_format must be b64_json or url, not "png"'),
        ({"model": "realesrgan"}, 422, "unknown_model", "loaded are noise-cancel-plain"),
        ({"scale": "big"}, 400, "malformed_message", "scale must be a number from 1 to 8"),
        ({"scale": "0"}, 400, "malformed_message", "scale must be a number from 1 to 8"),
        ({"n": "2"}, 400, "malformed_message", "n must be 1: one image is answered by one"),
        ({"n": "0"}, 400, "malformed_message", "n must be a whole number from 1, not 0"),
        ({"n": "one"}, 400, "malformed_message", 'n must be a whole number from 1, not "one"'),
        ({"prompt": "sharper"}, 400, "malformed_message", "'prompt' is unknown; known are imageUrl, format, scale"),
    ],
)
def test_problems(server: Server, parts: dict[str, str], status: int, code: str, detail: str) -> None:
    response = ask(server, **parts)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert detail in response.json()["detail"]


@pytest.mark.parametrize(("name", "value"), [("response_format", "url"), ("n", "1"), ("user", "me")])
def test_only_this_route_knows_its_options(server: Server, name: str, value: str) -> None:
    response = httpx.post(f"{server.url}/upscale", files=FILES, data={name: value})
    assert (response.status_code, response.json()["code"]) == (400, "malformed_message")
    assert response.json()["detail"].startswith(f"'{name}' is unknown; known are imageUrl, format, scale")


def test_it_takes_a_slot(shared_server: StartServer) -> None:
    """All routes that enlarge share them."""
    busy = shared_server(UPSCALER_MAX_REQUESTS="1")
    with taken_slot(busy):
        response = ask(busy)
    assert response.status_code == 429
    assert response.json()["code"] == "too_many_requests"
    assert int(response.headers["Retry-After"]) >= 1
    assert wait_for(lambda: ask(busy).status_code == 200)


def test_it_counts(server: Server) -> None:
    sample = 'upscaler_requests_total{model="noise-cancel-plain",status="200"}'
    before = figures(server).get(sample, 0)
    assert ask(server).status_code == 200
    assert figures(server)[sample] == before + 1
