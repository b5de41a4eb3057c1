"""What browsers are told about who may read answers (CORS, and `Cross-Origin-Resource-Policy`)."""

from flask import Request, Response

from http_edge.access.keys import X_API_KEY
from http_edge.access.origins import ALL, Origins, refusal
from http_edge.access.rates import RATELIMIT, RATELIMIT_POLICY
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
from http_edge.preferences import IDEMPOTENCY_KEY
from http_edge.problems import RETRY_AFTER, WWW_AUTHENTICATE

ALLOW_ORIGIN = "Access-Control-Allow-Origin"
METHODS = ("GET", "HEAD", "POST", "DELETE")
# Headers of requests that pages may set, beside those that need no permission.
REQUEST_HEADERS = (
    "Authorization",
    X_API_KEY,
    "Content-Type",
    IDEMPOTENCY_KEY,
    "Prefer",
    "Range",
    "If-Match",
    "If-None-Match",
    "If-Range",
    "Cache-Control",
    "Last-Event-ID",
    "Traceparent",
    "Tracestate",
    X_REQUEST_ID,
)
# Headers of answers that pages may read, beside those that need no permission.
ANSWER_HEADERS = (
    X_REQUEST_ID,
    X_UPSCALER_MODEL,
    X_UPSCALER_NOTES,
    X_UPSCALER_JOB,
    X_RESULT_WIDTH,
    X_RESULT_HEIGHT,
    SERVER_TIMING,
    RETRY_AFTER,
    RATELIMIT,
    RATELIMIT_POLICY,
    "Location",
    PREFERENCE_APPLIED,
    "Allow",
    "ETag",
    "Accept-Ranges",
    "Content-Range",
    "Content-Disposition",
    WWW_AUTHENTICATE,
)
# Seconds for which a browser need not ask again. Chromium's limit.
MAX_AGE = 7200


class Cors:
    """Answers browsers that ask for permission, and adds to every answer who may read it.

    Cookies and other credentials that a browser adds by itself are never allowed: the service has none.

    Args:
        origins: that may use the service.
    """

    def __init__(self, origins: Origins) -> None:
        self._origins = origins

    def preflight(self, request: Request) -> Response | None:
        """Answer the question of a browser whether a page may send a request; None: it is another request.

        Raises:
            CrossSite: the page may not.
        """
        origin = request.headers.get("Origin")
        if request.method != "OPTIONS" or origin is None or "Access-Control-Request-Method" not in request.headers:
            return None
        if not self._origins.allows(origin):
            raise refusal(origin)
        response = Response(status=204)
        del response.headers["Content-Type"]
        response.headers["Access-Control-Allow-Methods"] = ", ".join(METHODS)
        response.headers["Access-Control-Allow-Headers"] = ", ".join(REQUEST_HEADERS)
        response.headers["Access-Control-Max-Age"] = str(MAX_AGE)
        # Of browsers that ask before a public page reaches into a private network (Private Network Access).
        if request.headers.get("Access-Control-Request-Private-Network") == "true":
            response.headers["Access-Control-Allow-Private-Network"] = "true"
        return response

    def tell(self, request: Request, response: Response) -> None:
        """Add to an answer who may read it, and who may embed it."""
        origin = request.headers.get("Origin")
        policy = "same-origin"
        if self._origins.allows_all:
            origin, policy = ALL, "cross-origin"
        elif self._origins.allows_some:
            response.vary.add("Origin")
        if origin is not None and self._origins.allows(origin):
            response.headers[ALLOW_ORIGIN] = origin
            response.headers["Access-Control-Expose-Headers"] = ", ".join(ANSWER_HEADERS)
            policy = "cross-origin"
        response.headers["Cross-Origin-Resource-Policy"] = policy
