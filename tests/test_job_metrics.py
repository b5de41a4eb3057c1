"""Metrics of jobs, by way of real steps over a directory, parsed by Prometheus' own parser."""

import base64
import re
import threading
from http.server import HTTPServer
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, QuietHandler, encoded, free_port
from fakes import noise
from job_fakes import Fleet
from prometheus_client.parser import text_string_to_metric_families

from http_edge.metrics import Metrics
from jobs import overview
from jobs.acceptance import add
from jobs.attempts import MAX_TRIES
from jobs.deletion import forget
from jobs.directory_store import DirectoryStore
from jobs.ids import new_id
from jobs.ledger import Ledger, Status
from jobs.records import Job
from jobs.webhooks import Webhooks
from message_protocol import JobOutput
from outbound.hosts import HostList
from outbound.outlet import Outlet
from superscaling.errors import EngineFailed, StoreUnavailable
from superscaling.format_name import FormatName
from superscaling.scheduling import Admission, Deadline
from superscaling.upscale_options import UpscaleOptions

HEIGHT, WIDTH = 40, 20
PIXELS = HEIGHT * WIDTH
DEADLINE = Deadline()


class Service:
    """Metrics, and what they are of."""

    def __init__(self, folder: Path) -> None:
        self.fleet = Fleet(folder)
        self.ledger = self.fleet.ledger
        self.steps = self.fleet.worker(60)
        self.watchers = 0
        self.metrics = Metrics(self.fleet.models, Admission(10**6), self.ledger, lambda: self.watchers)

    def add(self, webhook: str | None = None) -> str:
        job = Job(new_id(), "", 0.0, UpscaleOptions(), "queue", FormatName.PNG, PIXELS, webhook=webhook)
        add(self.ledger, job, encoded(noise(HEIGHT, WIDTH)))
        return job.id

    def figures(self) -> dict[str, float]:
        """Samples of jobs by name and labels, without the prefix."""
        return {
            "".join((sample.name.removeprefix("upscaler_"), *sample.labels.values())): sample.value
            for family in text_string_to_metric_families(self.metrics.to_text())
            for sample in family.samples
            if sample.name.startswith("upscaler_job")
        }


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setattr(overview, "MAX_AGE", 0.0)
    return Service(tmp_path)


def test_a_job_from_its_beginning_to_its_end(service: Service) -> None:
    before = service.figures()
    assert before["jobsqueued"] == before["jobsrunning"] == before["jobs_oldest_seconds"] == before["jobs_pixels"] == 0
    assert before["jobs_pixels_limit"] == service.ledger.queue_pixels > 0
    for name in ("jobs_ended_totaldone", "job_blocks_totalgiven_up", "job_webhooks_totalfailed"):
        assert before[name] == 0, "so that the first is an increase"

    one, other = service.add(), service.add()
    figures = service.figures()
    assert (figures["jobsqueued"], figures["jobsrunning"], figures["jobs_pixels"]) == (2, 0, 2 * PIXELS)
    assert 0 < figures["jobs_oldest_seconds"] < 600

    assert service.steps.plan(one, 1, DEADLINE) is not None
    figures = service.figures()
    assert (figures["jobsqueued"], figures["jobsrunning"]) == (1, 1)

    assert service.steps.block(one, 0, DEADLINE) is not None
    service.steps.join(one, DEADLINE)
    assert service.ledger.cancel(other)
    figures = service.figures()
    assert (figures["jobsqueued"], figures["jobsrunning"], figures["jobs_pixels"]) == (0, 0, 0)
    assert (figures["jobs_ended_totaldone"], figures["jobs_ended_totalcancelled"]) == (1, 1)
    assert (figures["job_blocks_totalmade"], figures["job_block_duration_seconds_count"]) == (1, 1)
    assert service.figures() == figures, "nothing is counted again"


def test_what_ends_elsewhere_is_counted_where_it_was_taken(service: Service, tmp_path: Path) -> None:
    job_id = service.add()
    elsewhere = Ledger(DirectoryStore(tmp_path), 10**6)
    elsewhere.fail(job_id, EngineFailed("broken"))
    stranger = Service(tmp_path)
    stranger.figures()
    for _ in range(2):
        assert service.figures()["jobs_ended_totalfailed"] == 1
        assert stranger.figures()["jobs_ended_totalfailed"] == 0


def test_a_job_that_was_forgotten_has_no_end(service: Service) -> None:
    forget(service.ledger, service.add())
    figures = service.figures()
    assert sum(value for name, value in figures.items() if name.startswith("jobs_ended_total")) == 0


