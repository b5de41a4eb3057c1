"""`run.sh`: start, logs, stop."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from conftest import ROOT, Server, StartServer, encoded, free_port, photograph, restored_face, wait_for
from test_stream import read_events, streamed

TINY = encoded(photograph(3, 5, 1))


@pytest.fixture(scope="module")
def unused(start_server: StartServer) -> Server:
    """A service with the default settings, which enlarges nothing."""
    return start_server()


@pytest.fixture(scope="module")
def unusual(start_server: StartServer) -> Server:
    """A service with other settings."""
    return start_server(
        UPSCALER_PRECISION="fp32",
        UPSCALER_THREADS="1",
        UPSCALER_TILE="32",
        UPSCALER_QUALITY="1",
        UPSCALER_LOG_FORMAT="json",
        UPSCALER_DEVICE="AUTO",
    )


def test_one_start_line(unused: Server) -> None:
    server = unused
    lines = server.logged().splitlines()
    assert len(lines) == 1
    assert re.search(
        rf"listening on 127\.0\.0\.1 port {server.port} \(this machine only\) model=noise-cancel-plain engine=openvino"
        r" precision=(fp32|bf16|int8) threads=\d+ views=1 models=noise-cancel-plain$",
        lines[0],
    )


def test_memory_at_rest(unused: Server) -> None:
    """TensorFlow is not loaded."""
    assert unused.rss() < 400_000_000
    assert "libtensorflow" not in (unused.worker / "maps").read_text()


def test_settings_are_obeyed(unusual: Server) -> None:
    ready = httpx.get(f"{unusual.url}/readyz").json()
    assert (ready["precision"], ready["threads"]) == ("fp32", 1)
    assert re.search('device="(CPU|GPU)', httpx.get(f"{unusual.url}/metrics").text)
    picture = encoded(photograph(64, 64), "JPEG")
    assert len(unusual.upscale(picture).content) < len(unusual.upscale(picture, quality="90").content)


def visible(folder: Path) -> set[str]:
    """What is in a folder, but for the caches of tools."""
    return {path.name for path in folder.iterdir() if path.name[0] not in "._"}


def test_the_tensorflow_engine_answers_the_same(start_server: StartServer, server: Server) -> None:
    """ISR would open a log file in the folder where it is imported: the service's is the repository."""
    lite = {"UPSCALER_MODEL": "noise-cancel-lite"}
    names = visible(ROOT)
    reference = start_server(UPSCALER_ENGINE="tensorflow", TF_CPP_MIN_LOG_LEVEL="3", **lite)
    assert httpx.get(f"{reference.url}/readyz").json()["engine"] == "tensorflow"
    assert visible(ROOT) == names
    fp32 = start_server(UPSCALER_PRECISION="fp32", **lite)
    picture = encoded(photograph(45, 71))
    response = reference.upscale(picture)
    assert response.headers["X-Upscaler-Model"] == "noise-cancel-lite tensorflow fp32"
    assert response.content == fp32.upscale(picture).content


def test_the_stronger_model(start_server: StartServer, server: Server) -> None:
    """It restores a reduced JPEG of a photograph better than the default model."""
    stronger = start_server(UPSCALER_MODEL="noise-cancel-best")
    assert httpx.get(f"{stronger.url}/readyz").json()["model"] == "noise-cancel-best"
    (answer, best), (_, usual) = (restored_face(each, "JPEG") for each in (stronger, server))
    assert answer.headers["X-Upscaler-Model"].startswith("noise-cancel-best openvino ")
    assert best > usual + 0.1


def test_json_logs(unusual: Server) -> None:
    server = unusual
    server.logged()
    before = len(server.log.read_text().splitlines())
    headers = {"Content-Type": "image/png", "X-Request-ID": "seen-in-the-log"}
    httpx.post(f"{server.url}/upscale", content=TINY, headers=headers)
    httpx.get(f"{server.url}/nowhere")
    httpx.get(f"{server.url}/ping")
    lines = server.logged().splitlines()
    assert len(lines) == before + 2
    records = [json.loads(line) for line in lines]
    accesses = [record for record in records if record["logger"] == "access"]
    assert {(each["method"], each["path"], each["status"]) for each in accesses} == {
        ("POST", "/upscale", 200),
        ("GET", "/nowhere", 404),
    }
    (upscaled,) = (each for each in accesses if each["request_id"] == "seen-in-the-log")
    assert upscaled["infer_milliseconds"] > 0
    assert upscaled["message"] == "answered", "the fields would be there twice"


def test_nobody_forges_a_line_of_the_log(unused: Server) -> None:
    unused.logged()
    before = len(unused.log.read_text().splitlines())
    httpx.get(f"{unused.url}/x%0a2026-01-01%20ERROR%20forged%0d%1b[31m")
    (line,) = unused.logged().splitlines()[before:]
    assert 'path="/x\\n2026-01-01 ERROR forged\\r\\u001b[31m" status=404' in line
    assert 'code="not_found"' in line


def press_ctrl_c(server: Server) -> None:
    """A terminal sends the signal to every process in it."""
    for process in (server.process.pid, int(server.worker.name)):
        os.kill(process, signal.SIGINT)


