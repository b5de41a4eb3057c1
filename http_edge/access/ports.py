"""Which port has which routes."""

from flask import Request
from werkzeug.exceptions import NotFound

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
        if is_at_metrics != (request.endpoint == METRICS):
            raise NotFound
