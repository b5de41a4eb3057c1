"""What `/openapi.json` says of jobs."""

from typing import Any

from http_edge.answers import X_REQUEST_ID, X_RESULT_HEIGHT, X_RESULT_WIDTH, X_UPSCALER_NOTES
from http_edge.openapi_parts import (
    IMAGE_FILE,
    IMAGE_TYPES,
    JOBS,
    events,
    get,
    headers,
    image_request,
    of,
    problems,
    query_parameters,
    request_errors,
)
from http_edge.preferences import IDEMPOTENCY_KEY, MAX_KEY, RESPOND_ASYNC
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
    Problem,
    Progress,
)
from superscaling.errors import (
    GroupTooLarge,
    JobExpired,
    JobHasNoResult,
    JobUnknown,
    MalformedMessage,
    OwnerMissing,
    StoreUnavailable,
    TooManyRequests,
)

DESCRIPTION = (
    "Takes what /upscale takes, and answers at once. The job goes on if the client leaves, or the service is restarted."
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
    "description": f"{RESPOND_ASYNC}: do it as a job, and answer with 202 (RFC 7240)",
    "schema": {"type": "string"},
}
RANGE = {
    "name": "Range",
    "in": "header",
    "description": "which bytes are wanted (RFC 9110, 14.2); several ranges are answered with all of it",
    "schema": {"type": "string"},
}
RESULT_HEADERS = {
    "ETag": "the SHA-256 of the file",
    "Accept-Ranges": "bytes",
    "Content-Disposition": "the name of the file",
    X_REQUEST_ID: "the request's id, which is also in the log",
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
                "responses": {"202": _taken(), **problems(*request_errors(), *ERRORS)},
            },
            "get": get(JOBS, "its jobs, the oldest first", JobsOutput, MalformedMessage, *ERRORS)
            | {"parameters": query_parameters(JobsInput)},
        },
        "/jobs/archive": {
            "get": {
                "tags": [JOBS],
                "parameters": query_parameters(ArchiveInput),
                "responses": {
                    "200": {"description": "a ZIP of the results, with jobs.json", "content": {"application/zip": {}}},
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
                    **problems(*ERRORS, TooManyRequests),
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
                "parameters": [ID, RANGE],
                "responses": {
                    "200": _result("the enlarged image"),
                    "206": _result("a part of it"),
                    "304": {"description": "it is the one that the client has (If-None-Match)"},
                    **problems(*ERRORS, JobHasNoResult, JobExpired, TooManyRequests),
                    "416": {
                        "description": "the range is behind the end of the file",
                        "content": {PROBLEM: of(Problem)},
                    },
                },
            }
        },
    }


def with_job(operation: dict[str, Any]) -> dict[str, Any]:
    """The operation of a request that may become a job."""
    responses = operation["responses"] | {"202": _taken()} | problems(OwnerMissing)
    return operation | {
        "parameters": [*operation["parameters"], PREFER, KEY],
        "responses": dict(sorted(responses.items())),
    }


def _taken() -> dict[str, Any]:
    return {
        "description": "the job is taken",
        "content": {JSON: of(JobOutput)},
        "headers": headers({"Location": "where to ask for it", RETRY_AFTER: "seconds until it is sensible to ask"}),
    }


def _result(description: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": dict.fromkeys(IMAGE_TYPES, IMAGE_FILE),
        "headers": headers(RESULT_HEADERS),
    }
