"""Several models in one process, as users see them: `GET /models`, `model=`, headers, log, metrics, `/readyz`."""

import base64
import re
from typing import Any

import httpx
import pytest
from conftest import Server, StartServer, encoded, opened, photograph, wait_for
from test_metrics import figures
from test_stream import streamed

from superscaling.models import TABLE

DEFAULT, OTHER = "noise-cancel-plain", "noise-cancel-small"
TINY = encoded(photograph(12, 20))


@pytest.fixture(scope="module")
def both(start_server: StartServer) -> Server:
    """A service with the project's two models."""
    return start_server(UPSCALER_MODELS=f"{OTHER}, {DEFAULT}")


@pytest.fixture(scope="module")
def listed(both: Server) -> list[dict[str, Any]]:
    models: list[dict[str, Any]] = httpx.get(f"{both.url}/models").json()
    return models


def test_it_lists_what_is_loaded(listed: list[dict[str, Any]]) -> None:
    """The default first, although it is also among the further ones."""
    assert [(each["name"], each["default"]) for each in listed] == [(DEFAULT, True), (OTHER, False)]
    for each in listed:
        assert each["sha256"] == TABLE[each["name"]].sha256
        assert (each["scale"], each["kind"], each["licence"]) == (2, "faithful", "Apache-2.0")
        assert (each["engine"], each["views"]) == ("openvino", 1)
        assert each["halo"] > 0
        assert 1e6 < each["memoryBytes"] < 1e9
    fast, slow = (each["secondsPerMegapixel"] for each in listed)
    assert 0 < fast < slow


