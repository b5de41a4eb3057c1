"""Problem documents; failures that no request can cause, injected into the application in this process."""

import logging
import re
from dataclasses import fields

import numpy as np
import pytest
from conftest import ROOT, encoded, photograph
from numpy.typing import NDArray

import flask_app
import resources
from http_edge.problems import PURPOSES, problem_of, reported
from superscaling.engines import Engine
from superscaling.errors import (
    DeadlinePassed,
    EngineFailed,
    ImageTooLarge,
    ImageUndecodable,
    ServiceError,
    ServiceStopping,
    UnknownModel,
)
from superscaling.settings import Settings

SOURCES = [path for name in ("http_edge", "jobs", "superscaling") for path in (ROOT / name).rglob("*.py")]
SOURCES += ROOT.glob("resource_*.py")
TINY = encoded(photograph(3, 5, 1))
PNG = {"Content-Type": "image/png"}


class Fault:
    """An engine that fails until `is_mended` is set."""

    facts = resources.models.default.facts

    def __init__(self, healthy: Engine) -> None:
        self.is_mended = False
        self._healthy = healthy

    def infer(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.is_mended:
            return self._healthy.infer(batch)
        raise RuntimeError("secret detail of the engine")


def test_a_failed_inference(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """503 for images and for the probe, until the engine reproduces its known answer."""
    client = flask_app.app.test_client()
    assert client.post("/upscale", data=TINY, headers=PNG, buffered=True).status_code == 200
    engine = Fault(resources.models.default.upscaler._engine)
    monkeypatch.setattr(resources.models.default.upscaler, "_engine", engine)
    before = observed_requests()
    with caplog.at_level(logging.ERROR):
        response = client.post("/upscale", data=TINY, headers=PNG, buffered=True)
    assert response.status_code == 503
    assert observed_requests() == before + 1, "overload and defects would look healthy"
    assert response.json is not None
    assert response.json["code"] == "engine_failed"
    assert b"secret" not in response.data
    assert "secret detail of the engine" in caplog.text
    assert response.json["requestId"] in caplog.text
    assert client.get("/readyz").status_code == 503
    assert client.get("/ping").status_code == 200
    assert client.get("/livez").status_code == 200
    engine.is_mended = True
    assert client.get("/readyz").status_code == 200
    assert client.post("/upscale", data=TINY, headers=PNG, buffered=True).status_code == 200


def observed_requests() -> int:
    (line,) = re.findall(r"upscaler_request_duration_seconds_count (\d+)", flask_app.metrics.to_text())
    return int(line)


def test_a_defect(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """500 with the request's id and no details, which are in the log; the slot is free again."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError("secret detail")

    client = flask_app.app.test_client()
    with monkeypatch.context() as patch:
        patch.setattr(resources.upscale, "main", broken)
        for _ in range(resources.settings.max_requests + 1):
            with caplog.at_level(logging.ERROR):
                response = client.post("/upscale", data=TINY, headers=PNG, buffered=True)
            assert response.status_code == 500
            assert response.content_type == "application/problem+json"
    assert b"secret" not in response.data
    assert response.json is not None
    assert response.json["requestId"] == response.headers["X-Request-ID"]
    assert "ZeroDivisionError: secret detail" in caplog.text
    assert client.post("/upscale", data=TINY, headers=PNG, buffered=True).status_code == 200


@pytest.mark.parametrize(
    ("error", "level"),
    [
        (EngineFailed("secret"), logging.ERROR),
        (DeadlinePassed("too late"), logging.ERROR),
        (ServiceStopping("until then"), None),  # at each deployment, and nothing is wrong
        (ImageUndecodable("it crashed", "crash"), logging.WARNING),  # an attack, or a defect of a library
    ],
)
def test_what_raises_an_alert(error: ServiceError, level: int | None, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, reported.__module__)  # whatever other tests have made of the root's
    assert reported(error, "its-id") is error
    expected = [] if level is None else [(level, f"its-id {error.code}: {error.detail}")]
    assert [(record.levelno, record.message) for record in caplog.records] == expected


def test_a_hint_names_the_variable_and_the_detail_does_not() -> None:
    problem = problem_of(ImageTooLarge("it has 9 px; at most 4 px are accepted", limit=4, setting="max_pixels"), "id")
    assert problem.setting == "UPSCALER_MAX_PIXELS"
    assert problem.hint == "raise UPSCALER_MAX_PIXELS on the server to accept larger images"
    assert problem.detail == "it has 9 px; at most 4 px are accepted"


def test_a_hint_on_a_setting_that_is_no_number() -> None:
    problem = problem_of(UnknownModel("it is not loaded", setting="models"), None)
    assert problem.hint == "extend UPSCALER_MODELS on the server to load further models"


def test_an_error_without_a_setting_has_no_hint() -> None:
    problem = problem_of(EngineFailed("it failed"), None)
    assert (problem.setting, problem.hint) == (None, None)


def test_every_setting_that_an_error_names_has_a_purpose() -> None:
    named = {name for path in SOURCES for name in re.findall(r'setting(?:: str = |=)"([a-z_]+)"', path.read_text())}
    assert {"max_requests", "max_body_bytes", "read_timeout"} <= named
    assert named <= set(PURPOSES) <= {field.name for field in fields(Settings)}
