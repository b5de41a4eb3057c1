"""Spans, as a collector on this machine gets them: OTLP, parsed by OpenTelemetry's own messages."""

import io
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from conftest import ROOT, Server, StartServer, encoded, free_port, photograph, wait_for
from fakes import noise
from job_fakes import Fleet
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from benchmarks.trace_collector import Collector, SentSpan
from jobs.acceptance import add
from jobs.ids import new_id
from jobs.records import Job
from message_protocol import JobState
from superscaling import tracing
from superscaling.errors import EngineFailed
from superscaling.format_name import FormatName
from superscaling.logs import TextFormatter, TraceFilter
from superscaling.scheduling import Deadline, Timings
from superscaling.settings import Settings
from superscaling.upscale_options import UpscaleOptions

TRACE, PARENT_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{PARENT_ID}-01"


def only(collector: Collector, name: str) -> SentSpan:
    """The only span of this name, which may be on its way."""
    assert wait_for(lambda: bool(collector.named(name)), 60), [each.name for each in collector.spans]
    (span,) = collector.named(name)
    return span


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


@pytest.fixture
def traced(collector: Collector) -> Iterator[Collector]:
    """This process sends its spans to the collector, at the latest when tracing stops."""
    tracing.start_tracing(Settings(traces_url=collector.url), "test")
    yield collector
    tracing.stop_tracing()


def test_spans_have_parents(traced: Collector) -> None:
    with tracing.span("outer", PARENT, {"upscaler.job": "j"}) as outer:
        assert tracing.current() is outer
        assert outer.traceparent is not None
        with tracing.span("inner", attributes={"upscaler.tiles": 7}):
            pass
    assert tracing.current() is tracing.NO_SPAN
    tracing.stop_tracing()
    sent_outer, sent_inner = only(traced, "outer"), only(traced, "inner")
    assert sent_outer.resource["service.name"] == "test"
    assert traced.paths == {"/v1/traces"}
    assert sent_outer.trace_id == sent_inner.trace_id == outer.trace_id == TRACE
    assert sent_outer.parent_id == PARENT_ID
    assert sent_inner.parent_id == sent_outer.id
    assert outer.traceparent == f"00-{TRACE}-{sent_outer.id}-01"
    assert sent_inner.attributes == {"upscaler.tiles": 7}


@pytest.mark.parametrize(
    "parent",
    [
        "",
        "nonsense",
        f"00-{TRACE}-{PARENT_ID}",
        f"00-{TRACE.upper()}-{PARENT_ID}-01",
        f"00-{'0' * 32}-{PARENT_ID}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{PARENT_ID}-01",
        f"00-{TRACE}-{PARENT_ID}-01-more",
        f"{PARENT},{PARENT}",
        f"00-{TRACE}é-{PARENT_ID}-01",
        PARENT + " " * 600,
    ],
)
def test_what_is_no_parent_is_ignored(traced: Collector, parent: str, caplog: pytest.LogCaptureFixture) -> None:
    """Anyone can send a header: it begins no error, no line in the log, and no trace of its own choice."""
    with tracing.span("alone", parent) as span:
        assert span.trace_id != TRACE
    tracing.stop_tracing()
    assert only(traced, "alone").parent_id == ""
    assert not caplog.records


def test_a_parent_that_is_not_recorded(traced: Collector) -> None:
    """The caller's sampling holds for the whole trace."""
    with tracing.span("unseen", f"00-{TRACE}-{PARENT_ID}-00") as span:
        assert span.traceparent is not None
        assert span.traceparent.endswith("-00")
    with tracing.span("seen"):
        pass
    tracing.stop_tracing()
    assert [each.name for each in traced.spans] == ["seen"]


def test_failures(traced: Collector) -> None:
    with pytest.raises(EngineFailed), tracing.span("engine"):
        raise EngineFailed("broken")
    with pytest.raises(ZeroDivisionError), tracing.span("defect"):
        raise ZeroDivisionError
    tracing.stop_tracing()
    for name, error in (("engine", EngineFailed.code), ("defect", "ZeroDivisionError")):
        span = only(traced, name)
        assert span.span.status.code == Status.STATUS_CODE_ERROR
        assert span.attributes == {"error.type": error}


