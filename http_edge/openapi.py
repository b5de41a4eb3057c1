"""The description of the API (OpenAPI 3.1): schemas from the messages, summaries from the routes."""

import functools
import json
from collections.abc import Callable, Iterator
from typing import Any

from flask import Flask
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from http_edge.answers import (
    SERVER_TIMING,
    X_REQUEST_ID,
    X_RESULT_HEIGHT,
    X_RESULT_WIDTH,
    X_UPSCALER_MODEL,
    X_UPSCALER_NOTES,
)
from http_edge.forms import OTHER_PART, PART
from http_edge.problems import RETRY_AFTER
from message_protocol import (
    BYTES,
    EVENTS,
    FORM,
    IMAGE_FIELD,
    JSON,
    PROBLEM,
    Accepted,
    EstimateInput,
    EstimateOutput,
    Event,
    ImagesUpscaleInput,
    ImagesUpscaleOutput,
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
from superscaling.errors import ClientGone, EngineFailed, MalformedMessage, ServiceError, Unprocessable
from superscaling.pictures import FORMATS, MEDIA_TYPES
from superscaling.version import __version__

SCHEMA = "#/components/schemas/{model}"
IMAGE_FILE = {"schema": {"type": "string", "contentMediaType": "image/*"}, "example": "(the image file)"}
# A PNG of 4 x 4 px: the example in /docs can be sent unchanged.
EXAMPLE = "iVBORw0KGgoAAAANSUhEUgAAAAQAAAAECAAAAACMmsGiAAAAFElEQVR42mNgCF31n4mBgYEBQQAAIYQCBUgwIbkAAAAASUVORK5CYII="
# The groups of endpoints in /docs.
IMAGES, OPERATION = "Images", "Operation"
# In the order of a stream.
EVENT_TYPES: tuple[type[Event], ...] = (Accepted, Preview, Tile, Progress, Notes)
DESCRIPTION = (
    "Send a JSON message, a form, or the image file itself. The options are members of the message, parts of the form,"
    " or query parameters beside the file. The answer has the form of the request unless Accept prefers another."
)
DESCRIPTION_OF_ALIAS = (
    "Send a form with image, model and scale, or what /upscale takes, with options in the same places. The answer is"
    " JSON in the form of OpenAI's images API unless Accept prefers an image; the stream is that of /upscale."
)
IMAGE_TYPES = [each.media_type for each in FORMATS.values()]
RESULT_HEADERS = {
    X_REQUEST_ID: "the request's id, which is also in the log",
    X_UPSCALER_MODEL: "model, engine, precision and, if there are several, views of the self-ensemble, and the strength"
    " if it is not 1; also of an error after the model was found",
    X_RESULT_WIDTH: "width of the result in px",
    X_RESULT_HEIGHT: "height of the result in px",
    X_UPSCALER_NOTES: "what could not be kept of the image; only if there is something",
    SERVER_TIMING: "milliseconds spent waiting (queue), decoding, in the network (infer) and encoding",
}


@functools.cache
def openapi_document(app: Flask) -> str:
    """The description of the routes of `app` as JSON."""
    summaries = {rule.rule: _summary(app.view_functions[rule.endpoint]) for rule in app.url_map.iter_rules()}
    operations = {
        "/upscale": {"post": _upscale(UpscaleInput, UpscaleOutput, DESCRIPTION)},
        "/v1/images/upscale": {"post": _upscale(ImagesUpscaleInput, ImagesUpscaleOutput, DESCRIPTION_OF_ALIAS)},
        "/estimate": {"get": _estimate()},
        "/models": {"get": _get("the loaded models", ModelsOutput) | {"tags": [IMAGES]}},
        "/ping": {"get": _get("the service responds", PingOutput)},
        "/livez": {"get": _get("the process is alive", PingOutput)},
        "/readyz": {"get": _get("every model is ready", ReadyOutput, EngineFailed)},
        "/metrics": {"get": _text("the metrics in Prometheus' text format", "text/plain")},
        "/openapi.json": {"get": _text("an OpenAPI 3.1 document", JSON)},
    }
    for path, item in operations.items():
        for operation in item.values():
            operation["summary"] = summaries[path]
    _, schemas = models_json_schema(
        [
            (EstimateOutput, "serialization"),
            *((event, "serialization") for event in EVENT_TYPES),
            (ImagesUpscaleInput, "validation"),
            (ImagesUpscaleOutput, "serialization"),
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
            "components": {"schemas": {name: schemas["$defs"][name] for name in sorted(schemas["$defs"])}},
        }
    )


def _summary(view: Callable[..., Any]) -> str:
    """The first line of a route's docstring."""
    return (view.__doc__ or "").partition("\n")[0].rstrip(".")


def _upscale(given: type[UpscaleInput], answer: type[BaseModel], description: str) -> dict[str, Any]:
    properties = given.model_json_schema(ref_template=SCHEMA)["properties"]
    errors = {error.status: error for error in _request_errors() if error is not ClientGone}
    return {
        "tags": [IMAGES],
        "description": description,
        "parameters": [_parameter(name, _given(schema)) for name, schema in properties.items() if name != IMAGE_FIELD],
        "requestBody": {
            "required": True,
            "content": {JSON: _of(given) | {"example": {IMAGE_FIELD: EXAMPLE}}, FORM: _form(properties)}
            | dict.fromkeys([*MEDIA_TYPES, BYTES], IMAGE_FILE),
        },
        "responses": {
            "200": {
                "description": "the enlarged image",
                "content": {JSON: _of(answer), EVENTS: _events()} | dict.fromkeys(IMAGE_TYPES, IMAGE_FILE),
                "headers": {
                    name: {"description": text, "schema": {"type": "string"}} for name, text in RESULT_HEADERS.items()
                },
            },
            **{str(status): _problem(error) for status, error in sorted(errors.items())},
        },
    }


def _estimate() -> dict[str, Any]:
    schemas = EstimateInput.model_json_schema(ref_template=SCHEMA)
    operation = _get("the estimate", EstimateOutput, MalformedMessage, Unprocessable)
    operation["tags"] = [IMAGES]
    operation["parameters"] = [
        _parameter(name, _given(schema) if "anyOf" in schema else schema) | {"required": name in schemas["required"]}
        for name, schema in schemas["properties"].items()
    ]
    return operation


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "description": schema["description"],
        "schema": {key: value for key, value in schema.items() if key != "description"},
    }


