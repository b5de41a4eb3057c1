"""Which port has which routes."""

from flask import Request, current_app
from werkzeug.exceptions import MethodNotAllowed, NotFound

METRICS = "prometheus"


class PortCheck:
    """Keeps the metrics on a port of their own, if they have one: nothing else is there, and they are nowhere else.

    Args:
        metrics_port: 0: they have none.
    """

    def __init__(self, metrics_port: int) -> None:
        self._metrics_port = str(metrics_port) if metrics_port else None

    def check(self, request: Request) -> None:
        """Let a request pass that has come to the right port.

        Raises:
            NotFound: there is no such route on this port.
        """
        if self._metrics_port is None:
            return
        # The port of the socket, whatever the request says of its host.
        is_at_metrics = request.environ.get("SERVER_PORT") == self._metrics_port
        if is_at_metrics != (_matched(request) == METRICS):
            raise NotFound


def _matched(request: Request) -> str | None:
    """The endpoint that a request's path has, also for other methods; None: it has none."""
    adapter, failure = current_app.create_url_adapter(request), request.routing_exception
    if adapter is not None and isinstance(failure, MethodNotAllowed) and failure.valid_methods:
        endpoint: str = adapter.match(method=next(iter(failure.valid_methods)))[0]
        return endpoint
    return request.endpoint
