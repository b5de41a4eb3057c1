"""Clients that would block gunicorn's own threaded worker: there are more of them than the service has threads (17)."""

import contextlib
import inspect
import io
import json
import logging
import os
import re
import socket
import struct
import time
from types import SimpleNamespace

import httpx
import pytest
from conftest import Server, StartServer, encoded, photograph
from gunicorn import util
from gunicorn.arbiter import Arbiter
from gunicorn.http import get_parser, wsgi
from gunicorn.http.body import ChunkedReader
from gunicorn.http.unreader import Unreader
from gunicorn.workers.gthread import TConn, ThreadWorker

from http_edge.gunicorn_worker import Worker
from http_edge.gunicorn_worker import worker as worker_module
from http_edge.gunicorn_worker.client_socket import ClientSocket
from http_edge.gunicorn_worker.event_loop import Conn

CLIENTS = 60
# What the worker overrides or calls in gunicorn, mostly private. After an upgrade, review it against `gthread.py`.
SIGNATURES = {
    "init_signals": "(self)",
    "handle_quit": "(self, sig, frame)",
    "is_parent_alive": "(self)",
    "enqueue_req": "(self, conn)",
    "finish_request": "(self, conn, fs)",
    "load_wsgi": "(self)",
    "handle_request": "(self, req, conn)",
    "wait_for_and_dispatch_events": "(self, timeout)",
    "accept": "(self, listener)",
    "set_accept_enabled": "(self, enabled)",
    "on_client_socket_readable": "(self, conn, client)",
    "on_pending_socket_readable": "(self, conn, client)",
    "murder_pending": "(self)",
    "handle_error": "(self, req, client, addr, exc)",
}
CONNECTION_SIGNATURES = {
    "__init__": "(self, cfg, sock, client, server)",
    "set_timeout": "(self)",
    "close": "(self, graceful=False)",
}
# Attributes set by gunicorn and read by the worker.
ATTRIBUTES = ("poller", "nr_conns", "pending_conns", "keepalived_conns", "alive", "sockets")


def test_gunicorn_is_the_one_that_was_read() -> None:
    for theirs, signatures in ((ThreadWorker, SIGNATURES), (TConn, CONNECTION_SIGNATURES)):
        assert {name: str(inspect.signature(getattr(theirs, name))) for name in signatures} == signatures
    source = "".join(inspect.getsource(each) for each in ThreadWorker.__mro__ if each is not object)
    assert [name for name in ATTRIBUTES if f"self.{name} = " not in source] == []
    assert str(inspect.signature(Arbiter.handle_int)) == str(inspect.signature(Arbiter.handle_term)) == "(self)"
    assert str(inspect.signature(wsgi.Response.force_close)) == "(self)"
    assert isinstance(Unreader().buf, io.BytesIO)
    assert str(inspect.signature(Unreader.unread)) == "(self, data)"
    assert str(inspect.signature(get_parser)) == "(cfg, source, source_addr, http2_connection=False)"
    assert str(inspect.signature(ChunkedReader)) == "(req, unreader)"
    assert str(inspect.signature(ChunkedReader.parse_chunk_size)) == "(self, unreader, data=None)"
    # All that a response does with its socket, which is a `ClientSocket`.
    assert set(re.findall(r"\bsock\.(\w+)\(", inspect.getsource(wsgi))) == {"send", "sendall", "sendfile"}
    assert "sock.sendall(" in inspect.getsource(util.write)
    assert '"gunicorn.socket"' in inspect.getsource(wsgi)


@pytest.fixture(scope="module")
def narrow_server(start_server: StartServer) -> Server:
    return start_server(UPSCALER_MAX_REQUESTS="1", UPSCALER_READ_TIMEOUT="3")


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /ping",
        b"GET /ping HTTP/1.1\r\nHost: localhost\r\n",
        b"GET /ping HTTP/1.0\r\n\r\n",
        b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\nGET /pi",
        b"nonsense\r\n\r\n",
        b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n",
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
            assert time.monotonic() - start < 2


def cut_off(port: int, sent: bytes) -> None:
    """Send, and reset the connection."""
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with contextlib.suppress(OSError):
            client.sendall(sent)


def test_clients_that_cut_off(narrow_server: Server) -> None:
    """Whenever they do, the worker process survives."""
    worker = narrow_server.worker
    for length in (1, 10_000, 33_000, 100_000):
        for _ in range(40):
            cut_off(narrow_server.port, b"x" * length)
            cut_off(narrow_server.port, b"POST /upscale HTTP/1.1\r\nContent-Length: 200000\r\n\r\n" + b"x" * length)
    assert httpx.get(f"{narrow_server.url}/ping").status_code == 200
    assert narrow_server.worker == worker


