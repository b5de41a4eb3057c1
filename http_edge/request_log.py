"""What is left of a request: its line in the log, and its share of the metrics."""

import json
import logging
import time

from http_edge.metrics import Metrics
from superscaling.errors import ClientGone, ServiceError
from superscaling.scheduling import Timings

access_log = logging.getLogger("access")

# Probes come every few seconds: they are logged only when they fail.
PROBES = {"/ping", "/livez", "/readyz", "/metrics"}


class RequestLog:
    """One request, from its head on. `timings`: where its time went.

    Args:
        request_id, method, path: of the request.
    """

    def __init__(self, request_id: str, method: str, path: str) -> None:
        self.timings = Timings()
        self._request_id = request_id
        self._method = method
        self._path = path
        self._start = time.monotonic()

    def finish(self, status: int, metrics: Metrics | None, problem: ServiceError | None) -> None:
        """Write it down.

        Args:
            status: that the answer began with.
            metrics: where it counts; None: nowhere.
            problem: what the client was told instead of a result, or that it was not there to be told.
        """
        if isinstance(problem, ClientGone):
            status = problem.status  # also where the answer had begun well
        seconds = time.monotonic() - self._start
        if metrics is not None:
            metrics.answered(status, seconds, self.timings, problem)
        if self._path in PROBES and status < 400:
            return
        record: dict[str, object] = {
            "request_id": self._request_id,
            "method": self._method,
            "path": self._path,
            "status": status,
            "milliseconds": round(seconds * 1000, 1),
        }
        record |= {f"{name}_milliseconds": round(value * 1000, 1) for name, value in self.timings.seconds.items()}
        if problem is not None:
            record |= {"code": problem.code, "detail": problem.detail}
        # As JSON values, so that nothing a client sends can pass for a line or a field of its own.
        text = " ".join(f"{name}={json.dumps(value)}" for name, value in record.items())
        access_log.info(text, extra=record)
