"""What `/openapi.json` says of jobs."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from http_edge.answers import (
    PREFERENCE_APPLIED,
    X_REQUEST_ID,
    X_RESULT_HEIGHT,
    X_RESULT_WIDTH,
    X_UPSCALER_MODEL,
    X_UPSCALER_NOTES,
)
from http_edge.openapi_parts import (
    IMAGE_FILE,
    IMAGE_TYPES,
    JOBS,
    RATE_HEADERS,
    events,
    get,
    headers,
    image_request,
    of,
    problems,
    query_parameters,
    request_errors,
)
from http_edge.preferences import IDEMPOTENCY_KEY, KEEP, MAX_KEY, RESPOND_ASYNC
from http_edge.problems import RETRY_AFTER
from message_protocol import (
    EVENTS,
    JSON,
    PROBLEM,
    ArchiveInput,
    JobInput,
    JobOutput,
    JobsInput,
    JobsOutput,
    JobState,
    Problem,
    Progress,
    ResultInput,
)
from superscaling.errors import (
    GroupTooLarge,
    JobExpired,
    JobHasNoResult,
    JobsOff,
    JobUnknown,
    MalformedMessage,
    NotAcceptable,
    OwnerMissing,
    StoreUnavailable,
    TooManyRequests,
)

DESCRIPTION = (
    "Takes what /upscale takes, and answers at once. The job goes on if the client leaves, or the service is restarted."
)
RESULT = (
    "With format, quality or metadata, the result is converted for the request, which takes a slot and counts as a"
    " request of its client; then all of it is sent, without ETag. HEAD does the same work, and tells the size."
)
# Of all questions about jobs.
ERRORS = (OwnerMissing, JobUnknown, StoreUnavailable)
ID = {
    "name": "job_id",
    "in": "path",
    "required": True,
    "description": "as the answer of POST /jobs has it",
    "schema": {"type": "string"},
}
KEY = {
    "name": IDEMPOTENCY_KEY,
    "in": "header",
    "description": "the same request with the same key finds the same job",
    "schema": {"type": "string", "pattern": f"^[!-~]{{1,{MAX_KEY}}}$"},
}
PREFER = {
    "name": "Prefer",
    "in": "header",
    "description": f"{RESPOND_ASYNC}: do it as a job, if that can be done, and answer with 202 (RFC 7240); {KEEP}: keep"
    " the result for a short time, to be had in other formats",
    "schema": {"type": "string"},
}
CONDITIONS = [
    {"name": name, "in": "header", "description": text, "schema": {"type": "string"}}
    for name, text in {
        "If-Match": "the ETag that the result must have (otherwise 412)",
        "If-None-Match": "the ETag of the result that the client has (304)",
        "If-Range": "the ETag of the part that the client has; if the result has another, all of it is sent",
        "Range": "which bytes are wanted (RFC 9110, 14.2); several ranges are answered with all of it",
    }.items()
]
WEBHOOK_HEADERS = [
    {"name": name, "in": "header", "required": True, "description": text, "schema": {"type": "string"}}
    for name, text in {
        "webhook-id": "the same in all attempts",
        "webhook-timestamp": "when this attempt was made, in seconds since 1970",
        "webhook-signature": "v1, and the HMAC-SHA-256 of id, timestamp and body, in base64",
    }.items()
]
CONTENT_RANGE = {"Content-Range": "which bytes these are, and the size of the file"}
RESULT_HEADERS = {
    "ETag": "the SHA-256 of the file",
    "Accept-Ranges": "bytes",
    "Content-Disposition": "the name of the file",
    X_REQUEST_ID: "the request's id, which is also in the log",
    X_UPSCALER_MODEL: "as in an answer of /upscale",
    X_RESULT_WIDTH: "width of the result in px",
    X_RESULT_HEIGHT: "height of the result in px",
    X_UPSCALER_NOTES: "what could not be kept of the image; only if there is something",
}


def job_operations() -> dict[str, dict[str, Any]]:
    """The operations on jobs by path and method, without their summaries."""
    request = image_request(JobInput)
    return {
        "/jobs": {
            "post": request
            | {
                "tags": [JOBS],
                "description": DESCRIPTION,
                "parameters": [*request["parameters"], KEY],
                "responses": {"202": _taken(), **problems(*request_errors(), OwnerMissing, JobsOff)},
            },
            "get": get(JOBS, "its jobs, the oldest first", JobsOutput, MalformedMessage, *ERRORS)
            | {"parameters": query_parameters(JobsInput)},
        },
        "/jobs/archive": {
            "get": {
                "tags": [JOBS],
                "parameters": query_parameters(ArchiveInput),
                "responses": {
                    "200": {
                        "description": "a ZIP of the results, with jobs.json",
                        "content": {"application/zip": {}},
                        "headers": headers({"Content-Disposition": "the name of the file"}),
                    },
                    **problems(MalformedMessage, *ERRORS, JobHasNoResult, GroupTooLarge, TooManyRequests),
                },
            }
        },
        "/jobs/{job_id}": {
            "get": {
                "tags": [JOBS],
                "parameters": [ID],
                "responses": {
                    "200": {
                        "description": "where it is; as a stream: whenever that changes, until it has ended",
                        "content": {
                            JSON: of(JobOutput),
                            EVENTS: events({"status": JobOutput.__name__, Progress.event: Progress.__name__}),
                        },
                        "headers": headers({RETRY_AFTER: "seconds until it is sensible to ask again; not at its end"}),
                    },
                    **problems(*ERRORS, NotAcceptable, TooManyRequests),
                },
            },
            "delete": {
                "tags": [JOBS],
                "parameters": [ID],
                "responses": {"204": {"description": "it is cancelled, or its result deleted"}, **problems(*ERRORS)},
            },
        },
        "/jobs/{job_id}/result": {
            "get": {
                "tags": [JOBS],
                "description": RESULT,
                "parameters": [ID, *query_parameters(ResultInput), *CONDITIONS],
                "responses": {
                    "200": _result("the enlarged image", RATE_HEADERS),
                    "206": _result("a part of it", CONTENT_RANGE),
                    "304": {"description": "it is the one that the client has (If-None-Match)"},
                    **problems(*request_errors(), OwnerMissing, JobUnknown, JobHasNoResult, JobExpired),
                    "412": _problem("it is not the one that the client wants (If-Match)"),
                    "416": _problem("the range is behind the end of the file")
                    | {"headers": headers({"Content-Range": "the size of the file"})},
                },
            }
        },
    }


def job_webhooks() -> dict[str, Any]:
    """What the service sends to the address that a job names as `webhook`."""
    schema = {
        "type": "object",
        "properties": {
            "type": {"enum": [f"job.{state.value}" for state in JobState if state.is_end]},
            "timestamp": {"type": "string", "format": "date-time", "description": "when the job ended"},
            "data": of(JobOutput)["schema"],
        },
        "required": ["type", "timestamp", "data"],
    }
    return {
        "job": {
            "post": {
                "tags": [JOBS],
                "summary": "The end of a job",
                "description": "Signed as Standard Webhooks (https://www.standardwebhooks.com) says.",
                "parameters": WEBHOOK_HEADERS,
                "requestBody": {"required": True, "content": {JSON: {"schema": schema}}},
                "responses": {
                    "2XX": {"description": "it is delivered"},
                    "410": {"description": "the address wants no more of it"},
                    "default": {"description": "it is sent again later, eight times in all"},
                },
            }
        }
    }


def with_job(operation: dict[str, Any]) -> dict[str, Any]:
    """The operation of a request that may become a job."""
    taken = _taken()
    taken["headers"] |= headers({PREFERENCE_APPLIED: RESPOND_ASYNC})
    responses = operation["responses"] | {"202": taken}
    return operation | {
        "parameters": [*operation["parameters"], PREFER, KEY],
        "responses": dict(sorted(responses.items())),
    }


def _taken() -> dict[str, Any]:
    return {
        "description": "the job is taken",
        "content": {JSON: of(JobOutput)},
        "headers": headers(
            {
                "Location": "where to ask for it",
                RETRY_AFTER: "seconds until it is sensible to ask",
                **RATE_HEADERS,
            }
        ),
    }


def _result(description: str, more: Mapping[str, str] = MappingProxyType({})) -> dict[str, Any]:
    return {
        "description": description,
        "content": dict.fromkeys(IMAGE_TYPES, IMAGE_FILE),
        "headers": headers({**RESULT_HEADERS, **more}),
    }


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {PROBLEM: of(Problem)}}
