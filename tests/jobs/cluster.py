"""A broker, a store, workers, processes that take jobs; and what each job must become."""

import contextlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from conftest import encoded, photograph
from fleet import Api, Worker

from benchmarks.rabbitmq import RabbitMQ
from jobs.assembly import open_ledger
from jobs.ledger import Ledger
from jobs.queues import queue_named, whole_queue
from jobs.records import End
from message_protocol import JobState, UpscaleInput
from resource_upscale import ResourceUpscale
from superscaling.assembly import assemble, identify_models
from superscaling.scheduling import Deadline, Timings
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
        self.apis = [Api(number, self.environ, folder) for number in range(2)]
        self.pictures = [folder / f"{number}.png" for number in range(PICTURES)]
        for number, path in enumerate(self.pictures):
            path.write_bytes(encoded(photograph(HEIGHT, WIDTH, number)))
        self.expected = self._expect()

    def start(self) -> None:
        """Start all, with an empty store; on a small file system of its own, if that is allowed."""
        self.is_mounted = not subprocess.call(["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", self.volume])
        self.ledger: Ledger = open_ledger(self.settings)
        self.broker.start()
        for process in (*self.apis, *self.workers):
            process.start()
        self.wait()

    def wait(self) -> None:
        """Wait until all workers are ready."""
        for worker in self.workers:
            worker.wait()

    def stop(self) -> None:
        for process in (*self.apis, *self.workers):
            process.kill()
        self.broker.kill()
        self.broker.remove()
        if self.is_mounted:
            subprocess.run(["umount", self.volume], check=True)

    def submit(self, key: str, number: int) -> str:
        """Hand a picture in, again and again until it is accepted, as a client does; returns the job's id."""
        end = time.monotonic() + END_SECONDS
        while time.monotonic() < end:
            with contextlib.suppress(BrokenPipeError):
                self.apis[0].begin(key, self.pictures[number])
                if job_id := self.apis[0].finish():
                    return job_id
            time.sleep(0.3)
        raise AssertionError(f"{key} was never accepted: {self.apis[0].log}")

    def wait_for_block(self) -> None:
        """Wait until one more block begins, if there is still one to do."""
        before = self.count(r"block-\d+ begins")
        end = time.monotonic() + 5
        while self.count(r"block-\d+ begins") == before and time.monotonic() < end:
            time.sleep(0.02)

    def end(self, job_id: str) -> End:
        """Wait for the end of a job."""
        stop = time.monotonic() + END_SECONDS
        while time.monotonic() < stop:
            if end := self.ledger.end(job_id):
                return end
            time.sleep(0.1)
        logs = "\n".join(line for worker in self.workers for line in worker.log.splitlines() if job_id in line)
        raise AssertionError(f"{job_id} has no end; {self.waiting()} messages wait\n{logs}")

    def check(self, job_id: str, number: int) -> None:
        """Check that a job is done, and its result that of a single process."""
        end = self.end(job_id)
        assert end.state is JobState.DONE, end
        assert self.ledger.store.get(f"jobs/{job_id}/result") == self.expected[number], job_id

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

    def _expect(self) -> list[bytes]:
        """What a single process makes of each picture."""
        parts = assemble(self.settings)
        try:
            resource = ResourceUpscale(
                parts.models, parts.admission, parts.limits, self.settings.quality, parts.decoders
            )
            return [
                resource.main(UpscaleInput.from_bytes(path.read_bytes(), {}), Deadline(), Timings()).image
                for path in self.pictures
            ]
        finally:
            parts.decoders.close()