def test_steps(traced: Collector) -> None:
    """However many tiles there are, "queue" and "infer" are a span each."""
    timings = Timings()
    with tracing.span("work") as work:
        begun = time.time()
        for _ in range(3):
            for name in ("queue", "infer"):
                with timings.span(name):
                    time.sleep(0.01)
        work.add_steps(timings.seconds, timings.periods)
    tracing.stop_tracing()
    for name in ("queue", "infer"):
        span = only(traced, name)
        assert span.parent_id == only(traced, "work").id
        assert 0.03 <= span.attributes["upscaler.seconds"] == timings.seconds[name] <= span.seconds + 0.001
        assert span.seconds >= 0.05, "from the first tile to the last one"
        assert abs(span.begin - begun) < 5


def test_records_say_their_trace(traced: Collector) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(TraceFilter())
    handler.setFormatter(TextFormatter())
    log = logging.Logger("of-a-test")
    log.addHandler(handler)
    with tracing.span("work", PARENT):
        log.warning("within")
    log.warning("outside")
    assert stream.getvalue() == f'within trace_id="{TRACE}"\noutside\n'


def test_a_job_belongs_to_the_trace_of_its_request(traced: Collector, tmp_path: Path) -> None:
    """Its steps know the trace from the store, wherever they run."""
    fleet = Fleet(tmp_path)
    ledger, steps = fleet.ledger, fleet.worker(1e-9)  # so that each part is a block
    image = encoded(noise(600, 24))
    with tracing.span("request"):
        trace = tracing.current().traceparent
    job = Job(new_id(), "", 0.0, UpscaleOptions(), "queue", FormatName.PNG, 600 * 24, request_id="r1", trace=trace)
    add(ledger, job, image)
    plan = steps.plan(job.id, 1, Deadline())
    assert plan is not None
    for number in range(len(plan.blocks)):
        steps.block(job.id, number, Deadline())
    steps.join(job.id, Deadline())
    end = ledger.end(job.id)
    assert end is not None
    assert end.state is JobState.DONE
    tracing.stop_tracing()

    request = only(traced, "request")
    blocks = traced.named("job block")
    assert [span.attributes["upscaler.step"] for span in blocks] == [f"block-{n}" for n in range(len(plan.blocks))]
    assert sum(span.attributes["upscaler.tiles"] for span in blocks) == plan.tiles
    for span in (only(traced, "job plan"), *blocks, only(traced, "job join")):
        assert (span.trace_id, span.parent_id) == (request.trace_id, request.id)
        assert span.attributes["upscaler.job"] == job.id
        assert span.attributes["upscaler.request_id"] == "r1"
    inferred = [span for span in traced.named("infer") if span.parent_id == blocks[-1].id]
    assert len(inferred) == 1


def test_without_a_collector_nothing_is_imported() -> None:
    code = """
import sys, threading
import http_edge.request_lifecycle, jobs.steps
from superscaling import tracing
from superscaling.settings import Settings
tracing.start_tracing(Settings(), "test")
with tracing.span("work", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01") as span:
    assert span.traceparent is None
tracing.stop_tracing()
assert not [name for name in sys.modules if name.startswith("opentelemetry")]
assert threading.active_count() == 1
"""
    subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(ROOT)}, check=True, timeout=120)


@pytest.mark.parametrize(
    ("variable", "path", "asked"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "", "/v1/traces"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "/otlp/", "/otlp/v1/traces"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "/spans", "/spans"),
    ],
)
def test_a_collector_of_opentelemetrys_variables(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, variable: str, path: str, asked: str
) -> None:
    monkeypatch.setenv(variable, collector.url + path)
    tracing.start_tracing(Settings(), "test")
    tracing.begin("work").end()
    tracing.stop_tracing()
    assert only(collector, "work").resource["service.name"] == "test"
    assert collector.paths == {asked}


