"""The description of the API (OpenAPI 3.1): schemas from the messages, summaries from the routes."""

import functools
import json
import re
from collections.abc import Callable
from typing import Any

from flask import Flask
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from http_edge.access.keys import X_API_KEY, is_open
from http_edge.access.ports import METRICS
from http_edge.answers import (
    PREFERENCE_APPLIED,
    SERVER_TIMING,
    X_REQUEST_ID,
    X_RESULT_HEIGHT,
    X_RESULT_WIDTH,
    X_UPSCALER_JOB,
    X_UPSCALER_MODEL,
    X_UPSCALER_NOTES,
)
from http_edge.openapi_jobs import job_operations, job_webhooks, with_job
from http_edge.openapi_parts import (
    IMAGE_FILE,
    IMAGE_TYPES,
    IMAGES,
    OPERATION,
    RATE_HEADERS,
    SCHEMA,
    events,
    get,
    headers,
    image_request,
    of,
    problems,
    query_parameters,
    refusals,
    request_errors,
    text,
)
from http_edge.preferences import KEEP
from message_protocol import (
    EVENTS,
    JSON,
    Accepted,
    EstimateInput,
    EstimateOutput,
    Event,
    ImagesUpscaleInput,
    ImagesUpscaleOutput,
    JobInput,
    JobOutput,
    JobsOutput,
    Kept,
    ModelsOutput,
    Notes,
    PingOutput,
    Preview,
    Problem,
    Progress,
    ReadyOutput,
    Tile,
    UpscaleInput,
    UpscaleOutput,
)
from superscaling.errors import EngineFailed, MalformedMessage, Unprocessable
from superscaling.version import __version__

# In the order of a stream.
EVENT_TYPES: tuple[type[Event], ...] = (Accepted, Preview, Tile, Progress, Notes, Kept)
DESCRIPTION = (
    "Send a JSON message, a form, or the image file itself. The options are members of the message, parts of the form,"
    " or query parameters beside the file. The answer has the form of the request unless Accept prefers another."
)
DESCRIPTION_OF_ALIAS = (
    "Send a form with image, model and scale, or what /upscale takes, with options in the same places. The answer is"
    " JSON in the form of OpenAI's images API unless Accept prefers an image; the stream is that of /upscale."
)
RESULT_HEADERS = {
    X_REQUEST_ID: "the request's id, which is also in the log",
    X_UPSCALER_MODEL: "model, engine, precision and, if there are several, views of the self-ensemble, and the strength"
    " if it is not 1; also of an error after the model was found",
    **RATE_HEADERS,
    X_RESULT_WIDTH: "width of the result in px",
    X_RESULT_HEIGHT: "height of the result in px",
    X_UPSCALER_NOTES: "what could not be kept of the image; only if there is something",
    X_UPSCALER_JOB: "the job as which the result is kept; only if that was preferred",
    PREFERENCE_APPLIED: f"{KEEP}, if the result is kept",
    SERVER_TIMING: "milliseconds spent waiting (queue), decoding, in the network (infer) and encoding",
}


# A request needs one of them.
SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, which begins with `upsk_`."},
    "apiKey": {"type": "apiKey", "in": "header", "name": X_API_KEY, "description": "The same, in a header of its own."},
}
SECURITY: list[dict[str, list[str]]] = [{name: []} for name in SCHEMES]


@functools.cache
def openapi_document(app: Flask, needs_key: bool, has_metrics: bool) -> str:
    """The description of the routes of `app` as JSON.

    Args:
        app: has the routes.
        needs_key: whether requests need an API key. If not, the keys are described as optional.
        has_metrics: whether the metrics are among the routes, and not on a port of their own.
    """
    operations: dict[str, dict[str, Any]] = {
        "/upscale": {"post": with_job(_upscale(UpscaleInput, UpscaleOutput, DESCRIPTION))},
        "/v1/images/upscale": {"post": _upscale(ImagesUpscaleInput, ImagesUpscaleOutput, DESCRIPTION_OF_ALIAS)},
        "/estimate": {"get": _estimate()},
        "/models": {"get": get(IMAGES, "the loaded models", ModelsOutput)},
        **job_operations(),
        "/ping": {"get": get(OPERATION, "the service responds", PingOutput)},
        "/livez": {"get": get(OPERATION, "the process is alive", PingOutput)},
        "/readyz": {"get": get(OPERATION, "every model is ready", ReadyOutput, EngineFailed)},
        "/metrics": {"get": text("the metrics in Prometheus' text format", "text/plain")},
        "/openapi.json": {"get": text("an OpenAPI 3.1 document", JSON)},
    }
    for rule in app.url_map.iter_rules():
        item = operations.get(re.sub("<(.*?)>", r"{\1}", rule.rule), {})
        for method in item.keys() & {each.lower() for each in rule.methods or ()}:
            item[method]["summary"] = _summary(app.view_functions[rule.endpoint])
            takes_key = not is_open(rule.endpoint, method)
            if takes_key:
                item[method]["security"] = SECURITY if needs_key else [{}, *SECURITY]
            responses = refusals(method, takes_key) | item[method]["responses"]
            item[method]["responses"] = dict(sorted(responses.items()))
        if rule.endpoint == METRICS and not has_metrics:
            del operations[rule.rule]
    _, schemas = models_json_schema(
        [
            (EstimateOutput, "serialization"),
            *((event, "serialization") for event in EVENT_TYPES),
            (ImagesUpscaleInput, "validation"),
            (ImagesUpscaleOutput, "serialization"),
            (JobInput, "validation"),
            (JobOutput, "serialization"),
            (JobsOutput, "serialization"),
            (ModelsOutput, "serialization"),
            (PingOutput, "serialization"),
            (ReadyOutput, "serialization"),
            (UpscaleInput, "validation"),
            (UpscaleOutput, "serialization"),
            (Problem, "serialization"),
        ],
        ref_template=SCHEMA,
    )
    return json.dumps(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Image super-scaling service",
                "version": __version__,
                "summary": "Enlarges images with neural networks and removes JPEG artefacts.",
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "paths": operations,
            "webhooks": job_webhooks(),
            "components": {
                "schemas": {name: schemas["$defs"][name] for name in sorted(schemas["$defs"])},
                "securitySchemes": SCHEMES,
            },
        }
    )


def _summary(view: Callable[..., Any]) -> str:
    """The first line of a route's docstring."""
    return (view.__doc__ or "").partition("\n")[0].rstrip(".")


def _upscale(given: type[UpscaleInput], answer: type[BaseModel], description: str) -> dict[str, Any]:
    return image_request(given) | {
        "tags": [IMAGES],
        "description": description,
        "responses": {
            "200": {
                "description": "the enlarged image",
                "content": {JSON: of(answer), EVENTS: _events()} | dict.fromkeys(IMAGE_TYPES, IMAGE_FILE),
                "headers": headers(RESULT_HEADERS),
            },
            **problems(*request_errors()),
        },
    }


def _estimate() -> dict[str, Any]:
    return get(IMAGES, "the estimate", EstimateOutput, MalformedMessage, Unprocessable) | {
        "parameters": query_parameters(EstimateInput)
    }


def _events() -> dict[str, Any]:
    """Name the schemas of the events' data in words: OpenAPI 3.1 can't describe a stream of events."""
    return events({event.event: event.__name__ for event in EVENT_TYPES} | {"result": "UpscaleOutput"})
