"""Clients that would silence gunicorn's own threaded worker: the service has 17 threads, and more clients than that."""

import contextlib
import socket
import time

import httpx
import pytest
from conftest import Server, StartServer

CLIENTS = 60


@pytest.fixture(scope="module")
def narrow_server(start_server: StartServer) -> Server:
    return start_server(UPSCALER_MAX_REQUESTS="1", UPSCALER_READ_TIMEOUT="3")


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /ping",
        b"GET /ping HTTP/1.1\r\nHost: x\r\n",
        b"GET /ping HTTP/1.0\r\n\r\n",
        b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\nGET /pi",
        b"nonsense\r\n\r\n",
        b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n",
        b"x" * 40_000,
    ],
    ids=lambda sent: str(sent[:45]),
)
def test_clients_that_do_not_go_on_do_not_disturb(narrow_server: Server, sent: bytes) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(CLIENTS):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", narrow_server.port)))
            with contextlib.suppress(OSError):
                client.sendall(sent)
        time.sleep(0.2)
        for _ in range(5):
            start = time.monotonic()
            assert httpx.get(f"{narrow_server.url}/ping").status_code == 200
            assert time.monotonic() - start < 1


def test_a_head_in_small_pieces(narrow_server: Server) -> None:
    with socket.create_connection(("127.0.0.1", narrow_server.port), timeout=5) as client:
        for byte in b"GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n":
            client.sendall(bytes([byte]))
            time.sleep(0.005)
        answer = b"".join(iter(lambda: client.recv(1000), b""))
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b'{"success":true}')


def test_a_head_that_does_not_come_in_time(narrow_server: Server) -> None:
    with socket.create_connection(("127.0.0.1", narrow_server.port), timeout=10) as client:
        client.sendall(b"GET /ping HTTP/1.1\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(100) == b""


def test_a_head_that_is_too_long(narrow_server: Server) -> None:
    with socket.create_connection(("127.0.0.1", narrow_server.port), timeout=10) as client:
        client.sendall(b"GET /ping HTTP/1.1\r\nX: " + b"x" * 40_000)
        assert b" 431 " in client.recv(100)


def test_connections_are_used_again(narrow_server: Server) -> None:
    with httpx.Client(base_url=narrow_server.url) as client:
        for _ in range(3):
            assert client.get("/ping").headers["Connection"] == "keep-alive"
            # A body that was not read ends the connection, and says so.
            response = client.post("/nowhere", content=b"x" * 1000)
            assert (response.status_code, response.headers["Connection"]) == (404, "close")


def test_two_requests_at_once_on_one_connection(narrow_server: Server) -> None:
    """Pipelining: the first is answered; the second has to come again on a connection of its own."""
    request = b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", narrow_server.port), timeout=5) as client:
        client.sendall(2 * request)
        answer = b"".join(iter(lambda: client.recv(1000), b""))
    assert answer.count(b"200 OK") == 1
