"""gunicorn's configuration for `flask_app:app`. run.sh passes it to gunicorn."""

import logging
import resource
from pathlib import Path
from typing import Any

from http_edge.places import MAX_DOWNLOADS, MAX_UPLOADS, MAX_WATCHERS
from superscaling.enlarging import START_TIMEOUT
from superscaling.errors import ServiceError
from superscaling.logs import log_config
from superscaling.models import settings_of_models, with_milder
from superscaling.settings import read_settings

settings = read_settings()

bind = f"[{settings.host}]:{settings.port}" if ":" in settings.host else f"{settings.host}:{settings.port}"
# One process processes one tile at a time, of one of its models, on all cores. To scale, run more containers.
worker_class = "http_edge.gunicorn_worker.Worker"
workers = 1
# The threads of the engine do not survive a fork, so the application is loaded after it.
preload_app = False
# More connections than the worker keeps waiting: it chooses itself which ones to close (`MAX_WAITING_CONNECTIONS`).
worker_connections = 10_000
# One thread for each request slot, for each upload, download and watcher of a job, and some for all other requests,
# which never wait for a slot.
threads = settings.max_requests + MAX_UPLOADS + MAX_DOWNLOADS + MAX_WATCHERS + 16
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
    from flask_app import lifecycle

    worker.on_stop = lifecycle.shutdown.begin
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
    everywhere = " (all addresses)" if settings.host in ("0.0.0.0", "::") else ""
    facts = resources.models.default.facts
    log.info(
        "listening on %s port %d%s model=%s engine=%s precision=%s threads=%d views=%d models=%s",
        *(settings.host, settings.port, everywhere),
        *(facts.model, facts.engine, facts.precision, facts.threads, facts.views),
        ",".join(model.name for model in resources.models),
    )


def worker_exit(server: Any, worker: Any) -> None:
    """Give up the job that is in progress: the next process resumes it."""
    import resources

    if resources.jobs is not None and resources.housekeeping is not None:
        resources.housekeeping.stop()
        resources.jobs.engine.stop()
    worker.leave()
