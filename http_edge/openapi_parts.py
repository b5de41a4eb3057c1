"""What descriptions of routes are made of: parameters, bodies, answers (OpenAPI 3.1)."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from http_edge.access.origins import SAFE_METHODS
from http_edge.access.rates import RATELIMIT, RATELIMIT_POLICY
from http_edge.forms import OTHER_PART, PART
from http_edge.problems import RETRY_AFTER, WWW_AUTHENTICATE
from message_protocol import BYTES, FORM, IMAGE_FIELD, JSON, PROBLEM, URL_FIELD, Problem, UpscaleInput
from superscaling.errors import (
    ClientGone,
    CrossSite,
    HostNotServed,
    JobExpired,
    JobHasNoResult,
    JobsOff,
    JobUnknown,
    OwnerMissing,
    RateExceeded,
    ServiceError,
    Unauthorized,
)
from superscaling.pictures import FORMATS, MEDIA_TYPES

SCHEMA = "#/components/schemas/{model}"
IMAGE_FILE = {"schema": {"type": "string", "contentMediaType": "image/*"}, "example": "(the image file)"}
# A PNG of 4 x 4 px: the example in /docs can be sent unchanged.
EXAMPLE = "iVBORw0KGgoAAAANSUhEUgAAAAQAAAAECAAAAACMmsGiAAAAFElEQVR42mNgCF31n4mBgYEBQQAAIYQCBUgwIbkAAAAASUVORK5CYII="
# What only the log sees, what only questions about jobs meet, and what all routes have that need a key.
NOT_OF_REQUESTS = (ClientGone, Unauthorized, JobUnknown, JobsOff, JobHasNoResult, JobExpired, OwnerMissing)
# The groups of endpoints in /docs.
IMAGES, JOBS, OPERATION = "Images", "Jobs", "Operation"
RATE_HEADERS = {
    RATELIMIT_POLICY: "how much the client may send; only if there are rates",
    RATELIMIT: "how much of that is left, by the same names; only if there are rates",
}
IMAGE_TYPES = [each.media_type for each in FORMATS.values()]


def image_request(given: type[UpscaleInput]) -> dict[str, Any]:
    """The parameters and the body of a request with an image."""
    properties = given.model_json_schema(ref_template=SCHEMA)["properties"]
    return {
        "parameters": [_parameter(name, _given(each)) for name, each in properties.items() if name != IMAGE_FIELD],
        "requestBody": {
            "description": f"not needed beside the parameter {URL_FIELD}",
            "content": {JSON: of(given) | {"example": {IMAGE_FIELD: EXAMPLE}}, FORM: _form(properties)}
            | dict.fromkeys([*MEDIA_TYPES, BYTES], IMAGE_FILE),
        },
    }


def query_parameters(given: type[BaseModel]) -> list[dict[str, Any]]:
    """The parameters of a question."""
    schemas = given.model_json_schema(ref_template=SCHEMA)
    return [
        _parameter(name, _given(schema) if "anyOf" in schema else schema)
        | {"required": name in schemas.get("required", ())}
        for name, schema in schemas["properties"].items()
    ]


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """A query parameter."""
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
    plain = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    return plain | ({"anyOf": kinds} if len(kinds) > 1 else next(iter(kinds), {}))


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
            "oneOf": [{"required": [PART]}, {"required": [OTHER_PART]}, {"required": [URL_FIELD]}],
        }
    }


def text(answer: str, media_type: str) -> dict[str, Any]:
    """An operation that answers with text."""
    return {"tags": [OPERATION], "responses": {"200": {"description": answer, "content": {media_type: {}}}}}


def get(group: str, answer: str, model: type[BaseModel], *errors: type[ServiceError]) -> dict[str, Any]:
    """An operation that answers with JSON."""
    return {
        "tags": [group],
        "responses": {"200": {"description": answer, "content": {JSON: of(model)}}, **problems(*errors)},
    }


def problems(*errors: type[ServiceError]) -> dict[str, Any]:
    """The answers for errors. Of those with one status, the last one gives its title."""
    by_status = {error.status: error for error in errors}
    described = {str(status): _problem(error) for status, error in sorted(by_status.items())}
    if RateExceeded in errors:
        described[str(RateExceeded.status)]["headers"] |= headers(RATE_HEADERS)
    return described


def refusals(method: str, takes_key: bool) -> dict[str, Any]:
    """The answers to requests of a method that are not let in; `takes_key`: they may need an API key."""
    described = problems(HostNotServed) if method.upper() in SAFE_METHODS else problems(CrossSite, HostNotServed)
    if takes_key:
        response = _problem(Unauthorized)
        response["description"] += ": only if the service has API keys"
        response["headers"] = headers({WWW_AUTHENTICATE: "Bearer; with an error, if the request has a key"})
        described[str(Unauthorized.status)] = response
    return described


def _problem(error: type[ServiceError]) -> dict[str, Any]:
    response: dict[str, Any] = {"description": error.title, "content": {PROBLEM: of(Problem)}}
    if error.status == 429:
        response["headers"] = {RETRY_AFTER: {"description": "seconds", "schema": {"type": "integer"}}}
    return response


def headers(texts: Mapping[str, str]) -> dict[str, Any]:
    """The headers of an answer, by their names."""
    return {name: {"description": text, "schema": {"type": "string"}} for name, text in texts.items()}


def events(schemas: Mapping[str, str]) -> dict[str, Any]:
    """A stream of events, by their names, with the schemas of their data in words: OpenAPI 3.1 has none for it."""
    named = {**schemas, "problem": Problem.__name__}
    lines = (f"`{name}`: {SCHEMA.format(model=model)}" for name, model in named.items())
    return {"schema": {"type": "string", "description": "events and the schemas of their data: " + "; ".join(lines)}}


def of(model: type[BaseModel]) -> dict[str, Any]:
    """A message."""
    return {"schema": {"$ref": SCHEMA.format(model=model.__name__)}}


def request_errors() -> Iterator[type[ServiceError]]:
    """The errors of requests with an image, subclasses first: of those with one status, the most general is last."""

    def below(error: type[ServiceError]) -> Iterator[type[ServiceError]]:
        for each in error.__subclasses__():
            yield from below(each)
        yield error

    yield from (error for error in below(ServiceError) if not issubclass(error, NOT_OF_REQUESTS))
