"""The metrics of the service, for Prometheus."""

import functools
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from http_edge.access_metrics import AccessMetrics
from http_edge.job_metrics import JobMetrics
from jobs.ledger import Ledger
from superscaling.enlarging import LoadedModels
from superscaling.errors import QueueFull, RateExceeded, ServiceError, TooManyRequests
from superscaling.geometry import MEGAPIXEL, Box, Cost
from superscaling.log_writer import lost_lines
from superscaling.pictures import Samples
from superscaling.scheduling import NO_LISTENER, SPANS, Admission, Plan, ProgressListener, Timings

# In seconds: from a thumbnail to more than a proxy's usual timeout.
BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 90, 180, 300, 600)
TILE_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
STEPS = tuple(span for span in SPANS if span != "queue")  # which has its own histogram
# The values of `ServiceError.decoder_failure`.
DECODER_FAILURES = ("crash", "time", "memory", "unavailable")
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The metrics of one service. `access`: of who is let in.

    Args:
        models: what is loaded.
        admission: the images in progress.
        ledger: the jobs; None: none are taken, and they have no metrics.
        watchers: counts the clients that follow a job's events.
        keys_are_valid: whether the file of API keys is valid now, or there is none.
    """

    def __init__(
        self,
        models: LoadedModels,
        admission: Admission,
        ledger: Ledger | None = None,
        watchers: Callable[[], float] = lambda: 0.0,
        keys_are_valid: Callable[[], bool] = lambda: True,
    ) -> None:
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.access = AccessMetrics(registry, keys_are_valid)
        registry.register(LostLines())
        self._jobs = JobMetrics(registry, ledger, watchers) if ledger is not None else None

        def gauge(name: str, text: str, read: Callable[[], float]) -> None:
            Gauge(name, text, registry=registry).set_function(read)

        _describe(models, registry)
        gauge("upscaler_queue_depth", "Images in progress: admitted and not answered.", lambda: admission.requests)
        gauge(
            "upscaler_queue_pixels",
            "Pixels of the images in progress, limited by UPSCALER_QUEUE_PIXELS.",
            lambda: admission.weighted_pixels,
        )
        gauge(
            "upscaler_queue_seconds",
            "Estimated seconds until all images in progress are done.",
            lambda: admission.seconds,
        )
        self._held = Gauge("upscaler_requests_in_progress", "Upscale requests that hold a slot.", registry=registry)
        self._requests = Counter(
            "upscaler_requests",
            "Upscale requests by status and model; without a model if they failed before it was known.",
            ["status", "model"],
            registry=registry,
        )
        self._errors = Counter("upscaler_errors", "Failed upscale requests by code.", ["code"], registry=registry)
        self._rejected = Counter(
            "upscaler_rejected", "Upscale requests rejected with 429, by reason.", ["reason"], registry=registry
        )
        self._conversions = Counter(
            "upscaler_conversions", "Results that were to be converted, by status.", ["status"], registry=registry
        )
        self._decoder_failures = Counter(
            "upscaler_decoder_failures",
            "Decoder processes that ended during a request, by reason.",
            ["reason"],
            registry=registry,
        )
        self._seconds = Histogram(
            "upscaler_request_duration_seconds",
            "Seconds of admitted upscale requests, from the head to the end of the answer, or to the failure.",
            registry=registry,
            buckets=BUCKETS,
        )
        self._spans = Histogram(
            "upscaler_request_span_duration_seconds",
            "Seconds of admitted upscale requests in each step that they reached.",
            ["span"],
            registry=registry,
            buckets=BUCKETS,
        )
        self._waits = Histogram(
            "upscaler_queue_wait_seconds",
            "Seconds that admitted upscale requests waited for inference.",
            registry=registry,
            buckets=BUCKETS,
        )
        self._tiles = Counter("upscaler_tiles", "Tiles processed by the network.", ["model"], registry=registry)
        self._tile_seconds = Histogram(
            "upscaler_tile_duration_seconds",
            "Seconds of inference for one tile.",
            ["model"],
            registry=registry,
            buckets=TILE_BUCKETS,
        )
        self._pixels = Counter(
            "upscaler_input_pixels", "Pixels of images that were enlarged.", ["model"], registry=registry
        )
        self._unread = Counter(
            "upscaler_answers_unread",
            "Connections that were reset as their clients did not read an answer in time.",
            registry=registry,
        )
        self._rate_store_failures = Counter(
            "upscaler_rate_store_failures",
            "Questions to the shared store of rates that failed, so that this process counted for itself.",
            registry=registry,
        )
        self._rate_store_up = Gauge(
            "upscaler_rate_store_up",
            "1, or 0 while this process counts rates for itself as their shared store fails.",
            registry=registry,
        )
        self._rate_store_up.set(1)
        # These start at 0, so that the first event is an increase.
        for model in models:
            for metric in (self._tiles, self._tile_seconds, self._pixels):
                metric.labels(model.name)
        for error in (TooManyRequests, QueueFull, RateExceeded):
            self._rejected.labels(error.code)
        self._conversions.labels(200)
        for reason in DECODER_FAILURES:
            self._decoder_failures.labels(reason)
        for span in STEPS:
            self._spans.labels(span)

    def to_text(self) -> str:
        """All metrics in Prometheus' text format."""
        return generate_latest(self._registry).decode()

    def request_begins(self) -> None:
        """Count an upscale request that has taken a slot."""
        self._held.inc()

    def request_ends(self) -> None:
        """Count an upscale request that has given its slot back."""
        self._held.dec()

    def answer_unread(self) -> None:
        """Count a connection that is reset, as its client has not read its answer in time."""
        self._unread.inc()

    def rate_store_answers(self, is_up: bool) -> None:
        """Count a failure of the shared store of rates, or note that it answers again."""
        self._rate_store_up.set(is_up)
        if not is_up:
            self._rate_store_failures.inc()

    def tile_done(self, model: str, seconds: float) -> None:
        """Count a tile of a loaded model, and the seconds of its inference."""
        self._tiles.labels(model).inc()
        self._tile_seconds.labels(model).observe(seconds)

    def answered(
        self, status: int, seconds: float, timings: Timings, model: str | None, problem: ServiceError | None
    ) -> None:
        """Count an upscale request at its end.

        Args:
            status: of the answer; 499 if the client disconnected.
            seconds: from the end of the head to the end of the answer.
            timings: of the request; without pixels if it was not admitted.
            model: the name of a loaded model; None: the request failed before it was known which.
            problem: why it failed.
        """
        self._requests.labels(status, model or "").inc()
        if problem is not None:
            self._errors.labels(problem.code).inc()
            if problem.status == 429:
                self._rejected.labels(problem.code).inc()
        self._count_decoder_failure(problem)
        if not timings.pixels:
            return  # not admitted
        # Failures, too: otherwise a service that misses every deadline would look healthy.
        self._seconds.observe(seconds)
        self._waits.observe(timings.seconds["queue"])
        for span in STEPS:
            if span in timings.seconds:
                self._spans.labels(span).observe(timings.seconds[span])
        if problem is None:
            self._pixels.labels(model).inc(timings.pixels)

    def job_request_answered(
        self, status: int, seconds: float, timings: Timings, model: str | None, problem: ServiceError | None
    ) -> None:
        """Count a request for a job at its end. Args: as `answered`."""
        if self._jobs is not None:
            self._jobs.request_answered(status)
        self._count_decoder_failure(problem)

    def converted(
        self, status: int, seconds: float, timings: Timings, model: str | None, problem: ServiceError | None
    ) -> None:
        """Count a request for a result in another format at its end. Args: as `answered`."""
        self._conversions.labels(status).inc()
        self._count_decoder_failure(problem)

    def _count_decoder_failure(self, problem: ServiceError | None) -> None:
        if problem is not None and problem.decoder_failure is not None:
            self._decoder_failures.labels(problem.decoder_failure).inc()