@pytest.mark.parametrize("max_files", [None, 200])
def test_more_idle_clients_than_are_let_wait(server: Server, start_server: StartServer, max_files: int | None) -> None:
    """More than the limit, or than there are file descriptors: the oldest are closed, and requests are answered."""
    if max_files is not None:
        server = start_server(max_files=max_files)
    worker = server.worker
    with contextlib.ExitStack() as stack:
        for _ in range(1100 if max_files is None else 2 * max_files):
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
        for _ in range(3):
            start = time.monotonic()
            assert httpx.get(f"{server.url}/ping").status_code == 200
            assert time.monotonic() - start < 2
    assert server.worker == worker


def test_more_clients_that_are_kept_alive_than_are_let_wait(server: Server) -> None:
    """A new client is served; the connection that has waited longest is closed."""
    request = b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with contextlib.ExitStack() as stack:
        for _ in range(1010):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            client.sendall(request)
            assert client.recv(1000).startswith(b"HTTP/1.1 200")
        for _ in range(20):
            assert httpx.get(f"{server.url}/ping").status_code == 200


@pytest.mark.parametrize("end", ["close", "shutdown"])
def test_half_a_head_and_gone_costs_nothing(narrow_server: Server, end: str) -> None:
    with socket.create_connection(("127.0.0.1", narrow_server.port)) as client:
        client.sendall(b"GET /ping HTTP/1.1\r\nHost")
        time.sleep(0.1)
        if end == "close":
            client.close()
        else:
            client.shutdown(socket.SHUT_WR)
        before = narrow_server.cpu_seconds()
        time.sleep(1.5)
        assert narrow_server.cpu_seconds() - before < 0.3


def test_a_head_in_small_pieces(narrow_server: Server) -> None:
    with socket.create_connection(("127.0.0.1", narrow_server.port), timeout=5) as client:
        for byte in b"GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n":
            client.sendall(bytes([byte]))
            time.sleep(0.005)
        answer = b"".join(iter(lambda: client.recv(1000), b""))
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b'{"success":true}')


def test_a_head_that_does_not_come_in_time(narrow_server: Server) -> None:
    with socket.create_connection(("127.0.0.1", narrow_server.port), timeout=10) as client:
        client.sendall(b"GET /ping HTTP/1.1\r\n")
        assert_problem(client, 408, "request_timeout")


