"""Spans of requests and jobs, for an OpenTelemetry collector. Without one, nothing of OpenTelemetry is imported.

A job's steps are spans of the trace of the request that submitted it, wherever they run: `Span.traceparent` names it,
as W3C Trace Context writes it. Spans are sent from a thread in the background. If the collector is slow or away, they
are dropped; nothing waits for it but the end of the process, for some seconds.

The collector is the one of the settings, or of OpenTelemetry's own variables, which also have sampling, headers and
resource attributes: `OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_TRACES_SAMPLER`, and so on
(https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
"""

import contextlib
import functools
import logging
import time
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING

from superscaling.errors import ServiceError
from superscaling.settings import Settings, sends_traces
from superscaling.version import __version__

if TYPE_CHECKING:
    from opentelemetry import trace
    from opentelemetry.context import Context

Attributes = Mapping[str, str | int | float | bool]
NO_ATTRIBUTES: Attributes = {}

# Spans that wait for the collector, at most, and those of one message. The latter takes so many seconds at most; so the
# end of a process waits for three times that, if the collector takes no messages.
MAX_WAITING = 2048
BATCH = 1024
EXPORT_TIMEOUT = 2.0
# Seconds between two messages, and between two lines in the log about a collector that is away.
INTERVAL = 2.0
LOG_INTERVAL = 60.0
# What logs each failure to send spans.
TALKATIVE = ("opentelemetry.exporter.otlp.proto.http.trace_exporter", "opentelemetry.sdk._shared_internal")
# What is longer is no `traceparent`; the library would log it.
MAX_TRACEPARENT = 512


class Span:
    """A piece of work that is measured; this one measures nothing.

    `traceparent`: names it to other processes; `trace_id`: of its trace, 32 hex digits; None if it is not recorded.
    """

    traceparent: str | None = None
    trace_id: str | None = None

    def set(self, attributes: Attributes) -> None:
        """Say more of it."""

    def fail(self, error: str) -> None:
        """Mark it as failed, for the reason `error`, which is one of few."""

    def add_steps(self, seconds: Mapping[str, float], periods: Mapping[str, tuple[float, float]]) -> None:
        """Add what it did as spans of its own, one for each name.

        Args:
            seconds: that were spent, by name.
            periods: first begin and latest end, by `time.perf_counter`. Periods may overlap, as steps take turns.
        """

    def end(self) -> None:
        """It is over."""


NO_SPAN = Span()
_current = ContextVar("span", default=NO_SPAN)
_tracing: "_Tracing | None" = None


def start_tracing(settings: Settings, service: str) -> None:
    """Begin to record spans in this process, if there is a collector. To be called after a fork.

    Args:
        settings: name the collector, unless OpenTelemetry's own variables do.
        service: what the process is: `service.name` of its spans, unless `OTEL_SERVICE_NAME` says otherwise.
    """
    global _tracing
    if _tracing is None and sends_traces(settings):
        _tracing = _Tracing(settings.traces_url, service)


def stop_tracing() -> None:
    """Send what was recorded, for some seconds at most. A process that ends as usual need not call it."""
    global _tracing
    if _tracing is not None:
        _tracing.stop()
        _tracing = None


def begin(
    name: str, parent: str | None = None, attributes: Attributes = NO_ATTRIBUTES, is_server: bool = False
) -> Span:
    """Begin a span, which is to be ended.

    Args:
        name: one of few.
        parent: a `traceparent`, of anyone; without a valid one the current span is the parent, if there is one.
        attributes: by the names of OpenTelemetry's semantic conventions, where these have one.
        is_server: whether it is the answer to a request.
    """
    return NO_SPAN if _tracing is None else _tracing.begin(name, parent, attributes, is_server)


def current() -> Span:
    """The span of what this thread does."""
    return _current.get()


def trace_id_of(traceparent: str | None) -> str | None:
    """The trace that one of our own `traceparent`s names, 32 hex digits."""
    return None if traceparent is None else traceparent.split("-")[1]


def activate(span: Span) -> None:
    """Make a span the current one of this thread, until another is."""
    _current.set(span)


