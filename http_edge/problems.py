"""Errors to problem documents (RFC 9457)."""

import logging

from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from message_protocol import MAX_ECHOED, PROBLEM, Problem
from superscaling.errors import ImageUndecodable, ServiceError, ServiceStopping, Unauthorized, http_error
from superscaling.settings import environment_variable

log = logging.getLogger(__name__)

RETRY_AFTER = "Retry-After"
WWW_AUTHENTICATE = "WWW-Authenticate"
REALM = 'Bearer realm="image-super-scaling"'

# What a higher limit, or a longer list, is good for, by the name of its field in `Settings`.
PURPOSES = {
    "models": "load further models",
    "max_body_bytes": "accept larger request bodies",
    "max_pixels": "accept larger images",
    "max_result_pixels": "make larger results",
    "max_frames": "accept more frames or pages",
    "max_requests": "accept more requests at a time",
    "queue_pixels": "process more and larger images at a time",
    "read_timeout": "give clients more time",
    "timeout": "give requests more time",
    "stream_timeout": "give streams more time",
    "decode_timeout": "give decoders more time",
    "jobs_store": "keep jobs",
    "jobs_queue_pixels": "keep more and larger jobs at a time",
    "jobs_max_pixels": "accept larger images as jobs",
    "jobs_max_result_pixels": "make larger results of jobs",
    "jobs_max_body_bytes": "accept larger files as jobs",
    "jobs_body_timeout": "give clients more time to send a file",
    "jobs_keep": "keep results longer",
    "keep_minutes": "keep results of requests longer",
    "webhook_hosts": "allow webhooks to further hosts",
    "rate_requests": "allow a client more requests",
    "rate_megapixels": "allow a client more and larger images",
    "url_hosts": "fetch images from the hosts that it names",
    "allowed_hosts": "serve further names",
    "allow_origins": "let the pages of further sites use the service",
}
# Of settings that are no number.
VERBS = {
    "models": "extend",
    "jobs_store": "set",
    "webhook_hosts": "extend",
    "url_hosts": "set",
    "allowed_hosts": "extend",
    "allow_origins": "extend",
}


def register_problems(app: Flask) -> None:
    """Answer every failed request of `app` with a problem document."""
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _failure)


def reported(error: Exception, request_id: str) -> ServiceError:
    """Log an error that is not the client's fault alone; return the error to tell the client."""
    if not isinstance(error, ServiceError):
        log.error("%s unexpected error", request_id, exc_info=error)
        return ServiceError("the service failed; its log has the details under this requestId")
    # Stopping is no fault: the line of the request says enough, and alerts must not go off at every deployment.
    if error.status >= 500 and not isinstance(error, ServiceStopping):
        log.error("%s %s: %s", request_id, error.code, error.detail, exc_info=error.__cause__)
    if isinstance(error, ImageUndecodable):  # an attack, or a defect of a library
        log.warning("%s %s: %s", request_id, error.code, error.detail, exc_info=error.__cause__)
    return error


def problem_of(error: ServiceError, request_id: str | None) -> Problem:
    """Describe an error to the client.

    Args:
        error: its `setting` is the name of a field of `Settings`.
        request_id: None: the request could not be parsed and has none.
    """
    field = error.setting
    variable = None if field is None else environment_variable(field)
    return Problem(
        type=f"urn:image-super-scaling:problem:{error.code}",
        title=error.title,
        status=error.status,
        detail=error.detail,
        code=error.code,
        limit=error.limit,
        actual=error.actual,
        setting=variable,
        hint=None if field is None else f"{VERBS.get(field, 'raise')} {variable} on the server to {PURPOSES[field]}",
        request_id=request_id,
    )


def _failure(error: Exception) -> Response:
    error = reported(error, g.request_id)
    response = Response(_document(error), error.status, mimetype=PROBLEM)
    if error.retry_after is not None:
        response.headers[RETRY_AFTER] = str(error.retry_after)
    if isinstance(error, Unauthorized):
        # RFC 6750, 3.1: who has sent no key is told of no error.
        response.headers[WWW_AUTHENTICATE] = REALM + (', error="invalid_token"' if error.has_key else "")
    return response


def _http_error(error: HTTPException) -> Response:
    """Answer an error of Flask, such as 404 or 405. Headers such as `Allow` are kept."""
    response = current_app.make_response(error.get_response())
    response.set_data(_document(http_error(response.status_code, _detail(error))))
    response.content_type = PROBLEM
    return response


def _detail(error: HTTPException) -> str:
    if isinstance(error, NotFound):
        return f"there is no {request.path[:MAX_ECHOED]}; /openapi.json lists all paths"
    if isinstance(error, MethodNotAllowed):
        return f"{request.path} allows {', '.join(sorted(error.valid_methods or []))}, not {request.method}"
    return error.description or error.name


def _document(error: ServiceError) -> str:
    """Write the document, and remember the error for the request's line in the log."""
    g.problem = error
    return problem_of(error, g.request_id).to_json()
