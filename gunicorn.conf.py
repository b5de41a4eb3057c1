"""gunicorn's configuration for `flask_app:app`. run.sh passes it to gunicorn."""

import ipaddress
import logging
import resource
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from http_edge.places import (
    MAX_DOWNLOADS,
    MAX_FAILED_FETCHES,
    MAX_FETCHES,
    MAX_PATIENT,
    MAX_RETURNED,
    MAX_UPLOADS,
    MAX_WATCHERS,
)
from superscaling.api_keys import today
from superscaling.enlarging import START_TIMEOUT
from superscaling.errors import ServiceError
from superscaling.logs import log_config
from superscaling.models import settings_of_models, with_milder
from superscaling.settings import Settings, read_settings

THIS_MACHINE = " (this machine only)"

settings = read_settings()

host = f"[{settings.host}]" if ":" in settings.host else settings.host
# The metrics' own port, if they have one, has the same event loop and the same limits; `PortCheck` tells them apart.
bind = [f"{host}:{port}" for port in (settings.port, settings.metrics_port) if port]
# One process processes one tile at a time, of one of its models, on all cores. To scale, run more containers.
worker_class = "http_edge.gunicorn_worker.Worker"
workers = 1
# The threads of the engine do not survive a fork, so the application is loaded after it.
preload_app = False
# More connections than the worker keeps waiting: it chooses itself which ones to close (`MAX_WAITING_CONNECTIONS`).
worker_connections = 10_000
# One thread for each request slot, for each request that waits for one or has its image sent back, for each image that
# is fetched or could not be, for each upload, download and watcher of a job, and some for all other requests.
images = settings.max_requests + MAX_PATIENT + MAX_RETURNED + MAX_FETCHES + MAX_FAILED_FETCHES
threads = images + MAX_UPLOADS + MAX_DOWNLOADS + MAX_WATCHERS + 16
# Longer than load balancers keep idle connections, so that the service never closes one that they are about to use.
keepalive = 75
# Seconds that the worker process may be unresponsive, as it is while it warms its models up, one after the other. It
# does not limit requests.
loaded = {each.model for chosen in settings_of_models(settings) for each in with_milder(chosen)}
timeout = int(START_TIMEOUT) * len(loaded) + 30
# On SIGTERM: stop listening, finish running requests or end them at their deadline, exit with status 0.
graceful_timeout = int(settings.timeout) + 5
# The heartbeat file must not wait for a disk.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None
control_socket_disable = True
# Only these proxies say that a request came by TLS, and in one header. None sets a path prefix or another variable.
forwarded_allow_ips = ",".join(settings.trusted_proxies)
secure_scheme_headers = {"X-FORWARDED-PROTO": "https"}
forwarder_headers = ""
logconfig_dict = log_config(settings)

# Every connection needs a file descriptor; the usual soft limit of 1024 is too low for the connections that may wait.
_, max_files = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(max_files, 65_536), max_files))


def on_starting(arbiter: Any) -> None:
    """Let Ctrl-C finish running requests as SIGTERM does; gunicorn would cut them off. A second one ends at once."""
    arbiter.handle_int = arbiter.handle_term


def post_worker_init(worker: Any) -> None:
    """Configure the worker, warm every model up, and log where the service listens.

    A failed warm-up does not end the service: `/readyz` reports it, and checks the engine again.
    """
    import resources
    from flask_app import lifecycle, metrics

    worker.on_stop = lifecycle.shutdown.begin
    worker.on_unread = metrics.answer_unread
    worker.head_timeout = worker.write_timeout = settings.read_timeout
    # A client that sends twice as much as is accepted, and a bit more, still sees the answer.
    worker.linger_bytes = 2 * settings.max_body_bytes

    log = logging.getLogger("service")
    for model in resources.models:
        try:
            model.warm_up()
        except ServiceError as exc:
            log.error("not ready: %s", exc, extra={"model": model.name})
    if resources.jobs is not None and resources.housekeeping is not None:
        resources.jobs.engine.start()
        resources.housekeeping.start()
    reach = reach_of(settings.host)
    facts = resources.models.default.facts
    log.info(
        "listening on %s port %d%s model=%s engine=%s precision=%s threads=%d views=%d models=%s",
        *(settings.host, settings.port, reach),
        *(facts.model, facts.engine, facts.precision, facts.threads, facts.views),
        ",".join(model.name for model in resources.models),
    )
    if settings.metrics_port:
        log.info("metrics are on port %d", settings.metrics_port)
    if resources.api_keys is not None:
        log.info("requests need an API key; %d are valid", resources.api_keys.keys.active(today()))
    elif reach != THIS_MACHINE:
        log.warning(
            "everybody who reaches this address may use the service, as there are no API keys; set"
            " UPSCALER_API_KEYS_FILE, or UPSCALER_HOST=127.0.0.1 to serve this machine only"
        )
    if reach != THIS_MACHINE and not settings.allowed_hosts:
        log.warning(
            "any host name is answered, also that of a page which binds it to this address; name those of the service"
            " in UPSCALER_ALLOWED_HOSTS"
        )

    for warning in dangers(settings):
        log.warning("%s", warning)


def dangers(settings: Settings) -> Iterator[str]:
    """What the settings allow that is hardly meant."""
    if "*" in settings.allow_origins and settings.api_keys_file is None:
        yield "UPSCALER_ALLOW_ORIGINS=* without API keys: any page that a visitor opens may use the service"
    if has_all(settings.trusted_proxies):
        yield "UPSCALER_TRUSTED_PROXIES has a network of all addresses: any client can choose its address"
    if has_all(settings.private_networks):
        yield "UPSCALER_PRIVATE_NETWORKS has a network of all addresses: names alone guard your own network"


def has_all(networks: Iterable[str]) -> bool:
    """Whether one of them has all addresses of IPv4 or IPv6."""
    return any(ipaddress.ip_network(each, strict=False).prefixlen == 0 for each in networks)


def reach_of(host: str) -> str:
    """Say in brackets from where an address to listen on is reached; empty: it is one of several of the machine."""
    if host == "localhost":
        return THIS_MACHINE
    try:
        address = ipaddress.ip_address(host)
    except ValueError:  # a name
        return ""
    return " (all addresses)" if address.is_unspecified else THIS_MACHINE if address.is_loopback else ""


def worker_exit(server: Any, worker: Any) -> None:
    """Give up the job that is in progress: the next process resumes it."""
    import resources

    if resources.jobs is not None and resources.housekeeping is not None:
        resources.housekeeping.stop()
        resources.jobs.engine.stop()
    worker.leave()