@pytest.mark.parametrize(("variable", "value"), [("OTEL_SDK_DISABLED", "TRUE"), ("OTEL_TRACES_EXPORTER", "none")])
def test_opentelemetrys_variables_turn_it_off(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    tracing.start_tracing(Settings(traces_url=collector.url), "test")
    assert tracing.begin("work") is tracing.NO_SPAN


def test_a_collector_that_is_away_delays_nothing(caplog: pytest.LogCaptureFixture) -> None:
    tracing.start_tracing(Settings(traces_url=f"http://127.0.0.1:{free_port()}"), "test")
    start = time.monotonic()
    for _ in range(2 * tracing.MAX_WAITING):
        tracing.begin("work").end()
    assert time.monotonic() - start < 5
    tracing.stop_tracing()
    assert time.monotonic() - start < 30
    assert len(caplog.records) <= 2, "once a minute and logger"
    assert caplog.records


def test_a_collector_that_does_not_answer_ends_with_the_process(collector: Collector) -> None:
    """What is never answered is given up."""
    collector.stop_reading()  # connections are accepted by the system, and nobody reads them
    tracing.start_tracing(Settings(traces_url=collector.url), "test")
    tracing.begin("work").end()
    start = time.monotonic()
    tracing.stop_tracing()
    assert time.monotonic() - start < 15


def test_requests(start_server: StartServer, collector: Collector, tmp_path: Path) -> None:
    server = start_server(UPSCALER_TRACES_URL=collector.url, UPSCALER_JOBS_STORE=str(tmp_path))
    headers = {"traceparent": PARENT, "X-Request-ID": "mine", "Content-Type": "application/octet-stream"}
    picture = encoded(photograph(40, 60))
    assert httpx.post(f"{server.url}/upscale", content=picture, headers=headers, timeout=60).status_code == 200
    assert httpx.get(f"{server.url}/nothing").status_code == 404
    httpx.request("MADE-UP", f"{server.url}/ping")
    httpx.request("MADE-UP", f"{server.url}/models")

    span = only(collector, "POST /upscale")
    assert span.resource["service.name"] == "image-super-scaling"
    assert (span.trace_id, span.parent_id) == (TRACE, PARENT_ID)
    assert span.span.kind == Span.SPAN_KIND_SERVER
    assert span.attributes == {
        "http.request.method": "POST",
        "http.route": "/upscale",
        "http.response.status_code": 200,
        "upscaler.request_id": "mine",
        "upscaler.model": "noise-cancel-plain",
    }
    for name in ("decode", "queue", "infer", "encode"):
        step = only(collector, name)
        assert step.parent_id == span.id
        assert span.begin - 0.01 <= step.begin
        assert step.end <= span.end + 0.01
    unknown = only(collector, "GET")
    assert unknown.trace_id != span.trace_id
    assert unknown.span.status.code == Status.STATUS_CODE_UNSET, "a client's mistake"
    assert only(collector, "_OTHER").parent_id == ""
    (line,) = (each for each in server.logged().splitlines() if 'path="/upscale"' in each)
    assert f'trace_id="{TRACE}"' in line
    take_a_job(server, collector)
    # Probes are no news; what was not sent yet is sent at the end.
    httpx.get(f"{server.url}/ping")
    httpx.get(f"{server.url}/openapi.json")
    assert server.stop() == 0
    assert collector.named("GET /openapi.json")
    assert not collector.named("GET /ping")


def take_a_job(server: Server, collector: Collector) -> None:
    """From the request to the block, which another thread has made."""
    parent = f"00-{'7' * 32}-{PARENT_ID}-01"
    headers = {"traceparent": parent, "Content-Type": "application/octet-stream"}
    answer = httpx.post(f"{server.url}/jobs", content=encoded(noise(30, 20)), headers=headers, timeout=60)
    assert answer.status_code == 202
    job = only(collector, "job join")
    request, block = only(collector, "POST /jobs"), only(collector, "job block")
    assert request.parent_id == PARENT_ID
    for span in (only(collector, "job plan"), block, job):
        assert (span.trace_id, span.parent_id) == (request.trace_id, request.id)
        assert span.attributes["upscaler.job"] == answer.json()["id"]
    assert block.attributes["upscaler.tiles"] == 1
