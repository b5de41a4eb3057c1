"""A broker, a store, workers, services that take jobs; and what each job must become."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import kombu
from conftest import encoded, photograph
from fleet import Service, Worker

from benchmarks.rabbitmq import RabbitMQ
from jobs.assembly import open_ledger
from jobs.broker import BLOCK
from jobs.ledger import Ledger
from jobs.queues import queue_named, whole_queue
from message_protocol import JobState
from superscaling.assembly import identify_models
from superscaling.settings import read_settings

WORKERS = 2
PICTURES = 2
HEIGHT, WIDTH = 320, 480
# Longer than any job takes, on a machine that is much slower.
END_SECONDS = 300.0


class Cluster:
    """All processes of a service that does jobs on Celery."""

    def __init__(self, folder: Path) -> None:
        self.broker = RabbitMQ()
        self.volume = folder / "volume"  # of the store
        self.volume.mkdir()
        self.is_mounted = False
        self.environ = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": os.environ.get("HOME", "/tmp"),
            "UPSCALER_BROKER": self.broker.url,
            "UPSCALER_JOBS_STORE": str(self.volume / "store"),
            "UPSCALER_MODEL": "noise-cancel-fast",
            "UPSCALER_TILE": "64",
            "UPSCALER_THREADS": "1",
            "UPSCALER_JOBS_BLOCK_SECONDS": "0.05",
            "UPSCALER_LOG_LEVEL": "debug",
        }
        self.settings = read_settings(self.environ)
        self.queue = queue_named(identify_models(self.settings)[0])
        self.workers = [Worker(number, self.environ, folder) for number in range(WORKERS)]
        self.services = [Service(number, self.environ, folder) for number in range(2)]
        self.pictures = [folder / f"{number}.png" for number in range(PICTURES)]
        for number, path in enumerate(self.pictures):
            path.write_bytes(encoded(photograph(HEIGHT, WIDTH, number)))
        self.expected = list[bytes]()

    def start(self) -> None:
        """Start all, with an empty store; on a small file system of its own, if that is allowed."""
        self.is_mounted = not subprocess.call(["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", self.volume])
        self.ledger: Ledger = open_ledger(self.settings)
        for process in self.services:
            process.start()
        self.broker.start()
        for worker in self.workers:
            worker.start()
        self.wait()
        self.expected = [self._enlarge(path) for path in self.pictures]

    def wait(self) -> None:
        """Wait until all services and workers are ready."""
        for service in self.services:
            service.wait()
        for worker in self.workers:
            worker.wait()

    def stop(self) -> None:
        for process in (*self.services, *self.workers):
            process.kill()
        self.broker.kill()
        self.broker.remove()
        if self.is_mounted:
            subprocess.run(["umount", self.volume], check=True)

    def submit(self, key: str, number: int) -> str:
        """Hand a picture in, again and again until it is accepted, as a client does; returns the job's id."""
        end = time.monotonic() + END_SECONDS
        while time.monotonic() < end:
            answer = self.services[0].submit(key, self.pictures[number])
            if answer is not None and answer.status_code == 202:
                return str(answer.json()["id"])
            assert answer is None or answer.status_code == 503, answer.text
            time.sleep(0.3)
        raise AssertionError(f"{key} was never accepted: {self.services[0].log}")

    def status(self, job_id: str) -> dict[str, Any]:
        """Where a job is, as soon as a service can say it."""
        job: dict[str, Any] = json.loads(self._get(f"/jobs/{job_id}"))
        return job

    def cancel(self, job_id: str) -> None:
        answer = self.services[0].ask("DELETE", f"/jobs/{job_id}")
        assert answer is not None
        assert answer.status_code == 204, answer.text

    def wait_for_block(self) -> None:
        """Wait until one more block begins, if there is still one to do."""
        before = self.count(r"block-\d+ begins")
        end = time.monotonic() + 5
        while self.count(r"block-\d+ begins") == before and time.monotonic() < end:
            time.sleep(0.02)

    def end(self, job_id: str) -> dict[str, Any]:
        """Wait for the end of a job."""
        stop = time.monotonic() + END_SECONDS
        while time.monotonic() < stop:
            if JobState((job := self.status(job_id))["status"]).is_end:
                return job
            time.sleep(0.2)
        logs = "\n".join(line for worker in self.workers for line in worker.log.splitlines() if job_id in line)
        raise AssertionError(f"{job_id} has no end; {self.waiting()} messages wait\n{logs}")

    def check(self, job_id: str, number: int) -> None:
        """Check that a job is done, and its result that of `/upscale`."""
        end = self.end(job_id)
        assert end["status"] == "done", end
        assert self._get(end["result"]) == self.expected[number], job_id

    def publish(self, task: str, body: object) -> None:
        """Publish a message with any body, which need not be right."""
        queue = self.queue if task == BLOCK else whole_queue(self.queue)
        with kombu.Connection(self.broker.url) as link:
            link.Producer().publish(body, routing_key=queue, headers={"task": task, "id": "from-anywhere"})

    def count(self, pattern: str) -> int:
        """How often the workers have logged something."""
        return sum(len(re.findall(pattern, worker.log)) for worker in self.workers)

    def blocks_made(self) -> int:
        """How often a block was begun that was not finished before."""
        return self.count(r"block-\d+ begins") - self.count(r"block-\d+ done .*tiles=0 ")

    def retries(self) -> int:
        """How often a block was broken off for the store's or the broker's sake."""
        return self.count(r"block-\d+ is tried again")

    def waiting(self) -> int:
        """Messages that no worker has."""
        return self.broker.waiting(self.queue) + self.broker.waiting(whole_queue(self.queue))

    def _get(self, path: str) -> bytes:
        """What is at a path, which is there, once the service and its store are."""
        end = time.monotonic() + END_SECONDS
        while (answer := self.services[0].ask("GET", path)) is None or answer.status_code == 503:
            assert time.monotonic() < end, self.services[0].log
            time.sleep(0.3)
        assert answer.status_code == 200, answer.text
        return answer.content

    def _enlarge(self, picture: Path) -> bytes:
        answer = self.services[0].ask("POST", "/upscale", content=picture.read_bytes())
        assert answer is not None
        assert answer.status_code == 200, answer.text
        return answer.content
