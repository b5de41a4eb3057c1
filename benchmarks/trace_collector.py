"""An OpenTelemetry collector that keeps what it is sent: OTLP over HTTP, parsed by OpenTelemetry's own messages."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

POLL = 0.02  # s between two looks whether to stop


@dataclass(frozen=True)
class SentSpan:
    """`attributes` of the span, `resource`: those of the process that sent it; `begin`, `end`: seconds since 1970."""

    span: Span
    attributes: dict[str, Any]
    resource: dict[str, Any]

    @property
    def name(self) -> str:
        """Of what was done."""
        return self.span.name

    @property
    def trace_id(self) -> str:
        """32 hex digits."""
        return self.span.trace_id.hex()

    @property
    def id(self) -> str:
        """16 hex digits."""
        return self.span.span_id.hex()

    @property
    def parent_id(self) -> str:
        """16 hex digits, or none."""
        return self.span.parent_span_id.hex()

    @property
    def begin(self) -> float:
        """When it began."""
        return self.span.start_time_unix_nano / 1e9

    @property
    def end(self) -> float:
        """When it ended."""
        return self.span.end_time_unix_nano / 1e9

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.end - self.begin


class Collector:
    """Listens on a free port of 127.0.0.1, at `url`. `spans`: what was sent; `paths`: where to."""

    def __init__(self) -> None:
        self.spans: list[SentSpan] = []
        self.paths: set[str] = set()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                message = ExportTraceServiceRequest()
                message.ParseFromString(self.rfile.read(int(self.headers["Content-Length"])))
                collector.keep(self.path, message)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(POLL,), daemon=True).start()

    def keep(self, path: str, message: ExportTraceServiceRequest) -> None:
        """Keep the spans of a message that was sent to `path`."""
        self.paths.add(path)
        for sent in message.resource_spans:
            resource = _values(sent.resource.attributes)
            for scope in sent.scope_spans:
                self.spans += (SentSpan(span, _values(span.attributes), resource) for span in scope.spans)

    def named(self, name: str) -> list[SentSpan]:
        """The spans of this name, in the order in which they were sent."""
        return [each for each in list(self.spans) if each.name == name]

    def stop_reading(self) -> None:
        """Accept connections, and never answer."""
        self._server.shutdown()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


def _values(attributes: Iterable[KeyValue]) -> dict[str, Any]:
    return {each.key: getattr(each.value, str(each.value.WhichOneof("value"))) for each in attributes}
