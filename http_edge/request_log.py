"""The end of a request: its line in the log, and its metrics."""

import logging
import time

from http_edge.metrics import Metrics
from superscaling.errors import ClientGone, ServiceError
from superscaling.scheduling import Timings

access_log = logging.getLogger("access")

# Probes and scrapes come every few seconds: they are logged only when they fail.
PROBES = {"/ping", "/livez", "/readyz", "/metrics"}


class RequestLog:
    """Measures one request, from the end of its head.

    `timings`: where its time goes; `model`: the name of the loaded model that it asks for, once that is known;
    `strength`: of the model, logged unless it is 1.

    Args:
        request_id, method, path: of the request.
    """

    def __init__(self, request_id: str, method: str, path: str) -> None:
        self.timings = Timings()
        self.model: str | None = None
        self.strength = 1.0
        self._request_id = request_id
        self._method = method
        self._path = path
        self._start = time.monotonic()

    def finish(self, status: int, metrics: Metrics | None, problem: ServiceError | None) -> None:
        """Log the request and count it.

        Args:
            status: the status that was sent.
            metrics: count the request; None: it is not counted.
            problem: the error that the client was told, or `ClientGone`.
        """
        if isinstance(problem, ClientGone):
            status = problem.status  # even if another one was sent before the client disconnected
        seconds = time.monotonic() - self._start
        if metrics is not None:
            metrics.answered(status, seconds, self.timings, self.model, problem)
        if self._path in PROBES and status < 400:
            return
        record: dict[str, object] = {
            "request_id": self._request_id,
            "method": self._method,
            "path": self._path,
            "status": status,
            "milliseconds": round(seconds * 1000, 1),
        }
        if self.model is not None:
            record["model"] = self.model
        if self.strength != 1:
            record["strength"] = self.strength
        record |= {f"{name}_milliseconds": round(value * 1000, 1) for name, value in self.timings.seconds.items()}
        if problem is not None:
            record |= {"code": problem.code, "detail": problem.detail}
        access_log.info("answered", extra=record)
