"""How the service ends: nobody connects to a port that is not served, and nothing waits for who reads the log."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import httpx
import pytest
from conftest import ROOT, Server, StartServer, connection, encoded, photograph, wait_for

TINY = encoded(photograph(3, 5))


def is_refused(server: Server) -> bool:
    """Whether new connections are refused at once. (One that hangs is an error.)"""
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=5):
            return False
    except ConnectionError:
        return True


def status_line(client: socket.socket) -> bytes:
    return client.recv(12)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_the_port_is_free_while_requests_are_finished(start_server: StartServer, end: signal.Signals) -> None:
    """Also if the master process is killed: the serving process notices that."""
    server = start_server()
    worker = server.worker
    with connection(server, f"Content-Length: {len(TINY)}") as client:
        client.sendall(TINY[:10])
        time.sleep(0.2)  # until it has a thread
        server.process.send_signal(end)
        assert wait_for(lambda: is_refused(server), 5)
        client.sendall(TINY[10:])
        assert status_line(client) == b"HTTP/1.1 200"
    assert wait_for(lambda: not worker.exists(), 20)
    assert server.process.wait(20) == (-signal.SIGKILL if end == signal.SIGKILL else 0)


def test_sigquit_waits_for_nobody(start_server: StartServer) -> None:
    server = start_server()
    worker = server.worker
    with connection(server, "Content-Length: 1000"):
        server.process.send_signal(signal.SIGQUIT)
        assert wait_for(lambda: is_refused(server), 5)
        assert wait_for(lambda: not worker.exists(), 10)
        server.process.wait(10)


def test_a_log_that_nobody_reads(tmp_path: Path, server: Server) -> None:
    """A pipe takes 64 KiB; then lines wait, and requests don't."""
    port = server.port  # only for its environment
    log = tmp_path / "log"
    log.touch()
    quiet = Server.__new__(Server)
    quiet.port = _free_port()
    quiet.url = f"http://127.0.0.1:{quiet.port}"
    quiet.log = log
    environ = {**server.environ, "PORT": str(quiet.port), "UPSCALER_JOBS_STORE": ""}
    assert quiet.port != port
    reader, writer = os.pipe()
    quiet.process = subprocess.Popen([ROOT / "run.sh"], env=environ, stdout=writer, stderr=writer, cwd="/")
    os.close(writer)
    try:
        quiet.wait()
        with httpx.Client(base_url=quiet.url, timeout=10) as client:
            for _ in range(400):
                assert client.get(f"/{'x' * 150}").status_code == 404
            assert client.get("/ping").status_code == 200
            assert "upscaler_log_lines_lost_total 0.0" in client.get("/metrics").text
        quiet.process.terminate()
        with os.fdopen(reader, errors="replace") as file:
            assert file.read().count("answered") == 400
        assert quiet.process.wait(20) == 0
    finally:
        quiet.process.kill()
        quiet.process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
