"""Uploads, results and events of jobs have places of their own: requests with images keep their slots."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from conftest import Server, StartServer, encoded, photograph, taken_slot, wait_for
from test_metrics import figures
from test_request_body import read_answer

import flask_app
from http_edge import job_answers
from http_edge.job_answers import archive_answer, result_answer
from http_edge.places import MAX_DOWNLOADS, MAX_UPLOADS, MAX_WATCHERS, places_to_fetch, request_slots
from jobs.records import Result
from message_protocol import EVENTS
from resource_job_results import Archive, StoredResult
from superscaling.errors import JobUnknown, TooManyRequests
from superscaling.format_name import FormatName

SMALL = encoded(photograph(12, 16))
LARGE = encoded(photograph(600, 600), "JPEG", quality=60)
BODY_TIMEOUT = 3
DATA = b"0123456789"
STORED = StoredResult(
    "x.png", Result(FormatName.PNG, 5, 2, len(DATA), "0" * 64), 0.0, "", lambda start, size: DATA[start : start + size]
)


@pytest.fixture(scope="module")
def server(start_server: StartServer) -> Server:
    """A service with one slot, where one job fills the queue."""
    return start_server(
        UPSCALER_MAX_REQUESTS="1",
        UPSCALER_READ_TIMEOUT="2",
        UPSCALER_JOBS_BODY_TIMEOUT=str(BODY_TIMEOUT),
        UPSCALER_JOBS_QUEUE_PIXELS="1",
    )


@contextlib.contextmanager
def head_of(server: Server, path: str, *headers: str, method: str = "POST") -> Iterator[socket.socket]:
    """Open a connection and send the head of a request."""
    lines = "\r\n".join((f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", ""))
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
        client.sendall(lines.encode())
        yield client


@contextlib.contextmanager
def open_job(server: Server, key: str) -> Iterator[str]:
    """A job that takes long, until it is cancelled. Returns its path."""
    answer = httpx.post(
        f"{server.url}/jobs", params={"scale": "8"}, content=LARGE, headers={"Idempotency-Key": key}, timeout=20
    )
    assert answer.status_code == 202, answer.text
    place: str = answer.headers["Location"]
    yield place
    assert httpx.delete(server.url + place, timeout=20).status_code == 204


def submit(server: Server) -> httpx.Response:
    return httpx.post(f"{server.url}/jobs", content=SMALL, timeout=20)


def is_done(server: Server, answer: httpx.Response) -> bool:
    """Wait for a job, which otherwise fills the queue."""
    return wait_for(lambda: httpx.get(server.url + answer.headers["Location"]).json()["status"] == "done")


@pytest.mark.alone
def test_slow_uploads_leave_requests_alone(server: Server) -> None:
    """As many as there are places; then 408 tells them, and the places come back."""
    before = figures(server)
    start = time.monotonic()
    with contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(head_of(server, "/jobs", "Content-Type: image/png", "Content-Length: 100000"))
            for _ in range(MAX_UPLOADS)
        ]
        for client in clients:
            client.sendall(SMALL + bytes(2000))
        time.sleep(0.3)
        full = submit(server)
        assert (full.status_code, full.json()["code"], full.json()["limit"]) == (429, "too_many_requests", MAX_UPLOADS)
        assert int(full.headers["Retry-After"]) >= 1
        assert server.upscale(SMALL).status_code == 200
        for client in clients:
            status, problem = read_answer(client)
            assert (status, problem["setting"]) == (408, "UPSCALER_JOBS_BODY_TIMEOUT")
        assert BODY_TIMEOUT <= time.monotonic() - start < BODY_TIMEOUT + 4
    answer = submit(server)
    assert answer.status_code == 202
    after = figures(server)
    for code, count in (("202", 1), ("408", MAX_UPLOADS), ("429", 1)):
        name = f'upscaler_job_requests_total{{status="{code}"}}'
        assert after[name] - before.get(name, 0) == count
    assert before['upscaler_job_requests_total{status="503"}'] == 0
    rejected = 'upscaler_rejected_total{reason="too_many_requests"}'
    assert after[rejected] == before[rejected], "it is no request of /upscale"
    assert is_done(server, answer)


def test_who_hangs_up_gives_the_place_back(server: Server) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(MAX_UPLOADS):
            stack.enter_context(head_of(server, "/jobs", "Content-Type: image/png", "Content-Length: 100000"))
        time.sleep(0.3)  # until each has its place
        assert wait_for(lambda: submit(server).status_code == 429, 2)
    answer = None

    def is_taken() -> bool:
        nonlocal answer
        answer = submit(server)
        return answer.status_code == 202

    assert wait_for(is_taken, 2)
    assert answer is not None
    assert is_done(server, answer)


def test_an_upload_waits_for_a_slot(server: Server) -> None:
    answers = list[httpx.Response]()
    thread = threading.Thread(target=lambda: answers.append(submit(server)))
    with taken_slot(server):
        thread.start()
        time.sleep(0.5)
        assert not answers
    thread.join(10)
    assert answers[0].status_code == 202
    assert is_done(server, answers[0])


def test_slots_that_are_waited_for() -> None:
    slots = request_slots(1, lambda: 0.0)
    slots.take(0.01)
    start = time.monotonic()
    with pytest.raises(TooManyRequests):
        slots.take(0.2)
    assert time.monotonic() - start >= 0.2
    threading.Timer(0.1, slots.give_back).start()
    slots.take(10)


def test_a_full_queue_is_told_before_the_image_is_sent(server: Server) -> None:
    """But a request that is repeated finds its job."""
    with open_job(server, "full") as place:
        with head_of(server, "/jobs", "Content-Type: image/png", "Content-Length: 100000") as client:
            status, problem = read_answer(client)
        assert (status, problem["code"]) == (429, "jobs_queue_full")
        again = httpx.post(
            f"{server.url}/jobs", params={"scale": "8"}, content=LARGE, headers={"Idempotency-Key": "full"}
        )
        assert (again.status_code, again.headers["Location"]) == (202, place)
        # A preference that can't be honoured is ignored.
        plain = httpx.post(f"{server.url}/upscale", content=SMALL, headers={"Prefer": "respond-async"}, timeout=60)
        assert (plain.status_code, plain.headers["Content-Type"]) == (200, "image/png")
        assert "Preference-Applied" not in plain.headers


@pytest.mark.alone
def test_watchers(server: Server) -> None:
    """One more gets 429, and whoever hangs up gives the place back."""
    events = f"Accept: {EVENTS}"
    with open_job(server, "watched") as place:
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(head_of(server, place, events, method="GET")) for _ in range(MAX_WATCHERS)]
            for client in clients:
                assert client.recv(12) == b"HTTP/1.1 200"
            assert figures(server)["upscaler_job_watchers"] == MAX_WATCHERS
            full = httpx.get(server.url + place, headers={"Accept": EVENTS})
            assert (full.status_code, full.json()["limit"]) == (429, MAX_WATCHERS)
            assert httpx.get(server.url + place).status_code == 200
        assert wait_for(lambda: figures(server)["upscaler_job_watchers"] == 0, 10)


def test_downloads() -> None:
    """Results and archives share their places, which come back when the answer is closed."""
    with flask_app.app.test_request_context("/jobs/x/result"):
        answers = [result_answer(STORED) for _ in range(MAX_DOWNLOADS)]
        with pytest.raises(TooManyRequests):
            result_answer(STORED)
        with pytest.raises(TooManyRequests):
            archive_answer(lambda: pytest.fail("it is listed without a place"), "x")
        for answer in answers:
            answer.close()
        assert job_answers.downloads.taken == 0
        archive_answer(lambda: Archive((STORED,), ()), "x").close()
        with pytest.raises(JobUnknown):
            archive_answer(no_archive, "x")
        assert job_answers.downloads.taken == 0
    with flask_app.app.test_request_context("/jobs/archive", method="HEAD"):
        answer = archive_answer(lambda: Archive((STORED,), ()), "x")
        assert answer.get_data() == b""
        answer.close()
        assert job_answers.downloads.taken == 0


def test_a_result_that_was_sent_gives_its_place_back(server: Server) -> None:
    answer = submit(server)
    assert is_done(server, answer)
    place = f"{server.url}{answer.headers['Location']}/result"
    with httpx.Client() as client:
        for part in ({}, {"Range": "bytes=0-1"}) * (MAX_DOWNLOADS // 2) + ({},):
            assert client.get(place, headers=part).status_code < 300
    assert wait_for(lambda: server.log.read_text().count('/result" status=20') == MAX_DOWNLOADS + 1, 5), "not logged"


def no_archive() -> Archive:
    raise JobUnknown("there is none")


def test_a_result_names_its_model() -> None:
    """If that was kept."""
    with flask_app.app.test_request_context("/jobs/x/result", method="HEAD"):
        assert "X-Upscaler-Model" not in result_answer(STORED).headers
        assert result_answer(replace(STORED, model="m (x)")).headers["X-Upscaler-Model"] == "m (x)"


def test_a_place_is_exchanged_for_another_if_one_is_free() -> None:
    places, others = places_to_fetch(2), places_to_fetch(1)
    with places.held(others) as exchange:
        exchange()
        assert (places.taken, others.taken) == (0, 1)
        with places.held(others) as exchange_too:
            exchange_too()
            assert (places.taken, others.taken) == (1, 1)
    assert (places.taken, others.taken) == (0, 0)