def _given(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of an option as a query parameter or a part of a form: never null, unlike in JSON.

    The default is left out: Swagger UI would send it as a query parameter beside every JSON message and form.
    """
    kinds = [each for each in schema.get("anyOf", []) if each != {"type": "null"}]
    return {key: value for each in (schema, *kinds) for key, value in each.items() if key not in ("anyOf", "default")}


def _events() -> dict[str, Any]:
    """Name the schemas of the events' data in words: OpenAPI 3.1 can't describe a stream of events."""
    names = {event.event: event.__name__ for event in EVENT_TYPES} | {"result": "UpscaleOutput", "problem": "Problem"}
    lines = (f"`{name}`: {SCHEMA.format(model=model)}" for name, model in names.items())
    return {"schema": {"type": "string", "description": "events and the schemas of their data: " + "; ".join(lines)}}


def _form(properties: dict[str, Any]) -> dict[str, Any]:
    # Without a default or an example, Swagger UI sends the first allowed value, or the word "string". Empty parts are
    # left out when a form is read.
    options = {
        name: _given(schema) | ({"example": ""} if schema["default"] is None else {"default": schema["default"]})
        for name, schema in properties.items()
        if name != IMAGE_FIELD
    }
    image = {"type": "string", "contentMediaType": "image/*", "description": "the image file"}
    other = image | {"description": f"the image file, if it is not in {PART}"}
    return {
        "schema": {
            "type": "object",
            "properties": {PART: image, **options, OTHER_PART: other},
            "oneOf": [{"required": [PART]}, {"required": [OTHER_PART]}],
        }
    }


def _text(answer: str, media_type: str) -> dict[str, Any]:
    return {"tags": [OPERATION], "responses": {"200": {"description": answer, "content": {media_type: {}}}}}


def _get(answer: str, model: type[BaseModel], *errors: type[ServiceError]) -> dict[str, Any]:
    return {
        "tags": [OPERATION],
        "responses": {
            "200": {"description": answer, "content": {JSON: _of(model)}},
            **{str(error.status): _problem(error) for error in errors},
        },
    }


def _problem(error: type[ServiceError]) -> dict[str, Any]:
    response: dict[str, Any] = {"description": error.title, "content": {PROBLEM: _of(Problem)}}
    if error.status == 429:
        response["headers"] = {RETRY_AFTER: {"description": "seconds", "schema": {"type": "integer"}}}
    return response


def _of(model: type[BaseModel]) -> dict[str, Any]:
    return {"schema": {"$ref": SCHEMA.format(model=model.__name__)}}


def _request_errors() -> Iterator[type[ServiceError]]:
    """All errors, subclasses first: in a dictionary by status, the most general one remains."""

    def below(error: type[ServiceError]) -> Iterator[type[ServiceError]]:
        for each in error.__subclasses__():
            yield from below(each)
        yield error

    yield from below(ServiceError)
