"""Workers and services, as real processes that can be killed."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
from conftest import ROOT, free_port

READY_SECONDS = 120.0
# A test that acts on what a worker does is to be faster than the worker, also on a busy machine.
NICE = ["nice", "-n", "5"]


class Process:
    """A process with a session of its own, so that it can be killed with all that it has started."""

    def __init__(self, command: list[str], environ: dict[str, str], log: Path) -> None:
        self._command, self._environ, self._log = command, environ, log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        """What all of its lives have written."""
        return self._log.read_text() if self._log.exists() else ""

    def start(self) -> None:
        """Start it anew."""
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._environ,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """End it, and all that it has started, by SIGKILL."""
        if self._process is None:
            return
        for member in self._members():
            with contextlib.suppress(ProcessLookupError):
                os.kill(member, signal.SIGKILL)
        self._process.wait()

    def signal(self, number: int) -> None:
        """Send a signal to it and to all that it has started."""
        for member in self._members():
            with contextlib.suppress(ProcessLookupError):
                os.kill(member, number)

    def terminate(self) -> None:
        """Ask it to end, as an orchestrator does."""
        os.kill(self.pid, signal.SIGTERM)

    def wait_for_end(self) -> None:
        assert self._process is not None
        self._process.wait(READY_SECONDS)
        self.kill()

    def _members(self) -> list[int]:
        return [self.pid, *_descendants(self.pid)]


class Worker(Process):
    """`celery -A jobs.engine_celery worker`."""

    def __init__(self, number: int, environ: dict[str, str], folder: Path) -> None:
        celery = str(Path(sys.executable).with_name("celery"))
        command = [*NICE, celery, "-A", "jobs.engine_celery", "worker", "-n", f"worker{number}@test"]
        super().__init__(command, environ, folder / f"worker{number}.log")
        self._lives = 0

    def start(self) -> None:
        """Start it; it is not ready yet."""
        self._lives = len(re.findall("INFO worker ready", self.log))
        super().start()

    def wait(self) -> None:
        """Wait until it has been ready once since it was started."""
        end = time.monotonic() + READY_SECONDS
        while len(re.findall("INFO worker ready", self.log)) == self._lives:
            assert self._process is not None
            assert self._process.poll() is None, self.log
            assert time.monotonic() < end, self.log
            time.sleep(0.1)

    def begun(self, job_id: str, block: int) -> int:
        """How often it has begun a block, as far as it has logged. Lines come a moment later."""
        return sum(job_id in line and f" block-{block} begins " in line for line in self.log.splitlines())

    def kill_child(self) -> None:
        """End the process that enlarges, by SIGKILL. The parent starts another."""
        for child in _children(self.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)


class Service(Process):
    """`run.sh`, which takes jobs over HTTP. A new life has the port of the last."""

    def __init__(self, number: int, environ: dict[str, str], folder: Path) -> None:
        port = free_port()
        self._url = f"http://127.0.0.1:{port}"
        super().__init__([str(ROOT / "run.sh")], {**environ, "PORT": str(port)}, folder / f"service{number}.log")

    def wait(self) -> None:
        """Wait until it is ready."""
        end = time.monotonic() + READY_SECONDS
        while (answer := self.ask("GET", "/readyz")) is None or answer.status_code != 200:
            assert self._process is not None
            assert self._process.poll() is None, self.log
            assert time.monotonic() < end, self.log
            time.sleep(0.1)

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response | None:
        """Send a request; None: there was no answer, or not all of one."""
        with contextlib.suppress(httpx.TransportError):
            return httpx.request(method, self._url + path, timeout=60, **options)
        return None

    def submit(self, key: str, picture: Path) -> httpx.Response | None:
        """Hand a picture in, once."""
        return self.ask("POST", "/jobs", content=picture.read_bytes(), headers={"Idempotency-Key": key})


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _descendants(pid: int) -> list[int]:
    return [each for child in _children(pid) for each in (child, *_descendants(child))]
