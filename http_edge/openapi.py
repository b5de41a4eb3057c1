"""The description of the interface (OpenAPI 3.1): schemas from the messages, paths from here."""

import functools
import json
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from http_edge.negotiation import EVENTS, JSON
from http_edge.problems import PROBLEM
from http_edge.upscale_form import FORM, PART
from http_edge.upscale_request import BYTES
from message_protocol import (
    Accepted,
    EstimateInput,
    EstimateOutput,
    Event,
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
from superscaling.pictures import FORMATS

SCHEMA = "#/components/schemas/{model}"
IMAGE = {"schema": {"type": "string", "contentMediaType": "image/*"}, "example": "(the image file)"}
# A picture of 4 x 4 px, so that what /docs proposes can be sent as it is.
EXAMPLE = "iVBORw0KGgoAAAANSUhEUgAAAAQAAAAECAAAAACMmsGiAAAAFElEQVR42mNgCF31n4mBgYEBQQAAIYQCBUgwIbkAAAAASUVORK5CYII="
# What the operations are grouped by.
PICTURES, OPERATION = "Pictures", "Operation"
# In the order in which they are sent.
EVENT_TYPES: tuple[type[Event], ...] = (Accepted, Preview, Tile, Progress, Notes)
IMAGE_TYPES = [each.media_type for each in FORMATS.values()]
RESULT_HEADERS = {
    "X-Request-ID": "the request's id, which the log has too",
    "X-Upscaler-Model": "the model, engine and precision that answered, and the views of a self-ensemble, if it is one",
    "X-Result-Width": "width of the answer in px",
    "X-Result-Height": "height of the answer in px",
    "X-Upscaler-Notes": "what of the image could not be kept, if anything",
    "Server-Timing": "milliseconds spent waiting (queue), decoding, in the network (infer) and encoding",
}


@functools.cache
def openapi_document() -> str:
    """The document as JSON."""
    _, schemas = models_json_schema(
        [
            (EstimateOutput, "serialization"),
            *((event, "serialization") for event in EVENT_TYPES),
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
                "version": "1",
                "summary": "Enlarges pictures x2 with a neural network and cleans JPEG artefacts.",
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "paths": {
                "/upscale": {"post": _upscale()},
                "/estimate": {"get": _estimate()},
                "/ping": {"get": _get("Is the service there?", PingOutput)},
                "/livez": {"get": _get("Is the process alive?", PingOutput)},
                "/readyz": {"get": _get("Is the engine to be trusted with a picture?", ReadyOutput, EngineFailed)},
                "/metrics": {
                    "get": {
                        "tags": [OPERATION],
                        "summary": "Figures for Prometheus",
                        "responses": {"200": {"description": "Its text format", "content": {"text/plain": {}}}},
                    }
                },
                "/openapi.json": {
                    "get": {
                        "tags": [OPERATION],
                        "summary": "This document",
                        "responses": {"200": {"description": "OpenAPI 3.1", "content": {JSON: {}}}},
                    }
                },
            },
            "components": {"schemas": {name: schemas["$defs"][name] for name in sorted(schemas["$defs"])}},
        }
    )


def _upscale() -> dict[str, Any]:
    properties = UpscaleInput.model_json_schema(ref_template=SCHEMA)["properties"]
    errors = {error.status: error for error in _request_errors() if error is not ClientGone}
    return {
        "tags": [PICTURES],
        "summary": "Enlarge one image",
        "description": "Send a JSON message, a form, or the image file itself with the options as query parameters.",
        "parameters": [
            _parameter(name, _given(schema), " (in JSON it is a member, in a form a part)")
            for name, schema in properties.items()
            if name != "imageBase64"
        ],
        "requestBody": {
            "required": True,
            "content": {JSON: _of(UpscaleInput) | {"example": {"imageBase64": EXAMPLE}}, FORM: _form(properties)}
            | dict.fromkeys([*IMAGE_TYPES, BYTES], IMAGE),
        },
        "responses": {
            "200": {
                "description": "The image, enlarged: in the form that was sent, unless Accept prefers another",
                "content": {JSON: _of(UpscaleOutput), EVENTS: _events()} | dict.fromkeys(IMAGE_TYPES, IMAGE),
                "headers": {
                    name: {"description": text, "schema": {"type": "string"}} for name, text in RESULT_HEADERS.items()
                },
            },
            **{str(status): _problem(error) for status, error in sorted(errors.items())},
        },
    }


def _estimate() -> dict[str, Any]:
    schemas = EstimateInput.model_json_schema(ref_template=SCHEMA)
    operation = _get("What would it cost to enlarge an image?", EstimateOutput, MalformedMessage, Unprocessable)
    operation["tags"] = [PICTURES]
    operation["parameters"] = [
        _parameter(name, _given(schema) if "anyOf" in schema else schema) | {"required": name in schemas["required"]}
        for name, schema in schemas["properties"].items()
    ]
    return operation


def _parameter(name: str, schema: dict[str, Any], hint: str = "") -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "description": schema["description"] + hint,
        "schema": {key: value for key, value in schema.items() if key != "description"},
    }


def _given(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of an option outside of JSON: only there may it be null.

    Without its default: Swagger UI would send that as a query parameter, which a JSON message or a form has itself.
    """
    kinds = [each for each in schema.get("anyOf", []) if each != {"type": "null"}]
    return {key: value for each in (schema, *kinds) for key, value in each.items() if key not in ("anyOf", "default")}


def _events() -> dict[str, Any]:
    """OpenAPI 3.1 has no words for events: their data's schemas are named here."""
    names = {event.event: event.__name__ for event in EVENT_TYPES} | {"result": "UpscaleOutput", "problem": "Problem"}
    lines = (f"`{name}`: {SCHEMA.format(model=model)}" for name, model in names.items())
    return {"schema": {"type": "string", "description": "events and the schemas of their data: " + "; ".join(lines)}}


def _form(properties: dict[str, Any]) -> dict[str, Any]:
    # Where there is a default, Swagger UI would otherwise send the first value that it knows.
    options = {
        name: _given(schema) | ({} if schema["default"] is None else {"default": schema["default"]})
        for name, schema in properties.items()
        if name != "imageBase64"
    }
    image = {"type": "string", "contentMediaType": "image/*", "description": "the image file"}
    return {"schema": {"type": "object", "properties": {PART: image, **options}, "required": [PART]}}


def _get(summary: str, model: type[BaseModel], *errors: type[ServiceError]) -> dict[str, Any]:
    return {
        "tags": [OPERATION],
        "summary": summary,
        "responses": {
            "200": {"description": summary, "content": {JSON: _of(model)}},
            **{str(error.status): _problem(error) for error in errors},
        },
    }


def _problem(error: type[ServiceError]) -> dict[str, Any]:
    response: dict[str, Any] = {"description": error.title, "content": {PROBLEM: _of(Problem)}}
    if error.status == 429:
        response["headers"] = {"Retry-After": {"description": "seconds", "schema": {"type": "integer"}}}
    return response


def _of(model: type[BaseModel]) -> dict[str, Any]:
    return {"schema": {"$ref": SCHEMA.format(model=model.__name__)}}


def _request_errors() -> Iterator[type[ServiceError]]:
    """Every kind of failure, special kinds before general ones: of a status, the most general title stays."""

    def below(error: type[ServiceError]) -> Iterator[type[ServiceError]]:
        for each in error.__subclasses__():
            yield from below(each)
        yield error

    yield from below(ServiceError)
