"""Bodies that are too large, too slow or never complete, sent to a real server through real sockets."""

import contextlib
import json
import socket
import time
from collections.abc import Iterator

import httpx
import pytest
from conftest import Server, StartServer, connection, encoded, photograph

from http_edge.request_body import BodyLimits, RequestBody
from superscaling.errors import BodyTooLarge

TINY = encoded(photograph(3, 5))
LIMIT = 200_000  # of `small_server`, in bytes
READ_TIMEOUT = 2  # of `small_server`, in seconds
MIB = 1 << 20


def read_answer(client: socket.socket) -> tuple[int, dict[str, object]]:
    """Read one answer: its status and problem document."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = client.recv(65536)
        assert part, f"closed without an answer: {data!r}"
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += client.recv(65536)
    return int(head.split()[1]), json.loads(body)


def answer_once_a_slot_is_free(server: Server, seconds: float) -> httpx.Response:
    """Send a small image until it is not answered with 429."""
    deadline = time.monotonic() + seconds
    while (response := server.upscale(TINY)).status_code == 429 and time.monotonic() < deadline:
        time.sleep(0.02)
    return response


def assert_ping_is_quick(server: Server) -> None:
    start = time.monotonic()
    assert httpx.get(f"{server.url}/ping").status_code == 200
    assert time.monotonic() - start < 2


def in_chunks(data: bytes, size: int = 30_000) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


@pytest.mark.parametrize("chunked", [False, True])
def test_the_limit(small_server: Server, chunked: bool) -> None:
    """A body of exactly the limit is read (it is no image); one byte more is rejected, with or without a length."""

    def send(size: int) -> httpx.Response:
        body = b"x" * size
        return httpx.post(
            f"{small_server.url}/upscale",
            content=in_chunks(body) if chunked else body,
            headers={"Content-Type": "image/png"},
        )

    assert send(LIMIT).json()["code"] == "unsupported_image_format"
    response = send(LIMIT + 1)
    assert response.status_code == 413
    problem = response.json()
    assert (problem["code"], problem["limit"], problem["setting"]) == (
        "body_too_large",
        LIMIT,
        "UPSCALER_MAX_BODY_BYTES",
    )
    assert problem.get("actual") == (None if chunked else LIMIT + 1)
    assert small_server.upscale(TINY).status_code == 200


@pytest.mark.parametrize(
    ("length", "as_job", "way_out"),
    [
        (300, 0, "send a smaller image"),
        (300, 200, "send a smaller image"),
        (300, 300, "send a smaller image, or a JPEG, PNG or TIFF file as it is to /jobs"),
    ],
)
def test_a_job_is_a_way_out_if_it_may_have_the_file(length: int, as_job: int, way_out: str) -> None:
    body = RequestBody({"wsgi.input": None, "CONTENT_LENGTH": str(length)}, BodyLimits(100, 1.0, as_job=as_job))
    with pytest.raises(BodyTooLarge) as caught:
        body.read()
    assert caught.value.detail.endswith(f"100 bytes are accepted: {way_out}")


@pytest.mark.parametrize("chunked", [False, True])
def test_far_too_large(server: Server, chunked: bool) -> None:
    """20 MB over the default limit: the client sees the answer, not a broken pipe."""
    body = b"x" * (84 * MIB)
    response = httpx.post(
        f"{server.url}/upscale",
        content=in_chunks(body, MIB) if chunked else body,
        headers={"Content-Type": "image/png"},
        timeout=30,
    )
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")
    assert server.upscale(TINY).status_code == 200


@pytest.mark.parametrize("headers", ["Content-Length: 1000", "Transfer-Encoding: chunked"])
def test_a_body_that_stops_coming(small_server: Server, headers: str) -> None:
    start = time.monotonic()
    with connection(small_server, headers) as client:
        client.sendall(b"1\r\nx\r\n")
        status, problem = read_answer(client)
        seconds = time.monotonic() - start
        assert (status, problem["code"], problem["limit"]) == (408, "body_timeout", READ_TIMEOUT)
        assert problem["setting"] == "UPSCALER_READ_TIMEOUT"
        assert READ_TIMEOUT <= seconds < READ_TIMEOUT + 2
        assert client.recv(10) == b""  # the connection can't be used again


def test_a_body_that_trickles(small_server: Server) -> None:
    """Every byte arrives in time, but not the whole body."""
    start = time.monotonic()
    with connection(small_server, "Content-Length: 1000") as client:
        with contextlib.suppress(OSError):
            while time.monotonic() < start + READ_TIMEOUT + 1:
                client.sendall(b"x")
                time.sleep(0.1)
        status, problem = read_answer(client)
    assert (status, problem["code"]) == (408, "body_timeout")


@pytest.mark.alone
def test_a_body_that_never_ends(small_server: Server) -> None:
    """An endless chunked body is rejected at the limit, and the connection is closed if it continues."""
    chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
    start = time.monotonic()
    with connection(small_server, "Transfer-Encoding: chunked") as client:
        with contextlib.suppress(OSError):
            while time.monotonic() < start + 10:
                client.sendall(chunk)
        assert time.monotonic() - start < 9, "the server never hung up"
    assert_ping_is_quick(small_server)


def test_broken_chunks(small_server: Server) -> None:
    with connection(small_server, "Transfer-Encoding: chunked") as client:
        client.sendall(b"xyz\r\n")
        status, problem = read_answer(client)
    assert (status, problem["code"]) == (400, "malformed_message")
    assert "chunked encoding" in str(problem["detail"])


@pytest.mark.parametrize(
    ("chunk", "count", "code"),
    [
        (b"1\r\nx\r\n", 4000, "unsupported_image_format"),
        (b"1\r\nx\r\n", 30_000, "malformed_message"),
        (b"1;" + b"x" * 1000 + b"\r\nx\r\n", 5000, "malformed_message"),
        (b"40\r\n" + b"x" * 64 + b"\r\n", 3000, "unsupported_image_format"),
    ],
)
def test_small_chunks(small_server: Server, chunk: bytes, count: int, code: str) -> None:
    """Some are read; very many are not: each costs as much as a large one."""
    with connection(small_server, "Transfer-Encoding: chunked") as client:
        client.sendall(count * chunk + (b"0\r\n\r\n" if count < 5000 else b""))
        _, problem = read_answer(client)
    assert problem["code"] == code
    if code == "malformed_message":
        assert problem["detail"] == (
            "the body's first 4097 chunks have 4097 bytes; 64 bytes each is the least: send larger chunks"
        )


@pytest.mark.alone
@pytest.mark.parametrize("headers", ["Content-Length: 1000", "Transfer-Encoding: chunked"])
def test_a_client_that_hangs_up_in_its_body(shared_server: StartServer, headers: str) -> None:
    server = shared_server(UPSCALER_MAX_REQUESTS="1")
    before = server.logged().count("status=499")
    with connection(server, headers) as client:
        client.sendall(b"5\r\nhello\r\n")
    assert answer_once_a_slot_is_free(server, 2).status_code == 200, "its slot was not given back"
    assert server.logged().count("status=499") == before + 1


@pytest.mark.alone
def test_slots_are_taken_before_bodies_and_probes_always_answered(start_server: StartServer) -> None:
    server = start_server(UPSCALER_MAX_REQUESTS="4", UPSCALER_READ_TIMEOUT="20")
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(connection(server, "Content-Length: 1000"))
        time.sleep(0.3)
        for _ in range(3):
            response = server.upscale(TINY)
            assert (response.status_code, response.json()["code"]) == (429, "too_many_requests")
            assert response.json()["setting"] == "UPSCALER_MAX_REQUESTS"
            assert int(response.headers["Retry-After"]) >= 1
            assert_ping_is_quick(server)
            assert httpx.get(f"{server.url}/readyz").status_code == 200
        # A refused client with a large body sees its answer as well.
        assert server.upscale(b"x" * (30 * MIB)).status_code == 429
    assert answer_once_a_slot_is_free(server, 3).status_code == 200


@pytest.mark.alone
def test_refused_clients_that_never_finish_do_not_starve_the_probes(start_server: StartServer) -> None:
    """The connection of a rejected client lingers for five seconds, without a thread."""
    server = start_server(UPSCALER_MAX_REQUESTS="1", UPSCALER_READ_TIMEOUT="20")
    with contextlib.ExitStack() as stack:
        for _ in range(60):
            stack.enter_context(connection(server, "Content-Length: 1000"))
        time.sleep(0.3)
        for _ in range(5):
            assert_ping_is_quick(server)


def test_a_client_that_hangs_up_during_inference(start_server: StartServer) -> None:
    """The work stops at the next tile and the slot is free again."""
    server = start_server(UPSCALER_MAX_REQUESTS="1", UPSCALER_PRECISION="fp32", UPSCALER_TIMEOUT="600")
    picture = encoded(photograph(2000, 2000), "JPEG")
    with connection(server, f"Content-Length: {len(picture)}") as client:
        client.sendall(picture)
        time.sleep(1.5)
        assert server.upscale(TINY).status_code == 429
    assert answer_once_a_slot_is_free(server, 8).status_code == 200, "the work went on for nobody"
    assert "status=499" in server.logged()
