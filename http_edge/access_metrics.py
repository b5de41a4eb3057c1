"""The metrics of who is let in."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge

from superscaling.api_keys import Refusal


class AccessMetrics:
    """Counts who is turned away, and adds the metrics to a registry. No label is a name of a client.

    Args:
        registry: of all metrics.
        keys_are_valid: whether the file of API keys is valid now, or there is none.
    """

    def __init__(self, registry: CollectorRegistry, keys_are_valid: Callable[[], bool]) -> None:
        Gauge(
            "upscaler_api_keys_file_valid",
            "1; 0 while the file of API keys is invalid or missing, and the keys are those of its last valid state.",
            registry=registry,
        ).set_function(lambda: float(keys_are_valid()))
        self._unauthorized = Counter(
            "upscaler_unauthorized", "Requests without a valid API key (401), by reason.", ["reason"], registry=registry
        )
        for reason in Refusal:  # these start at 0, so that the first event is an increase
            self._unauthorized.labels(reason.value)

    def unauthorized(self, reason: Refusal) -> None:
        """Count a request."""
        self._unauthorized.labels(reason.value).inc()