@pytest.mark.alone
@pytest.mark.parametrize(
    ("log_level", "stop"),
    [("info", lambda server: server.process.terminate()), ("warning", press_ctrl_c)],
    ids=["SIGTERM", "Ctrl-C"],
)
def test_a_stop_finishes_what_runs(start_server: StartServer, log_level: str, stop: Callable[[Server], None]) -> None:
    """The running request is answered, new connections are refused, the exit status is 0."""
    server = start_server(UPSCALER_LOG_LEVEL=log_level)
    answers: list[httpx.Response] = []
    picture = encoded(photograph(600, 600), "JPEG")
    client = threading.Thread(target=lambda: answers.append(server.upscale(picture)))
    client.start()
    busy_from = server.cpu_seconds() + 0.3
    while server.cpu_seconds() < busy_from:
        time.sleep(0.02)
    stop(server)
    time.sleep(0.5)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.url}/ping")
    client.join()
    assert answers[0].status_code == 200
    assert answers[0].headers["X-Result-Width"] == "1200"
    assert answers[0].headers["Connection"] == "close"
    assert server.process.wait(20) == 0


@pytest.mark.alone
def test_sigterm_ends_what_can_not_be_finished(start_server: StartServer) -> None:
    """A stream that can't be finished ends with a problem before its connection is closed; a short one is finished.

    The tiles are so small that a slow machine finishes the small image's 25 tiles, with as many of the large image's in
    between, within 10 s, and that a fast one does not finish the large image's 24,000.
    """
    server = start_server(
        UPSCALER_TIMEOUT="10", UPSCALER_STREAM_TIMEOUT="36000", UPSCALER_PRECISION="fp32", UPSCALER_TILE="16"
    )
    with streamed(server, encoded(photograph(2500, 2500), "JPEG")) as large:
        events = read_events(large)
        assert next(events)[1]["seconds"] > 15
        with streamed(server, encoded(photograph(100, 100))) as small:
            read = read_events(small)
            assert next(read)[0] == "accepted"
            server.process.terminate()
            assert list(read)[-1][0] == "result"
        *_, (name, problem) = events
    assert name == "problem"
    assert (problem["status"], problem["code"]) == (503, "service_stopping")
    assert server.process.wait(20) == 0
    log = server.log.read_text()
    assert log.count("service_stopping") == 1, "the line of the request"
    assert " WARNING " not in log
    assert " ERROR " not in log, "each deployment would raise an alert"


def test_sigterm_at_rest(start_server: StartServer) -> None:
    """Idle connections, new or kept alive, do not delay the stop."""
    server = start_server()
    with httpx.Client(base_url=server.url) as kept, socket.create_connection(("127.0.0.1", server.port)):
        kept.get("/ping")
        start = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - start < 6
    log = server.log.read_text()
    assert "Traceback" not in log
    assert log.splitlines()[-1].endswith("stopping: 2 connections are open")


def test_sigterm_and_a_client_that_begins_again(start_server: StartServer) -> None:
    server = start_server()
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
        client.recv(1000)
        start = time.monotonic()
        server.process.terminate()
        time.sleep(0.4)
        client.sendall(b"GET /pi")
        assert server.process.wait(30) == 0
        assert time.monotonic() - start < 8


def catches(server: Server, number: signal.Signals) -> bool:
    """Whether the first process of a service has a handler for a signal."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return bool(int(status.partition("SigCgt:")[2].split()[0], 16) >> (number - 1) & 1)


@pytest.mark.parametrize("seconds", [0.3, 0.6, 0.9, 1.2])
def test_sigterm_while_it_starts(tmp_path: Path, seconds: float) -> None:
    """At any moment: no process is left, no traceback is printed."""
    server = Server(tmp_path / "log")
    time.sleep(seconds)
    server.process.terminate()
    assert server.process.wait(30) in (0, -signal.SIGTERM, 128 + signal.SIGTERM)
    assert_nothing_is_left(server)


@pytest.mark.parametrize("seconds", [0, 0.2, 0.4])
def test_ctrl_c_while_it_starts(tmp_path: Path, seconds: float) -> None:
    """The same, once Python itself has started: its own handler prints a traceback."""
    server = Server(tmp_path / "log")
    assert wait_for(lambda: catches(server, signal.SIGTERM), pause=0.001)
    time.sleep(seconds)
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(30) in (0, 128 + signal.SIGINT)
    assert_nothing_is_left(server)


def assert_nothing_is_left(server: Server) -> None:
    assert "Traceback" not in server.log.read_text()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", server.port))


def test_make_hands_the_signal_on(tmp_path: Path) -> None:
    """What `make run` starts ends with make, and the port is free again."""
    port = free_port()
    environ = {**os.environ, "PORT": str(port)}
    with (tmp_path / "log").open("wb") as log:
        make = subprocess.Popen(["make", "run"], cwd=ROOT, env=environ, stdout=log, stderr=subprocess.STDOUT)
        for _ in range(300):
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200:
                    break
            time.sleep(0.1)
        make.terminate()
        make.wait(20)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
