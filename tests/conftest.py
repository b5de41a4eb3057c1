"""Fixtures and helpers of many tests: real server processes, images, requests."""

import contextlib
import functools
import io
import logging
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import uuid
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "sample-images"
FIXTURES = ROOT / "tests" / "fixtures"

os.environ.setdefault("UPSCALER_JOBS_STORE", "")  # tests of modules leave nothing in the home directory
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow logs its build
# A shell that runs the tests in the background ignores Ctrl-C, and what the tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
# For each request without a client, httpx would read all certificates again: 25 ms, more than most answers take.
patch("httpx._transports.default.create_ssl_context", functools.cache(httpx.create_ssl_context)).start()


@pytest.fixture(autouse=True)
def all_that_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """NNCF sets the level of all handlers that its logger has, and pytest gives each logger its own one."""
    caplog.handler.setLevel(logging.NOTSET)


class Server:
    """A running service: `run.sh` in its own process."""

    def __init__(self, log: Path, max_files: int | None = None, **settings: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log
        self.environ = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": os.environ.get("HOME", "/tmp"),
            "PORT": str(self.port),
            "UPSCALER_JOBS_STORE": str(log.parent / "jobs"),
            **settings,
        }
        limit = [] if max_files is None else ["prlimit", f"--nofile={max_files}"]
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [*limit, ROOT / "run.sh"], env=self.environ, stdout=file, stderr=subprocess.STDOUT, cwd="/"
            )

    def wait(self, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/readyz").status_code == 200:
                    return
            assert self.process.poll() is None, f"the server ended: {self.log.read_text()}"
            time.sleep(0.1)
        raise AssertionError(f"the server was not ready in {seconds} s: {self.log.read_text()}")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def logged(self) -> str:
        """All that it has logged until now. Lines come a moment after answers, in their order."""
        mark = uuid.uuid4().hex
        httpx.get(f"{self.url}/nowhere", headers={"X-Request-ID": mark}, timeout=60)
        assert wait_for(lambda: mark in self.log.read_text(), 60)
        return "".join(line for line in self.log.read_text().splitlines(keepends=True) if mark not in line)

    def upscale(self, image: bytes, **parameters: str) -> httpx.Response:
        """Send the bytes of an image file."""
        return post_picture(self.url, image, 60, parameters)

    @property
    def worker(self) -> Path:
        """The serving process below /proc."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return Path("/proc") / children[0]

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop the serving process, as a container that has used up its CPU quota."""
        worker = int(self.worker.name)
        os.kill(worker, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(worker, signal.SIGCONT)

    def rss(self) -> int:
        """Resident memory of the serving process, in bytes."""
        return int((self.worker / "status").read_text().partition("VmRSS:")[2].split()[0]) * 1024

    def cpu_seconds(self) -> float:
        """CPU time that the serving process has taken."""
        user, system = (self.worker / "stat").read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def post_picture(url: str, image: bytes, seconds: float, parameters: dict[str, str]) -> httpx.Response:
    """Send the bytes of an image file to the service at `url` and wait at most `seconds` for the answer."""
    return httpx.post(
        f"{url}/upscale",
        content=image,
        params=parameters,
        headers={"Content-Type": "application/octet-stream"},
        timeout=seconds,
    )


@contextlib.contextmanager
def connection(server: Server, headers: str, path: str = "/upscale") -> Iterator[socket.socket]:
    """Open a connection and send the head of an upscale request."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
        client.sendall(
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n{headers}\r\n\r\n".encode()
        )
        yield client


@contextlib.contextmanager
def taken_slot(server: Server) -> Iterator[socket.socket]:
    """A client that has announced an image, holds a request slot, and sends nothing. No other request may run."""

    def is_held(slots: int) -> bool:
        return f"\nupscaler_requests_in_progress {slots}.0\n" in httpx.get(f"{server.url}/metrics").text

    assert wait_for(lambda: is_held(0)), "an earlier client may just have left"
    with connection(server, "Content-Length: 1000") as client:
        assert wait_for(lambda: is_held(1))
        yield client


class QuietHandler(BaseHTTPRequestHandler):
    """A request handler for HTTP servers of tests; it prints nothing."""

    def log_message(self, *_: object) -> None:
        pass


StartServer = Callable[..., Server]

# Files that take minutes. They come first, so that all processes of a run end at about the same time.
LONG = ("test_engine_openvino.py", "test_prepare.py", "test_memory.py", "test_quality.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in LONG)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """Start services with given settings; they are stopped at the end of the session."""
    servers: list[Server] = []

    def start(max_files: int | None = None, **settings: str) -> Server:
        server = Server(tmp_path_factory.mktemp("server") / "log", max_files, **settings)
        servers.append(server)
        server.wait()
        return server

    yield start
    for server in servers:  # all at once: each takes half a second
        server.process.terminate()
    for server in servers:
        server.process.wait(30)


@pytest.fixture(scope="session")
def shared_server(start_server: StartServer) -> StartServer:
    """Start a service, or return the running one with equal settings: for tests that leave nothing behind."""
    servers: dict[frozenset[tuple[str, str]], Server] = {}

    def start(**settings: str) -> Server:
        key = frozenset(settings.items())
        if key not in servers:
            servers[key] = start_server(**settings)
        return servers[key]

    return start


@pytest.fixture(scope="session")
def server(start_server: StartServer) -> Server:
    """A service with the default settings."""
    return start_server()


@pytest.fixture(scope="session")
def small_server(start_server: StartServer) -> Server:
    """A service with small limits."""
    return start_server(UPSCALER_MAX_PIXELS="10000", UPSCALER_MAX_BODY_BYTES="200000", UPSCALER_READ_TIMEOUT="2")


def photograph(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Return a part of a sample image, mirrored where that is too small."""
    pixels = np.asarray(Image.open(SAMPLES / "coffee-artefacts.jpg"))
    pixels = np.roll(pixels, (37 * seed, 53 * seed), (0, 1))
    while pixels.shape[0] < height:
        pixels = np.concatenate((pixels, pixels[::-1]))
    while pixels.shape[1] < width:
        pixels = np.concatenate((pixels, pixels[:, ::-1]), axis=1)
    return np.ascontiguousarray(pixels[:height, :width])


def infer_seconds(answer: httpx.Response) -> float:
    """Return the seconds of inference, as Server-Timing says."""
    return float(answer.headers["Server-Timing"].split("infer;dur=")[1].split(",")[0]) / 1000


def wait_for(condition: Callable[[], bool], seconds: float = 20, pause: float = 0.05) -> bool:
    """Wait until `condition` is true, looking each `pause` seconds; returns whether that was in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
    return True


def encoded(pixels: NDArray[np.uint8] | Image.Image, file_format: str = "PNG", **options: object) -> bytes:
    """Encode an image file."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def png_chunk(name: bytes, content: bytes = b"") -> bytes:
    """Make a PNG chunk with length and checksum."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def psnr(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Peak signal-to-noise ratio over all channels, in dB."""
    error = np.mean((one.astype(float) - other.astype(float)) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))


def restored_face(server: Server, sent_as: str) -> tuple[httpx.Response, float]:
    """Send a reduced part of a photograph; returns the answer and its PSNR to the original, in dB."""
    with Image.open(SAMPLES / "face.jpg") as face:
        original = face.crop((64, 64, 256, 256))
    small = original.resize((96, 96), Image.Resampling.BICUBIC)
    answer = server.upscale(encoded(small, sent_as), format="png")
    return answer, psnr(np.asarray(opened(answer.content)), np.asarray(original))
