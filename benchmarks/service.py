"""A service under test: `run.sh` on a free port."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from evaluation.errors import MeasurementError
from superscaling.settings import ROOT

BYTES = "application/octet-stream"
MEGABYTE = 1_000_000
TICKS = os.sysconf("SC_CLK_TCK")  # clock ticks per second in /proc


@dataclass(frozen=True)
class Service:
    """A running service that is ready.

    `client` sends one request at a time to `url`; `started` is the value of `time.perf_counter()` at the start.
    """

    url: str
    client: httpx.Client
    pid: int
    started: float

    @property
    def resident(self) -> float:
        """Resident memory of its processes, in MB."""
        return self._memory("VmRSS")

    @property
    def peak_resident(self) -> float:
        """Peak resident memory of its processes, in MB."""
        return self._memory("VmHWM")

    @property
    def processor_seconds(self) -> float:
        """Processor time of its processes so far, summed over all cores, in s."""
        stats = (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in self._processes)
        return sum(int(user) + int(system) for *_, user, system in (stat[:13] for stat in stats)) / TICKS

    @property
    def _processes(self) -> list[int]:
        """gunicorn's master and its one worker."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [self.pid, *map(int, children)]

    def _memory(self, name: str) -> float:
        return sum(memory_of(pid, name) for pid in self._processes)


def memory_of(pid: int, name: str) -> float:
    """Read VmRSS (resident memory) or VmHWM (its peak) of a process from /proc, in MB."""
    line = Path(f"/proc/{pid}/status").read_text().partition(f"{name}:")[2]
    return int(line.split()[0]) * 1024 / MEGABYTE


@contextlib.contextmanager
def running_service(**settings: str) -> Iterator[Service]:
    """Start a service with these settings, wait until it is ready, and stop it after the block.

    Raises:
        MeasurementError: it ended before it was ready; its output is above.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    own = {"PATH": path, "PORT": str(port), "UPSCALER_HOST": "127.0.0.1", "UPSCALER_LOG_LEVEL": "warning"}
    url = f"http://127.0.0.1:{port}"
    started = time.perf_counter()
    process = subprocess.Popen([ROOT / "run.sh"], env={**os.environ, **own, **settings})
    try:
        with httpx.Client(base_url=url, timeout=3600) as client:
            while not _is_ready(client):
                if process.poll() is not None:
                    raise MeasurementError(f"the service ended with status {process.returncode}")
                time.sleep(0.02)
            yield Service(url, client, process.pid, started)
    finally:
        process.terminate()
        process.wait()


def _is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def post(client: httpx.Client, body: bytes, media_type: str = BYTES, **options: str) -> httpx.Response:
    """Send a request to /upscale; does not check the status."""
    return client.post("/upscale", content=body, headers={"Content-Type": media_type}, params=options)


def spans(response: httpx.Response) -> dict[str, float]:
    """Read Server-Timing: milliseconds by step."""
    found = re.findall(r"(\w+);dur=([\d.]+)", response.headers["Server-Timing"])
    return {name: float(milliseconds) for name, milliseconds in found}


def upscale(client: httpx.Client, image: bytes, **options: str) -> tuple[bytes, float]:
    """Enlarge an image file; returns the file and the time in ms, from the first byte sent to the last one received."""
    start = time.perf_counter()
    response = post(client, image, **options)
    milliseconds = (time.perf_counter() - start) * 1000
    response.raise_for_status()
    return response.content, milliseconds