def test_the_list_is_as_described(both: Server, listed: list[dict[str, Any]]) -> None:
    import jsonschema  # late: it takes a second, for which all processes of a run would wait

    document = httpx.get(f"{both.url}/openapi.json").json()
    schema = document["paths"]["/models"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.validate(listed, schema | {"components": document["components"]})
    assert set(listed[0]) == set(document["components"]["schemas"]["ModelOutput"]["properties"])


def test_without_further_models_there_is_one(server: Server) -> None:
    (only,) = httpx.get(f"{server.url}/models").json()
    assert (only["name"], only["default"]) == (DEFAULT, True)


def test_every_form_of_request_chooses(both: Server) -> None:
    """The answer is the chosen model's, and its header says so."""
    by_default = both.upscale(TINY)
    assert by_default.headers["X-Upscaler-Model"].startswith(f"{DEFAULT} ")
    assert both.upscale(TINY, model=DEFAULT).content == by_default.content
    by_other = both.upscale(TINY, model=OTHER)
    url = f"{both.url}/upscale"
    form = httpx.post(url, files={"file": TINY}, data={"model": OTHER}, timeout=60)
    message = {"imageBase64": base64.b64encode(TINY).decode(), "model": OTHER}
    json = httpx.post(url, json=message, headers={"Accept": "image/png"}, timeout=60)
    for answer in (by_other, form, json):
        assert answer.status_code == 200
        assert answer.headers["X-Upscaler-Model"].startswith(f"{OTHER} openvino ")
        assert answer.content == by_other.content
    assert by_other.content != by_default.content
    with streamed(both, TINY, model=OTHER) as response:
        assert response.headers["X-Upscaler-Model"].startswith(f"{OTHER} ")
        assert "event: result" in response.read().decode()


def test_an_estimate_is_the_models_own(both: Server) -> None:
    asked = {"width": 300, "height": 200}
    fast, slow = (httpx.get(f"{both.url}/estimate", params=asked | {"model": name}) for name in (DEFAULT, OTHER))
    assert slow.headers["X-Upscaler-Model"].startswith(f"{OTHER} ")
    assert 0 < fast.json()["seconds"] < slow.json()["seconds"]


@pytest.mark.parametrize(
    "name",
    [
        "nonesuch",
        "psnr-small",  # in the table, but not loaded
        DEFAULT.upper(),
        f"{DEFAULT} ",
        f"../models/{DEFAULT}",
        "/etc/passwd",
        "..\\..\\x.onnx",
        f"{DEFAULT}\0",
        "4",
        "1.50",
        "true",
        "模型",
        "\u202e\u2066x",
        '"}\r\nX-Evil: 1',
        "x" * 3000,
    ],
)
def test_a_model_that_is_not_loaded(both: Server, name: str) -> None:
    """422 lists those that are, before the image is decoded: this one is none."""
    for response in (
        both.upscale(b"no image", model=name),
        httpx.get(f"{both.url}/estimate", params={"width": 9, "height": 9, "model": name}),
    ):
        problem = response.json()
        assert (response.status_code, problem["code"]) == (422, "unknown_model")
        assert f"loaded are {DEFAULT}, {OTHER}" in problem["detail"]
        assert (problem["setting"], "UPSCALER_MODELS" in problem["hint"]) == ("UPSCALER_MODELS", True)
        assert len(response.content) < 2000
        assert "X-Upscaler-Model" not in response.headers
        assert "X-Evil" not in response.headers
    labels = {label for sample in figures(both) for label in re.findall(r'\bmodel="(.*?)"[,}]', sample)}
    assert labels == {"", DEFAULT, OTHER}


def test_a_name_in_json_and_in_a_form(both: Server) -> None:
    for name in ("模型", "/x/y.onnx", "x" * 400_000):
        message = {"imageBase64": "AAAA", "model": name}
        json = httpx.post(f"{both.url}/upscale", json=message)
        form = httpx.post(f"{both.url}/upscale", files={"image": b"no image"}, data={"model": name})
        assert [each.json()["code"] for each in (json, form)] == ["unknown_model"] * 2
        assert max(len(each.content) for each in (json, form)) < 2000


@pytest.mark.parametrize(
    ("message", "detail"),
    [
        ({"model": 4}, "model must be a string, not 4"),
        ({"model": ["x"]}, "model must be a string, not a list"),
        ({"model": ""}, "model must be a string"),
    ],
)
def test_what_is_no_name(both: Server, message: dict[str, object], detail: str) -> None:
    response = httpx.post(f"{both.url}/upscale", json={"imageBase64": "AAAA"} | message)
    assert (response.status_code, response.json()["code"]) == (400, "malformed_message")
    assert detail in response.json()["detail"]


def test_readiness_of_each(both: Server) -> None:
    """The other members are about the default, as before."""
    ready = httpx.get(f"{both.url}/readyz").json()
    assert (ready["ready"], ready["model"]) == (True, DEFAULT)
    assert ready["models"] == {DEFAULT: True, OTHER: True}


def test_log_and_metrics_are_by_model(both: Server) -> None:
    before = figures(both)
    assert both.upscale(TINY, model=OTHER).status_code == 200
    headers = {"Content-Type": "image/png", "X-Request-ID": "failed"}
    failed = httpx.post(f"{both.url}/upscale?model={OTHER}", content=b"no image", headers=headers)
    assert failed.status_code == 415
    assert failed.headers["X-Upscaler-Model"].startswith(f"{OTHER} ")
    enlarged = f'upscaler_requests_total{{model="{OTHER}",status="200"}}'
    assert wait_for(lambda: figures(both).get(enlarged) == before.get(enlarged, 0) + 1), "a file is counted once sent"
    after = figures(both)

    def gained(sample: str) -> float:
        return after[sample] - before.get(sample, 0)

    assert gained(f'upscaler_tiles_total{{model="{OTHER}"}}') == 1
    assert gained(f'upscaler_tile_duration_seconds_count{{model="{OTHER}"}}') == 1
    assert gained(f'upscaler_input_pixels_total{{model="{OTHER}"}}') == 12 * 20
    assert gained(f'upscaler_tiles_total{{model="{DEFAULT}"}}') == 0
    assert gained(f'upscaler_requests_total{{model="{OTHER}",status="415"}}') == 1
    speeds = [after[f'upscaler_pixels_per_second{{model="{name}"}}'] for name in (DEFAULT, OTHER)]
    assert speeds[0] > speeds[1] > 0
    infos = [sample for sample in after if sample.startswith("upscaler_model_info")]
    assert len(infos) == 2
    for name in (DEFAULT, OTHER):
        (info,) = (sample for sample in infos if f'model="{name}"' in sample)
        assert f'sha256="{TABLE[name].sha256}"' in info
        assert 'kind="faithful"' in info
        assert f'default="{str(name == DEFAULT).lower()}"' in info
    (line,) = (line for line in both.logged().splitlines() if 'request_id="failed"' in line)
    assert f'model="{OTHER}"' in line


def test_the_log_of_the_start_names_all(both: Server) -> None:
    (line,) = (line for line in both.logged().splitlines() if " listening on " in line)
    assert line.endswith(f"models={DEFAULT},{OTHER}")


def test_the_other_models_picture(both: Server) -> None:
    answer = both.upscale(TINY, model=OTHER, format="jpeg")
    assert (opened(answer.content).format, opened(answer.content).size) == ("JPEG", (40, 24))
