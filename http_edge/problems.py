"""Errors to problem documents, in one place."""

import logging

from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from message_protocol import Problem
from superscaling.errors import ServiceError, ServiceStopping, http_error
from superscaling.settings import Settings, environment_variable

log = logging.getLogger(__name__)

PROBLEM = "application/problem+json"


def register_problems(app: Flask) -> None:
    """Answer every failed request of `app` with a problem document."""
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _failure)


def reported(error: Exception, request_id: str) -> ServiceError:
    """Put what was not the client's fault into the log; returns what the client is told."""
    if not isinstance(error, ServiceError):
        log.error("%s unexpected error", request_id, exc_info=error)
        return ServiceError("the service failed; its log has the details under this requestId")
    if error.status >= 500:
        # An orderly stop is no fault: whoever watches errors is not to be woken by each deployment.
        level = logging.WARNING if isinstance(error, ServiceStopping) else logging.ERROR
        log.log(level, "%s %s: %s", request_id, error.code, error.detail, exc_info=error.__cause__)
    return error


def problem_of(error: ServiceError, request_id: str) -> Problem:
    """The document of an error, with the setting by the name that an operator knows: its environment variable."""
    problem = Problem.of(error, request_id)
    if error.setting is not None and hasattr(Settings, error.setting):
        return problem.model_copy(update={"setting": environment_variable(error.setting)})
    return problem


def _failure(error: Exception) -> Response:
    error = reported(error, g.request_id)
    response = Response(_document(error), error.status, mimetype=PROBLEM)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _http_error(error: HTTPException) -> Response:
    """Flask's own errors, such as 404 and 405; headers such as `Allow` stay."""
    response = current_app.make_response(error.get_response())
    response.set_data(_document(http_error(response.status_code, _detail(error))))
    response.content_type = PROBLEM
    return response


def _detail(error: HTTPException) -> str:
    if isinstance(error, NotFound):
        return f"there is no {request.path}; /openapi.json describes what there is"
    if isinstance(error, MethodNotAllowed):
        return f"{request.path} takes {', '.join(sorted(error.valid_methods or []))}, not {request.method}"
    return error.description or error.name


def _document(error: ServiceError) -> str:
    """The document; the request's line in the log will name the error as well."""
    g.problem = error
    return problem_of(error, g.request_id).to_json()
