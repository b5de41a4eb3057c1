"""How gunicorn serves `flask_app:app`. Read by gunicorn itself (run.sh)."""

import logging
import resource
from pathlib import Path
from typing import Any

from superscaling.enlarging import START_TIMEOUT
from superscaling.errors import EngineFailed
from superscaling.logs import log_config
from superscaling.settings import read_settings

settings = read_settings()

bind = f"[{settings.host}]:{settings.port}" if ":" in settings.host else f"{settings.host}:{settings.port}"
# One process, one model, one tile at a time on all cores; scale by replicas.
worker_class = "http_edge.gunicorn_worker.Worker"  # gthread, safe against slow clients
workers = 1
# Not loaded before the fork: engines have threads of their own, which don't survive it.
preload_app = False
# More than the worker ever lets wait: it chooses itself whom to close (`MAX_WAITING`).
worker_connections = 10_000
# Each request that is held has a thread; the others find one of these, whatever the held ones wait for.
threads = settings.max_requests + 16
# Longer than a load balancer keeps its connections, so that it is never the service that closes one in use.
keepalive = 75
# For this kind of worker: how long the whole process may be silent, not how long a request may take. It is silent
# while it warms up.
timeout = int(START_TIMEOUT) + 30
# On SIGTERM: stop listening, finish what is running within the timeout, or end it, then exit 0.
graceful_timeout = int(settings.timeout) + 5
# The heartbeat file must not wait for a disk.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None
control_socket_disable = True
logconfig_dict = log_config(settings)

# Every connection is a file; the usual soft limit of 1024 is less than the worker lets wait.
_, max_files = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(max_files, 65_536), max_files))


def post_worker_init(worker: Any) -> None:
    """Warm the engine up and say, in one line, what is served where."""
    import resources
    from flask_app import lifecycle

    worker.on_stop = lifecycle.shutdown.begin
    worker.head_timeout = settings.read_timeout
    # A body may be this much longer than allowed, and its sender still sees the answer.
    worker.linger_bytes = 2 * settings.max_body_bytes

    log = logging.getLogger("service")
    try:
        resources.upscaler.warm_up()
    except EngineFailed as exc:
        log.error("not ready: %s", exc)  # /readyz says so too, and asks the engine again
    host = "localhost" if settings.host in ("0.0.0.0", "::") else settings.host
    facts = resources.facts
    log.info(
        "serving on http://%s:%d model=%s engine=%s precision=%s threads=%d views=%d",
        *(host, settings.port, facts.model, facts.engine, facts.precision, facts.threads, facts.views),
    )
