"""Jobs in the image: the volume they are kept in, and the same image as a worker."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from conftest import encoded, photograph
from containers import RESTRICTED, Container, container, podman

from benchmarks.rabbitmq import RabbitMQ
from jobs.engine_celery import HOLD

WORKER = ("celery", "-A", "jobs.engine_celery", "worker")
HEALTH = ("python", "-m", "jobs.worker_health")


@pytest.fixture
def volume(tmp_path: Path) -> str:
    """An option that mounts an empty directory of the image's user at /jobs."""
    store = tmp_path / "store"
    store.mkdir()
    os.chown(store, 10001, 10001)
    return f"--volume={store}:/jobs"


def handed_in(service: Container, picture: bytes) -> str:
    answer = httpx.post(f"{service.url}/jobs", content=picture, headers={"Content-Type": "image/png"}, timeout=60)
    assert answer.status_code == 202, answer.text
    return f"{service.url}{answer.headers['Location']}"


def result_of(job: str, worker: Container) -> bytes:
    """The file that a job becomes, within some minutes."""
    for _ in range(600):
        assert worker.facts["State"]["Status"] == "running", worker.logs
        status = httpx.get(job, timeout=60).json()
        if status["status"] not in ("queued", "running"):
            break
        time.sleep(0.3)
    assert status["status"] == "done", status
    return httpx.get(f"{job}/result", timeout=60).content


def test_a_job_outlives_its_container(volume: str) -> None:
    """Also one that has not begun: the service is killed at once."""
    picture = encoded(photograph(600, 800))
    with container("default", *RESTRICTED, volume) as made:
        made.wait()
        path = httpx.URL(handed_in(made, picture)).path
        podman("kill", "--signal=KILL", made.name)
        made.exit_status()
    with container("default", *RESTRICTED, volume) as made:
        made.wait()
        assert result_of(f"{made.url}{path}", made) == made.upscale(picture).content


@pytest.fixture
def broker() -> Iterator[str]:
    node = RabbitMQ()
    try:
        node.start()
        yield node.url
    finally:
        node.kill()
        node.remove()


def test_a_worker(volume: str, broker: str) -> None:
    """It has the rights of the service, and ends within the time that the profiles give it."""
    picture = encoded(photograph(300, 400))
    options = (*RESTRICTED, volume)
    with (
        container("default", *options, UPSCALER_BROKER=broker) as service,
        container(
            "default", *options, f"--health-cmd={' '.join(HEALTH)}", command=WORKER, UPSCALER_BROKER=broker
        ) as made,
    ):
        service.wait()
        job = handed_in(service, picture)
        assert result_of(job, made) == service.upscale(picture).content
        podman("healthcheck", "run", made.name)
        assert "superuser" not in made.logs
        assert made.stop(int(HOLD) + 30) == 0
        assert '"warning"' not in made.logs.lower()


def test_a_worker_without_a_broker_says_so(volume: str) -> None:
    with container("default", *RESTRICTED, volume, command=WORKER) as made:
        assert made.exit_status() == 1
        assert "UPSCALER_BROKER is not set" in made.logs