def test_a_head_that_is_too_long(narrow_server: Server) -> None:
    with socket.create_connection(("127.0.0.1", narrow_server.port), timeout=10) as client:
        client.sendall(b"GET /ping HTTP/1.1\r\nX: " + b"x" * 40_000)
        assert_problem(client, 431, "request_header_fields_too_large")


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"nonsense\r\n\r\n", 400, "bad_request"),
        (b"GET /ping HTTP/9.9\r\n\r\n", 400, "bad_request"),
        (b"GET /ping HTTP/1.1\r\nno colon\r\n\r\n", 400, "bad_request"),
        (b"GET /ping HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400, "bad_request"),
        (b"GET /ping HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "bad_request"),
        (b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\n\r\n", 414, "uri_too_long"),
        (b"GET /ping HTTP/1.1\r\n" + b"X: x\r\n" * 200 + b"\r\n", 431, "request_header_fields_too_large"),
        (b"POST /upscale HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n", 501, "not_implemented"),
    ],
)
def test_what_is_no_http(narrow_server: Server, sent: bytes, status: int, code: str) -> None:
    with socket.create_connection(("127.0.0.1", narrow_server.port), timeout=10) as client:
        client.sendall(sent)
        assert_problem(client, status, code)


def assert_problem(client: socket.socket, status: int, code: str) -> None:
    answer = b"".join(iter(lambda: client.recv(10_000), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"Content-Type: application/problem+json" in head
    problem = json.loads(body)
    assert (problem["status"], problem["code"]) == (status, code)


def test_connections_are_used_again(narrow_server: Server) -> None:
    with httpx.Client(base_url=narrow_server.url) as client:
        for _ in range(3):
            assert client.get("/ping").headers["Connection"] == "keep-alive"
            # After an unread body the connection is closed, and the response says so.
            response = client.post("/nowhere", content=b"x" * 1000)
            assert (response.status_code, response.headers["Connection"]) == (404, "close")


def test_several_requests_at_once_on_one_connection(narrow_server: Server) -> None:
    """Pipelining: all are answered, in their order, also if the last one comes in two pieces."""
    picture = encoded(photograph(3, 5))
    first = b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n"
    second = b"POST /upscale HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(picture) + picture
    last = b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", narrow_server.port), timeout=20) as client:
        client.sendall(first + second + first + last[:10])
        answers = b""
        while answers.count(b'{"success":true}') < 2:
            answers += client.recv(100_000)
        client.sendall(last[10:])
        answers += b"".join(iter(lambda: client.recv(1000), b""))
    statuses = re.findall(rb"HTTP/1\.1 (\d+) .*?\r\nConnection: (\S+)\r\n", answers, re.DOTALL)
    assert statuses == [(b"200", b"keep-alive")] * 3 + [(b"404", b"close")]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /ping HTTP/1.1\r\n", 400),
        (b"GET /ping HTTP/1.1\r\nHost: a\r\nHost: a\r\n", 400),
        (b"GET /ping HTTP/1.1\r\nHost: a b\r\n", 400),
        (b"GET /ping HTTP/1.1\r\nHost: a,b\x7f\r\n", 400),
        (b"GET /ping HTTP/1.1\r\nHost: user@a\r\n", 400),
        (b"GET /ping HTTP/1.1\r\nHost: a/b\r\n", 400),
        (b"GET /ping HTTP/1.1\r\nHost: [::1\r\n", 400),
        (b"GET /ping HTTP/1.1\r\nHost: a:port\r\n", 400),
        (b"GET /ping HTTP/1.0\r\nHost: a b\r\n", 400),
        (b"GET http://evil.example/ping HTTP/1.1\r\nHost: localhost\r\n", 400),
        (b"GET http://localhost/ping HTTP/1.1\r\nHost: LOCALHOST\r\n", 200),
        (b"GET http://localhost/ping HTTP/1.0\r\n", 400),
        (b"GET /ping HTTP/1.1\r\nHost: [::1]:8080\r\n", 200),
        (b"GET /ping HTTP/1.1\r\nHost: xn--nxasmq6b.localhost\r\n", 200),
        (b"GET /ping HTTP/1.1\r\nHost:\r\n", 421),
        (b"GET /ping HTTP/1.0\r\n", 200),
        # Nothing that a client, or a proxy that nobody trusts, can say about the path or the scheme.
        (b"GET /x/ping HTTP/1.1\r\nHost: localhost\r\nSCRIPT_NAME: /x\r\n", 404),
        (b"GET /ping HTTP/1.1\r\nHost: localhost\r\nSCRIPT_NAME: /x\r\n", 200),
        (b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\nPATH_INFO: /ping\r\n", 404),
        (b"GET /ping HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Proto: https\r\nX-Forwarded-SSL: off\r\n", 200),
    ],
)
def test_hosts_and_what_proxies_say(narrow_server: Server, head: bytes, status: int) -> None:
    with socket.create_connection(("127.0.0.1", narrow_server.port), timeout=10) as client:
        client.sendall(head + b"Connection: close\r\n\r\n")
        answer = b"".join(iter(lambda: client.recv(10_000), b""))
    assert int(answer.split()[1]) == status
    if status == 400:
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "bad_request"


def test_a_client_that_takes_nothing_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The request has been logged already, so each is debug output only. They are counted; the first is a warning."""

    def time_out(*_: object) -> bool:
        raise TimeoutError

    monkeypatch.setattr(ThreadWorker, "handle_request", time_out)
    monkeypatch.setattr(worker_module, "be_strict", lambda *_: None)
    worker = Worker.__new__(Worker)
    counted = []
    worker.on_unread = lambda: counted.append(1)
    ours, theirs = socket.socketpair()
    with caplog.at_level(logging.DEBUG, "service"), ours, theirs:
        for address in (("192.0.2.1", 4000), ""):
            conn = Conn(SimpleNamespace(), ClientSocket(os.dup(ours.fileno())), address, "", lambda _: None)
            assert worker.handle_request(SimpleNamespace(_expected_100_continue=False), conn) is False
            conn.close()
    assert [(record.levelno, record.message) for record in caplog.records] == [
        (logging.DEBUG, "192.0.2.1 did not read its answer in time"),
        (logging.WARNING, "answers were not read in time, and their connections reset: 1 since the last such line"),
        (logging.DEBUG, "a client did not read its answer in time"),
    ]
    assert len(counted) == 2