@contextlib.contextmanager
def span(name: str, parent: str | None = None, attributes: Attributes = NO_ATTRIBUTES) -> Iterator[Span]:
    """A span of what is done within, which is the current one there. The arguments are those of `begin`."""
    if _tracing is None:
        yield NO_SPAN
        return
    begun = begin(name, parent, attributes)
    token = _current.set(begun)
    try:
        yield begun
    except Exception as exc:
        begun.fail(exc.code if isinstance(exc, ServiceError) else type(exc).__name__)
        raise
    finally:
        _current.reset(token)
        begun.end()


class _Tracing:
    """All that is imported of OpenTelemetry, late: it takes 0.2 s and 10 MB."""

    def __init__(self, url: str, service: str) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        self._filters = [(logging.getLogger(name), _Seldom()) for name in TALKATIVE]
        for logger, seldom in self._filters:
            logger.addFilter(seldom)
        resource = Resource.create({"service.name": service, "service.version": __version__})
        self.provider: TracerProvider = TracerProvider(resource=resource)
        path = "" if url.endswith("/v1/traces") else "/v1/traces"
        exporter = OTLPSpanExporter(url.rstrip("/") + path if url else None, timeout=EXPORT_TIMEOUT)
        self.provider.add_span_processor(BatchSpanProcessor(exporter, MAX_WAITING, INTERVAL * 1000, BATCH))
        self.tracer = self.provider.get_tracer("superscaling", __version__)

    def stop(self) -> None:
        """Send what was recorded, and leave the loggers as they were."""
        self.provider.shutdown()
        for logger, seldom in self._filters:
            logger.removeFilter(seldom)

    def begin(self, name: str, parent: str | None, attributes: Attributes, is_server: bool) -> Span:
        from opentelemetry.trace import SpanKind

        kind = SpanKind.SERVER if is_server else SpanKind.INTERNAL
        return _Recorded(self, self.tracer.start_span(name, self._context(parent), kind, attributes))

    def _context(self, parent: str | None) -> "Context":
        """The context that has a span's parent."""
        from opentelemetry.context import Context
        from opentelemetry.trace import get_current_span
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        if parent is not None and len(parent) <= MAX_TRACEPARENT:
            context = TraceContextTextMapPropagator().extract({"traceparent": parent}, Context())
            if get_current_span(context).get_span_context().is_valid:
                return context
        around = current()
        return around.context if isinstance(around, _Recorded) else Context()


class _Recorded(Span):
    """A span of OpenTelemetry's."""

    def __init__(self, tracing: _Tracing, recorded: "trace.Span") -> None:
        self._tracing = tracing
        self._recorded = recorded
        context = recorded.get_span_context()
        self.trace_id = f"{context.trace_id:032x}"
        self.traceparent = f"00-{self.trace_id}-{context.span_id:016x}-{context.trace_flags:02x}"

    @functools.cached_property
    def context(self) -> "Context":
        """For the spans within."""
        from opentelemetry.context import Context
        from opentelemetry.trace import set_span_in_context

        return set_span_in_context(self._recorded, Context())

    def set(self, attributes: Attributes) -> None:
        self._recorded.set_attributes(attributes)

    def fail(self, error: str) -> None:
        from opentelemetry.trace import StatusCode

        self._recorded.set_attribute("error.type", error)
        self._recorded.set_status(StatusCode.ERROR)

    def add_steps(self, seconds: Mapping[str, float], periods: Mapping[str, tuple[float, float]]) -> None:
        offset = time.time() - time.perf_counter()
        for name, (first, last) in periods.items():
            attributes = {"upscaler.seconds": seconds[name]}
            begin, end = (round((moment + offset) * 1e9) for moment in (first, last))
            self._tracing.tracer.start_span(name, self.context, attributes=attributes, start_time=begin).end(end)

    def end(self) -> None:
        self._recorded.end()


class _Seldom(logging.Filter):
    """Lets a logger say something once a minute."""

    def __init__(self) -> None:
        super().__init__()
        self._next = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is time."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + LOG_INTERVAL
        return True