def test_outcomes_of_blocks(service: Service) -> None:
    job_id = service.add()
    service.steps.plan(job_id, 1, DEADLINE)
    service.fleet.failure = RuntimeError()
    with pytest.raises(EngineFailed):
        service.steps.block(job_id, 0, DEADLINE)
    service.fleet.failure = None
    service.ledger.work.begin(job_id, "block-0")  # by a worker that was killed then
    service.steps.block(job_id, 0, DEADLINE)
    service.ledger.store.delete(f"jobs/{job_id}/out/0")
    for _ in range(MAX_TRIES):
        service.ledger.work.begin(job_id, "block-0")
    service.steps.block(job_id, 0, DEADLINE)
    figures = service.figures()
    outcomes = {name: value for name, value in figures.items() if name.startswith("job_blocks_total")}
    assert outcomes == {
        "job_blocks_totalmade": 0,
        "job_blocks_totalagain": 1,
        "job_blocks_totalfailed": 1,
        "job_blocks_totalgiven_up": 1,
    }
    assert figures["job_block_duration_seconds_count"] == 1
    assert figures["jobs_ended_totalfailed"] == 1


def test_a_store_that_is_away(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last figures stay, and the failure is counted."""
    service.add()
    assert service.figures()["jobsqueued"] == 1

    def away(*_: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(service.ledger.store, "keys", away)
    figures = service.figures()
    assert figures["jobsqueued"] == 1
    assert service.figures()["job_store_failures_total"] > 0


def test_the_store_is_asked_now_and_then(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview, "MAX_AGE", 3600.0)
    monkeypatch.setattr(overview, "MAX_LOOKED_AT", 3)
    planned = [service.add() for _ in range(5)]
    for job_id in planned:
        service.steps.plan(job_id, 1, DEADLINE)
    asked = list[str]()
    has = service.ledger.store.has

    def ask(key: str) -> bool:
        asked.append(key)
        return has(key)

    monkeypatch.setattr(service.ledger.store, "has", ask)
    jobs = overview.Overview(service.ledger)
    assert [jobs.open_jobs().running for _ in range(3)] == [3, 3, 3]
    assert len(asked) == 3
    monkeypatch.setattr(overview, "MAX_AGE", 0.0)
    assert jobs.open_jobs().running == 5, "it goes on where it was"
    assert len(asked) == 5


def test_what_nobody_asks_for_is_forgotten(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview, "MAX_AWAITED", 2)
    jobs = [service.add() for _ in range(4)]
    for job_id in jobs:
        Ledger(service.ledger.store, 1).cancel(job_id)
    assert service.figures()["jobs_ended_totalcancelled"] == 2


def test_watchers(service: Service) -> None:
    service.watchers = 3
    assert service.figures()["job_watchers"] == 3


def test_webhooks(service: Service, tmp_path: Path) -> None:
    """One is delivered, one fails and will be tried again, one is no longer allowed."""
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    there, nowhere = f"127.0.0.1:{server.server_port}", f"127.0.0.1:{free_port()}"
    for host in (there, nowhere, "elsewhere"):
        service.ledger.cancel(service.add(webhook=f"http://{host}/hook"))
    secret = tmp_path / "secret"
    secret.write_text(f"whsec_{base64.b64encode(b'0' * 32).decode()}")
    outlet = Outlet(HostList("webhook_hosts", [there, nowhere]), ["127.0.0.0/8"])
    Webhooks(service.ledger, outlet, secret, told).deliver()
    thread.join()
    server.server_close()
    figures = service.figures()
    outcomes = [figures[f"job_webhooks_total{outcome}"] for outcome in ("delivered", "failed", "given_up")]
    assert outcomes == [1, 1, 1]


class Receiver(QuietHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()


def told(status: Status) -> JobOutput:
    return JobOutput(id=status.job.id, status=status.state, done=0, total=0)


def names_of(service: Service) -> set[str]:
    """All metrics of the service, as queries name them, without suffixes of histograms."""
    families = text_string_to_metric_families(service.metrics.to_text())
    ours = (family for family in families if family.name.startswith("upscaler_"))
    suffixes = {"counter": "_total", "info": "_info"}
    return {f"{each.name}{suffixes.get(each.type, '')}" for each in ours if not each.name.endswith("_created")}


def test_every_metric_is_documented(service: Service) -> None:
    text = (ROOT / "docs" / "operations.md").read_text().partition("\n## Metrics\n")[2].partition("\n## ")[0]
    cells = "".join(re.findall(r"^\| (`.*?`) \|", text, re.MULTILINE))
    documented = {f"upscaler_{name}" for name in re.findall(r"`([a-z_]+)(?:\{[a-z, …]*\})?`", cells)}
    assert documented == names_of(service)


def test_alerts_ask_for_metrics_that_there_are(service: Service) -> None:
    rules = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yaml").read_text())
    alerts = [alert for group in rules["groups"] for alert in group["rules"]]
    assert alerts
    for alert in alerts:
        asked = set(re.findall(r"upscaler_\w+", alert["expr"]))
        assert asked
        assert {name.removesuffix("_bucket") for name in asked} <= names_of(service)
        assert alert["annotations"]["summary"]
