"""Clients that read their answers slowly, or send byte by byte: there are more of them than threads."""

import contextlib
import os
import re
import select
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import httpx
import pytest
from conftest import Server, StartServer, wait_for
from prober import probe

from http_edge.gunicorn_worker.answered import MAX_KEPT_BYTES, AnsweredWorker
from http_edge.gunicorn_worker.client_socket import ClientSocket

CLIENTS = 200
BUNDLE = b"/web/vendor/swagger-ui/swagger-ui-bundle.js"
MIB = 1 << 20


@pytest.fixture(scope="module")
def impatient(start_server: StartServer) -> Server:
    return start_server(UPSCALER_READ_TIMEOUT="2")


def get(path: bytes) -> bytes:
    return b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path


@contextlib.contextmanager
def slow_clients(server: Server, count: int) -> Iterator[list[socket.socket]]:
    """Connections with little room for answers, and with the segments of a real network."""
    with contextlib.ExitStack() as stack:
        clients = []
        for _ in range(count):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1460)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.settimeout(20)
            client.connect(("127.0.0.1", server.port))
            clients.append(client)
        yield clients


def read_all(client: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = client.recv(1 << 16)
        assert part, "closed"
        data += part
    return data


@pytest.mark.parametrize(
    "sent",
    [get(BUNDLE), 3 * get(b"/openapi.json"), 5 * get(b"/nowhere")],
    ids=["file", "documents", "problems"],
)
@pytest.mark.parametrize("reads", [False, True])
def test_answers_that_are_not_read_disturb_nobody(server: Server, sent: bytes, reads: bool) -> None:
    with slow_clients(server, CLIENTS) as clients:
        for client in clients:
            client.sendall(sent)

        def read() -> None:
            for client in clients if reads else []:
                with contextlib.suppress(ConnectionError):
                    client.recv(100)

        probe(server.port, 0.7, read).check()


def descriptors(server: Server) -> int:
    return len(os.listdir(server.worker / "fd"))


def test_an_answer_that_is_not_read_ends(impatient: Server) -> None:
    """In total, not only if nothing is read: the connection is closed, with its file."""
    before = descriptors(impatient)
    with slow_clients(impatient, 30) as clients:
        for client in clients:
            client.sendall(get(BUNDLE))
        assert wait_for(lambda: descriptors(impatient) > before + len(clients) // 2, 5)
        trickling = clients[:10]

        def all_closed() -> bool:
            for client in trickling:
                with contextlib.suppress(ConnectionError):
                    client.recv(100)
            return descriptors(impatient) <= before + 5  # connections of others

        assert wait_for(all_closed, 15)
        with pytest.raises(ConnectionResetError):
            read_all(clients[-1], MIB)
        unread = re.search(r"^upscaler_answers_unread_total (\S+)", httpx.get(f"{impatient.url}/metrics").text, re.M)
    assert unread
    assert float(unread[1]) >= len(clients)
    assert impatient.logged().count("answers were not read in time") == 1


def test_a_slow_reader_gets_all_of_its_file(server: Server) -> None:
    expected = (Path(__file__).parent.parent / "web/static/vendor/swagger-ui/swagger-ui-bundle.js").read_bytes()
    with slow_clients(server, 1) as (client,):
        client.sendall(get(BUNDLE) + get(b"/ping"))
        answer = b""
        while not answer.endswith(b'{"success":true}'):
            part = client.recv(MIB)
            assert part, "closed"
            answer += part
    assert expected in answer


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"GET /ping HTTP/1.1\r\nHost: localhost\r\nX: ", b"x"),
        (b"POST /upscale HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n", b"x"),
        (b"POST /upscale HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n", b"x"),
    ],
    ids=["head", "body", "chunks", "after the answer"],
)
def test_byte_by_byte(server: Server, head: bytes, piece: bytes) -> None:
    """Each byte is an event, and a packet that the kernel keeps by itself."""
    with slow_clients(server, 16) as clients:
        for client in clients:
            client.sendall(head)
        stop = threading.Event()

        def send() -> None:
            while not stop.is_set():
                for client in clients:
                    with contextlib.suppress(OSError):
                        client.send(piece, socket.MSG_DONTWAIT)

        sender = threading.Thread(target=send)
        sender.start()
        time.sleep(0.5)
        try:
            probe(server.port, 0.7).check()
        finally:
            stop.set()
            sender.join()


@pytest.fixture
def pair() -> Iterator[tuple[ClientSocket, socket.socket]]:
    ours, client = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
    with ClientSocket(ours.detach()) as served, client:
        client.settimeout(20)
        yield served, client