class TileMetrics:
    """A progress listener that counts each inferred tile of a model, and passes everything on to another listener."""

    def __init__(self, metrics: Metrics, model: str, listener: ProgressListener = NO_LISTENER) -> None:
        self._metrics = metrics
        self._model = model
        self._listener = listener

    def accepted(self, plan: Plan) -> None:
        """Pass it on."""
        self._listener.accepted(plan)

    def begin_pass(self, frame: int | None) -> None:
        """Pass it on."""
        self._listener.begin_pass(frame)

    def part_done(self, box: Box, pixels: Samples) -> None:
        """Pass it on."""
        self._listener.part_done(box, pixels)

    def tile_done(self, timings: Timings) -> None:
        """Count the tile and its inference time, then pass it on."""
        if timings.tile_seconds:  # a tile of one colour takes none
            self._metrics.tile_done(self._model, timings.tile_seconds)
        self._listener.tile_done(timings)


class LostLines(Collector):
    """Counts the lines that the log has lost, which this module does not see happen."""

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The counter, with its value of now."""
        text = "Log lines that nobody read in time, or that could not be written."
        yield CounterMetricFamily("upscaler_log_lines_lost", text, value=lost_lines())


def _describe(models: LoadedModels, registry: CollectorRegistry) -> None:
    """Declare what is constant about each model, and its speed."""
    info = Info("upscaler_model", "The loaded models and how they are run.", ["model"], registry=registry)
    speed = Gauge(
        "upscaler_pixels_per_second",
        "Moving average of the speed of inference; 0 until it was measured.",
        ["model"],
        registry=registry,
    )
    for model in models:
        facts = model.facts
        info.labels(model.name).info(
            {
                "default": str(model is models.default).lower(),
                "sha256": model.sha256,
                "kind": facts.kind,
                "engine": facts.engine,
                "precision": facts.precision,
                "device": facts.device,
                "threads": str(facts.threads),
                "views": str(facts.views),
            }
        )
        speed.labels(model.name).set_function(functools.partial(_speed, model.upscaler.seconds_for))


def _speed(seconds_for: Callable[[Cost], float]) -> float:
    seconds = seconds_for(Cost(area=MEGAPIXEL))
    return MEGAPIXEL / seconds if seconds else 0.0
