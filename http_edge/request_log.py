"""The end of a request: its line in the log, and its metrics."""

import logging
import time
from collections.abc import Callable

from http_edge.access.client import Client
from superscaling import tracing
from superscaling.api_keys import KeyRefused
from superscaling.errors import ClientGone, CrossSite, HostNotServed, RateExceeded, ServiceError, Unauthorized
from superscaling.scheduling import Timings

access_log = logging.getLogger("access")

# Probes and scrapes come every few seconds: they are logged only when they fail.
PROBES = {"/ping", "/livez", "/readyz", "/metrics"}
# Whoever is refused for who or where they are may have to be found. The addresses of all others are personal data that
# nobody needs.
REFUSALS = (Unauthorized, CrossSite, HostNotServed, RateExceeded)
# Counts a request: by its status, its seconds, its timings, its model and its failure.
Count = Callable[[int, float, Timings, str | None, ServiceError | None], None]
# Other methods are one: whatever a client makes up names no span.
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class RequestLog:
    """Measures one request, from the end of its head.

    `timings`: where its time goes; `model`: the name of the loaded model that it asks for, once that is known;
    `strength`: of the model, logged unless it is 1; `address`: of the client, logged only with one of `REFUSALS`;
    `client`: who sends it, once that is known; `key_refused`: why its key is none; `span`: of the request, for the
    trace that it belongs to.

    Args:
        request_id, method, path: of the request.
        route: the pattern that the path matched; empty: none.
        parent: `traceparent` of whatever sent the request.
    """

    def __init__(self, request_id: str, method: str, path: str, route: str, parent: str | None) -> None:
        self.timings = Timings()
        self.model: str | None = None
        self.strength = 1.0
        self.address: str | None = None
        self.client: Client | None = None
        self.key_refused: KeyRefused | None = None
        self._request_id = request_id
        self._method = method
        self._path = path
        self.span = tracing.NO_SPAN if path in PROBES else _span(request_id, method, route, parent)
        self._start = time.monotonic()

    def finish(self, status: int, count: Count | None, problem: ServiceError | None) -> None:
        """Log the request and count it.

        Args:
            status: the status that was sent.
            count: None: it is not counted.
            problem: the error that the client was told, or `ClientGone`.
        """
        if isinstance(problem, ClientGone):
            status = problem.status  # even if another one was sent before the client disconnected
        seconds = time.monotonic() - self._start
        if count is not None:
            count(status, seconds, self.timings, self.model, problem)
        self._end_span(status, problem)
        if self._path in PROBES and status < 400:
            return
        record: dict[str, object] = {
            "request_id": self._request_id,
            "method": self._method,
            "path": self._path,
            "status": status,
            "milliseconds": round(seconds * 1000, 1),
        }
        if self.client is not None and self.client.key_id is not None:
            record |= {"key_id": self.client.key_id, "owner": self.client.owner}
        if self.key_refused is not None:
            record["refusal"] = self.key_refused.reason.value
            if self.key_refused.key_id is not None:
                record["key_id"] = self.key_refused.key_id
        if self.model is not None:
            record["model"] = self.model
        if self.strength != 1:
            record["strength"] = self.strength
        record |= {f"{name}_milliseconds": round(value * 1000, 1) for name, value in self.timings.seconds.items()}
        if problem is not None:
            record |= {"code": problem.code, "detail": problem.detail}
            if isinstance(problem, REFUSALS) and self.address is not None:
                record["address"] = self.address
        if self.span.trace_id is not None:
            record["trace_id"] = self.span.trace_id
        access_log.info("answered", extra=record)

    def _end_span(self, status: int, problem: ServiceError | None) -> None:
        self.span.set({"http.response.status_code": status})
        if self.model is not None:
            self.span.set({"upscaler.model": self.model})
        if self.client is not None and self.client.key_id is not None:
            self.span.set({"upscaler.key_id": self.client.key_id, "upscaler.owner": self.client.owner})
        if problem is not None and problem.status >= 500:
            self.span.fail(problem.code)
        self.span.add_steps(self.timings.seconds, self.timings.periods)
        self.span.end()


def _span(request_id: str, method: str, route: str, parent: str | None) -> tracing.Span:
    method = method if method in METHODS else "_OTHER"
    attributes = {"http.request.method": method, "upscaler.request_id": request_id}
    if route:
        attributes["http.route"] = route
    return tracing.begin(f"{method} {route}".rstrip(), parent, attributes, is_server=True)
