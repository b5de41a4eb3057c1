"""The metrics of jobs: those without an end, in all processes, and what this process did."""

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from jobs.ledger import Ledger
from jobs.observer import BlockOutcome, WebhookOutcome
from jobs.overview import OpenJobs, Overview
from message_protocol import JobState

# In seconds, around `UPSCALER_JOBS_BLOCK_SECONDS`.
BUCKETS = (0.5, 1, 2.5, 5, 10, 15, 20, 30, 60, 120)
# Of requests for jobs: those that are taken, and those that alerts watch.
STATUSES = (202, 429, 503)


class JobMetrics:
    """Observes jobs, and adds their metrics to a registry.

    Args:
        registry: of all metrics.
        ledger: knows the jobs; this becomes its observer.
        watchers: counts the clients that follow a job's events.
    """

    def __init__(self, registry: CollectorRegistry, ledger: Ledger, watchers: Callable[[], float]) -> None:
        self._overview = overview = Overview(ledger)
        states = Gauge("upscaler_jobs", "Jobs that have not ended, of all processes.", ["state"], registry=registry)
        states.labels(JobState.QUEUED).set_function(lambda: overview.open_jobs().queued)
        states.labels(JobState.RUNNING).set_function(lambda: overview.open_jobs().running)

        def gauge(name: str, text: str, read: Callable[[OpenJobs], float]) -> None:
            Gauge(name, text, registry=registry).set_function(lambda: read(overview.open_jobs()))

        gauge("upscaler_jobs_oldest_seconds", "Age of the oldest job that has not ended; 0 without one.", _age)
        gauge(
            "upscaler_jobs_pixels",
            "Pixels of the jobs that have not ended, limited by UPSCALER_JOBS_QUEUE_PIXELS.",
            lambda jobs: jobs.pixels,
        )
        gauge("upscaler_jobs_pixels_limit", "UPSCALER_JOBS_QUEUE_PIXELS.", lambda _: ledger.queue_pixels)
        watched = Gauge("upscaler_job_watchers", "Clients that follow a job's events.", registry=registry)
        watched.set_function(watchers)
        self._requests = Counter(
            "upscaler_job_requests", "Requests for jobs (POST /jobs) by status.", ["status"], registry=registry
        )
        self._ended = Counter(
            "upscaler_jobs_ended", "Jobs that this process took or ended, by their end.", ["state"], registry=registry
        )
        self._blocks = Counter("upscaler_job_blocks", "Blocks of this process.", ["outcome"], registry=registry)
        self._block_seconds = Histogram(
            "upscaler_job_block_duration_seconds",
            "Seconds of the blocks that this process made.",
            registry=registry,
            buckets=BUCKETS,
        )
        self._store_failures = Counter(
            "upscaler_job_store_failures", "How often this process could not use the store.", registry=registry
        )
        self._webhooks = Counter(
            "upscaler_job_webhooks", "Attempts of this process to report an end.", ["outcome"], registry=registry
        )
        # These start at 0, so that the first event is an increase.
        for status in STATUSES:
            self._requests.labels(status)
        for state in JobState:
            if state.is_end:
                self._ended.labels(state)
        for block in BlockOutcome:
            self._blocks.labels(block)
        for webhook in WebhookOutcome:
            self._webhooks.labels(webhook)
        ledger.observer = self

    def request_answered(self, status: int) -> None:
        """Count a request for a job."""
        self._requests.labels(status).inc()

    def job_added(self, job_id: str) -> None:
        """Its end will be counted, wherever the job ends."""
        self._overview.await_end(job_id)

    def job_ended(self, job_id: str, state: JobState) -> None:
        """Count it."""
        self._overview.forget(job_id)
        self._ended.labels(state).inc()

    def block(self, outcome: BlockOutcome, seconds: float) -> None:
        """Count it, and the time of what was made."""
        self._blocks.labels(outcome).inc()
        if outcome in (BlockOutcome.MADE, BlockOutcome.AGAIN):
            self._block_seconds.observe(seconds)

    def store_failed(self) -> None:
        """Count it."""
        self._store_failures.inc()

    def webhook(self, outcome: WebhookOutcome) -> None:
        """Count it."""
        self._webhooks.labels(outcome).inc()


def _age(jobs: OpenJobs) -> float:
    return 0.0 if jobs.created is None else max(0.0, time.time() - jobs.created)