def test_what_is_kept(pair: tuple[ClientSocket, socket.socket], tmp_path: Path) -> None:
    """Bytes and parts of files come in their order; nothing waits."""
    served, client = pair
    path = tmp_path / "file"
    path.write_bytes(b"0123456789" * 10_000)
    served.begin_answer(20)
    data = bytes(range(256)) * 4_000
    served.sendall(data)
    with path.open("rb") as file:
        assert served.sendfile(file, 10, 50_000) == 50_000
    served.sendall(b"end")
    assert served.has_kept
    assert served.kept_bytes == len(data) + 3, "also what was sent of it"
    served.setblocking(False)
    received = b""
    while not served.flush():
        received += client.recv(1 << 16)
    received += read_all(client, len(data) + 50_003 - len(received))
    assert received == data + path.read_bytes()[10:50_010] + b"end"
    assert not served.has_kept


def test_a_thread_waits_for_a_while_only(pair: tuple[ClientSocket, socket.socket]) -> None:
    served, _ = pair
    served.begin_answer(0.3)
    served.wait_for_client()
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        served.sendall(bytes(MIB))
    assert 0.3 <= time.monotonic() - start < 5
    with pytest.raises(TimeoutError):
        served.sendall(b"a further part of the same answer")


def test_who_reads_may_take_longer(pair: tuple[ClientSocket, socket.socket]) -> None:
    """The time grows with what is taken: 5 s, and 5 s for each MiB."""
    served, client = pair
    served.begin_answer(5)
    served.wait_for_client()
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(read_all(client, 4 * MIB)))
    reader.start()
    for _ in range(4):
        served.sendall(bytes(MIB))
    reader.join()
    assert len(received[0]) == 4 * MIB
    assert 5 < served.patience <= 5 * (1 + 4)


def test_what_was_kept_is_sent_before_more_is_received(pair: tuple[ClientSocket, socket.socket]) -> None:
    """A client may wait for `100 Continue` before it sends its body."""
    served, client = pair
    served.begin_answer(20)
    served.sendall(bytes(MIB))
    received: list[bytes] = []

    def read() -> None:
        received.append(read_all(client, MIB))
        client.sendall(b"body")

    reader = threading.Thread(target=read)
    reader.start()
    assert served.recv(100) == b"body"
    reader.join()


def test_a_part_of_a_file_is_waited_for(pair: tuple[ClientSocket, socket.socket], tmp_path: Path) -> None:
    """It is sent as bytes are, and the socket blocks again afterwards."""
    served, client = pair
    path = tmp_path / "file"
    path.write_bytes(bytes(MIB))
    served.begin_answer(0.3)
    with path.open("rb") as file:
        served.sendfile(file)
    start = time.thread_time()
    with pytest.raises(TimeoutError):
        served.recv(100)
    assert time.thread_time() - start < 0.2
    assert served.getblocking()
    served.begin_answer(20)
    reader = threading.Thread(target=lambda: client.sendall(read_all(client, MIB)[:4]))
    reader.start()
    assert served.recv(100) == bytes(4)
    reader.join()


def test_the_longest_kept_answer_breaks_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not that of a client whose answer takes no memory, however long it waits."""
    worker: Any = AnsweredWorker.__new__(AnsweredWorker)
    worker._sending = {}
    broken_off = []
    monkeypatch.setattr(worker, "_watch", lambda *args: None)
    monkeypatch.setattr(worker, "_bound_waiting", lambda: None)
    monkeypatch.setattr(worker, "_break_off", lambda conn: broken_off.append(conn.name))
    done: Future[bool] = Future()
    done.set_result(True)
    sizes = {"file": 0, "first": MAX_KEPT_BYTES // 2, "second": MAX_KEPT_BYTES // 2, "third": 1}
    for name, size in sizes.items():
        sock = SimpleNamespace(
            kept_bytes=size, has_kept=True, patience=30, fileno=lambda: 5, setblocking=lambda blocking: None
        )
        conn = Mock(sock=sock)
        conn.name = name
        worker.finish_request(conn, done)
    assert broken_off == ["first"]


def test_a_client_that_disconnects(pair: tuple[ClientSocket, socket.socket]) -> None:
    served, client = pair
    served.begin_answer(20)
    served.sendall(bytes(MIB))
    client.close()
    with pytest.raises(OSError, match=r"Broken pipe|Connection reset"):
        served.flush()
    served.abort()
    assert served.fileno() == -1
    assert not served.has_kept


def test_a_file_that_has_become_shorter(pair: tuple[ClientSocket, socket.socket], tmp_path: Path) -> None:
    served, client = pair
    path = tmp_path / "file"
    path.write_bytes(b"short")
    with path.open("rb") as file:
        served.sendfile(file, 0, 100)
    served.setblocking(False)
    with pytest.raises(BrokenPipeError):
        served.flush()
    assert select.select([client], [], [], 5)[0]
    assert client.recv(100) == b"short"
