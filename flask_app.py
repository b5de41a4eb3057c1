"""The routes of the service: parse, call, answer. `app` is the WSGI application.

The first line of a route's docstring is its summary in `/openapi.json`.
"""

import functools
from collections.abc import Callable

from flask import Flask, Response

import resources
from http_edge.answers import images_upscale_json, json_answer, text_answer, upscale_answer
from http_edge.metrics import CONTENT_TYPE, Metrics
from http_edge.negotiation import AnswerForm
from http_edge.openapi import openapi_document
from http_edge.pages import pages
from http_edge.request_lifecycle import RequestLifecycle
from http_edge.streaming import stream_answer
from message_protocol import EstimateInput, ImagesUpscaleInput, UpscaleInput, UpscaleOutput

app = Flask(__name__, static_folder=None)
metrics = Metrics(resources.models, resources.admission)
lifecycle = RequestLifecycle(
    app,
    resources.settings,
    resources.models,
    metrics,
    resources.admission.seconds_until_one_ends,
    guarded=("upscale", "images_upscale"),
)
app.register_blueprint(pages(resources.settings))


@app.get("/ping")
def ping() -> Response:
    """Check that the service responds."""
    return json_answer(resources.ping.main().model_dump_json())


@app.post("/upscale")
def upscale() -> Response:
    """Enlarge one image."""
    return _enlarged(*lifecycle.read(UpscaleInput), UpscaleOutput.to_json)


@app.post("/v1/images/upscale")
def images_upscale() -> Response:
    """Enlarge one image, with request and answer as LocalAI has them."""
    message, form = lifecycle.read(ImagesUpscaleInput, prefers_json=True)
    return _enlarged(message, form, functools.partial(images_upscale_json, message.response_format))


def _enlarged(message: UpscaleInput, form: AnswerForm, to_json: Callable[[UpscaleOutput], str]) -> Response:
    timings = lifecycle.timings
    if form.stream:
        events, deadline, listener = lifecycle.stream(message)
        return stream_answer(functools.partial(resources.upscale.main, message, deadline, timings, listener), events)
    output = resources.upscale.main(message, lifecycle.deadline(), timings, lifecycle.listener())
    return upscale_answer(output, form, timings, to_json)


@app.get("/estimate")
def estimate() -> Response:
    """Estimate what enlarging an image would cost now."""
    message = EstimateInput.from_query(lifecycle.query())
    lifecycle.use_model(message.model, message.strength)
    return json_answer(resources.estimate.main(message).model_dump_json(by_alias=True))


@app.get("/models")
def models() -> Response:
    """List the loaded models."""
    return json_answer(resources.models_list.main().to_json())


@app.get("/livez")
def livez() -> Response:
    """Check that the process is alive."""
    return json_answer(resources.ping.main().model_dump_json())


@app.get("/readyz")
def readyz() -> Response:
    """Check that every model is ready."""
    return json_answer(resources.ready.main(lifecycle.deadline(), lifecycle.timings).model_dump_json())


@app.get("/metrics")
def prometheus() -> Response:
    """Get the metrics for Prometheus."""
    return text_answer(metrics.to_text(), CONTENT_TYPE)


@app.get("/openapi.json")
def openapi() -> Response:
    """Get this description."""
    return json_answer(openapi_document(app))
