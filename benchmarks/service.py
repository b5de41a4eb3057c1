"""A service of our own to measure: `run.sh` on a free port."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from settings import ROOT


@contextlib.contextmanager
def running_service(**settings: str) -> Iterator[httpx.Client]:
    """Start a service with these settings, wait until it is ready, and stop it in the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environ = {**os.environ, "PATH": path, "PORT": str(port), "UPSCALER_LOG_LEVEL": "warning", **settings}
    process = subprocess.Popen([ROOT / "run.sh"], env=environ)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=300) as client:
            while process.poll() is None:
                with contextlib.suppress(httpx.TransportError):
                    if client.get("/readyz").status_code == 200:
                        break
                time.sleep(0.1)
            yield client
    finally:
        process.terminate()
        process.wait()


def upscale(client: httpx.Client, image: bytes) -> tuple[bytes, float]:
    """The enlarged file, and the milliseconds from the first byte sent to the last one received."""
    start = time.perf_counter()
    response = client.post("/upscale", content=image, headers={"Content-Type": "application/octet-stream"})
    milliseconds = (time.perf_counter() - start) * 1000
    response.raise_for_status()
    return response.content, milliseconds
