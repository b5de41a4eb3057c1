"""`imageUrl` through the front door: a real service, a real server elsewhere, and a resolver that lies."""

import base64
import contextlib
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from conftest import Server, StartServer, encoded, opened, photograph, wait_for
from hostile_server import ALL, PICTURE, HostileServer, redirect

from http_edge.places import MAX_FETCHES
from outbound.fetching import STEP

# Python imports this module at its start. Names below .test are looked up in a file: addresses for each time in turn.
RESOLVER = """
import itertools, json, os, pathlib, socket
look_up = socket.getaddrinfo
table = json.loads(pathlib.Path(os.environ["NAMES_OF_TEST"]).read_text())
turns = {name: itertools.cycle(answers) for name, answers in table.items()}

def lie(name, *args, **options):
    if not str(name).endswith(".test"):
        return look_up(name, *args, **options)
    if name not in turns:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in next(turns[name])]

socket.getaddrinfo = lie
"""
NAMES = {
    "good.test": [["127.0.0.2"]],
    "private.test": [["127.0.0.1"]],
    "mixed.test": [["127.0.0.2", "127.0.0.1"]],
    "mapped.test": [["::ffff:127.0.0.2"]],
    "metadata.test": [["169.254.169.254"]],
    "rebinding.test": [["127.0.0.2"], ["127.0.0.1"]],
}
REFUSED = [
    "http://127.0.0.1:{port}/picture.png",
    "http://[::ffff:127.0.0.2]:{port}/picture.png",
    "http://mixed.test:{port}/picture.png",
    "http://mapped.test:{port}/picture.png",
    "http://metadata.test/latest/meta-data/",
    "http://rebinding.test:{port}/picture.png",
    "http://gone.test/picture.png",
    "http://good.test:{port}/not-found",
    "http://good.test:{port}/page",
    "http://good.test:{port}/to-private",
    "http://good.test:{port}/endless",
    "http://good.test:{port}/slow-head",
    "https://good.test:{port}/picture.png",
]


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[HostileServer]:
    paths = dict(ALL)
    with HostileServer(paths).running() as server:
        paths["/to-private"] = redirect(server.url("/picture.png", "private.test"))
        yield server


@pytest.fixture(scope="module")
def service(start_server: StartServer, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """With as many slots for requests as places for images that are fetched."""
    folder = tmp_path_factory.mktemp("resolver")
    (folder / "sitecustomize.py").write_text(RESOLVER)
    (folder / "names.json").write_text(json.dumps(NAMES))
    return start_server(
        PYTHONPATH=str(folder),
        NAMES_OF_TEST=str(folder / "names.json"),
        UPSCALER_URL_HOSTS="*",
        UPSCALER_PRIVATE_NETWORKS="127.0.0.2/32",
        UPSCALER_MAX_REQUESTS=str(MAX_FETCHES),
    )


def ask(service: Server, path: str = "/upscale", **request: Any) -> httpx.Response:
    return httpx.post(f"{service.url}{path}", timeout=120, **request)


def size(image: bytes) -> tuple[int, int]:
    return opened(image).size


def test_every_form_of_request(service: Server, elsewhere: HostileServer) -> None:
    url = elsewhere.url("/picture.png", "good.test")
    expected = service.upscale(PICTURE, format="png").content
    answer = ask(service, json={"imageUrl": url, "format": "png"})
    assert base64.b64decode(answer.json()["imageBase64"]) == expected
    # Clients that write all members of a class send null.
    answer = ask(service, json={"imageUrl": url, "imageBase64": None, "format": "png", "scale": None})
    assert base64.b64decode(answer.json()["imageBase64"]) == expected
    for request in (
        {"files": {"imageUrl": (None, url), "format": (None, "png")}},
        {"files": {"image": ("", b""), "imageUrl": (None, url), "format": (None, "png")}},  # an input left open
        {"files": {"format": (None, "png")}, "params": {"imageUrl": url}},
        {"params": {"imageUrl": url, "format": "png"}},
        {"params": {"imageUrl": url, "format": "png"}, "headers": {"Content-Type": "application/json"}},
    ):
        answer = ask(service, **request)
        assert (answer.status_code, answer.content == expected) == (200, True), answer.text[:300]
    answer = ask(service, "/v1/images/upscale", json={"imageUrl": url})
    assert size(base64.b64decode(answer.json()["data"][0]["b64_json"])) == (64, 48)
    answer = ask(service, json={"imageUrl": url}, headers={"Accept": "text/event-stream"})
    assert "event: result" in answer.text
    assert (
        ask(service, json={"imageUrl": url}, headers={"Accept": "image/webp"}).headers["Content-Type"] == "image/webp"
    )


def result(service: Server, job_id: str) -> bytes:
    url = f"{service.url}/jobs/{job_id}/result"
    assert wait_for(lambda: httpx.get(url).status_code == 200, 60)
    return httpx.get(url).content


def test_jobs(service: Server, elsewhere: HostileServer) -> None:
    """The image is fetched when the job is taken. The same request finds the same job, whatever is there by then."""
    url = elsewhere.url("/picture.png", "good.test")
    expected = service.upscale(PICTURE, format="png").content
    key = {"Idempotency-Key": "image-url"}
    taken = [
        ask(service, "/jobs", json={"imageUrl": url, "format": "png"}, headers=key),
        ask(service, "/jobs", params={"imageUrl": url, "format": "png"}, headers=key),
        ask(service, json={"imageUrl": url, "format": "png"}, headers={"Prefer": "respond-async"}),
    ]
    assert [answer.status_code for answer in taken] == [202, 202, 202]
    first, again, other = (answer.json()["id"] for answer in taken)
    assert first == again != other
    for job_id in (first, other):
        assert result(service, job_id) == expected
    different = ask(service, "/jobs", json={"imageUrl": f"{url}?other", "format": "png"}, headers=key)
    assert different.json()["code"] == "idempotency_mismatch"


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"json": {"imageUrl": "http://a.test/", "imageBase64": "AAAA"}}, "send one of them"),
        ({"params": {"imageUrl": "http://a.test/"}, "content": PICTURE}, "send one of them"),
        ({"files": {"image": ("a.png", PICTURE), "imageUrl": (None, "http://a.test/")}}, "send one of them"),
        ({"json": {}}, "imageBase64 is missing"),
        ({"json": {"imageUrl": None}}, "imageBase64 is missing"),
        ({"json": {"imageUrl": ""}}, "imageUrl must be a string"),
        ({"json": {"imageUrl": 7}}, "imageUrl must be a string"),
        ({"json": {"imageUrl": "http://127.2/picture.png"}}, "imageUrl must be a plain address"),
        ({"json": {"imageUrl": "http://127.0.0.2\\@good.test/picture.png"}}, "imageUrl must be a plain address"),
        ({"json": {"imageUrl": ["http://a.test/"]}}, "imageUrl must be a string"),
        ({"content": b'{"imageUrl": "http://a.test/", "imageUrl": "http://b.test/"}'}, "given twice"),
        ({"params": [("imageUrl", "http://a.test/"), ("imageUrl", "http://b.test/")]}, "more than once"),
        ({"files": {"format": (None, "png")}}, "no part 'image'"),
        ({}, "the body is empty"),
    ],
)
def test_an_image_or_its_address(service: Server, request_: dict[str, Any], words: str) -> None:
    answer = ask(service, **request_)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_message")
    assert words in answer.json()["detail"]


def test_all_refusals_are_alike_and_take_equally_long(service: Server, elsewhere: HostileServer) -> None:
    """Whether a host exists, a port is open, or something else than an image is there, nobody can tell.

    A name that is looked up as something else the second time gains nothing: there is no second time in a request.
    """

    def answer(url: str) -> tuple[Any, float]:
        begun = time.monotonic()
        got = ask(service, json={"imageUrl": url.format(port=elsewhere.port)}, headers={"X-Request-ID": "the-id"})
        headers = {name: value for name, value in got.headers.items() if name != "date"}
        return (got.status_code, headers, got.text), time.monotonic() - begun

    elsewhere.reached.clear()
    assert ask(service, json={"imageUrl": elsewhere.url("/picture.png", "rebinding.test")}).status_code == 200
    with ThreadPoolExecutor(MAX_FETCHES) as pool:
        answering = pool.map(answer, REFUSED)
        # Whoever waits to be told of a failure keeps nobody else from fetching.
        assert wait_for(lambda: service.log.read_text().count("an image was not fetched") >= 4)
        assert ask(service, json={"imageUrl": elsewhere.url("/picture.png", "good.test")}).status_code == 200
        answers = list(answering)
    first, _ = answers[0]
    assert first[0] == 422
    assert json.loads(first[2])["code"] == "url_not_fetched"
    assert not {"setting", "limit", "actual", "hint"} & set(json.loads(first[2]))
    assert [REFUSED[number] for number, (got, _) in enumerate(answers) if got != first] == []
    assert all(STEP <= seconds < 2 * STEP for _, seconds in answers), [seconds for _, seconds in answers]
    assert set(elsewhere.reached) == {"127.0.0.2"}, "nothing else was connected to"
    log = service.logged()
    for reason in ("its host has an address that is not public", "its name is not found", "status 404", "no image"):
        assert reason in log
    assert "Traceback" not in log


@contextlib.contextmanager
def waiting(service: Server, elsewhere: HostileServer, count: int) -> Iterator[list[socket.socket]]:
    """Clients whose images arrive slowly."""
    body = json.dumps({"imageUrl": elsewhere.url("/slow-body", "good.test")}).encode()
    fields = f"Host: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    head = f"POST /upscale HTTP/1.1\r\n{fields}\r\n\r\n"
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(("127.0.0.1", service.port))) for _ in range(count)]
        for client in clients:
            client.sendall(head.encode() + body)
            assert elsewhere.arrived.acquire(timeout=60)
        yield clients


def test_slow_servers_hold_no_slot(service: Server, elsewhere: HostileServer) -> None:
    """Their requests wait in places of their own, which a hang-up frees; all slots are for others meanwhile."""
    while elsewhere.arrived.acquire(blocking=False):
        pass
    with waiting(service, elsewhere, MAX_FETCHES):
        elsewhere.closed.clear()
        assert service.upscale(PICTURE).status_code == 200
        refused = ask(service, json={"imageUrl": elsewhere.url("/picture.png", "good.test")})
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
        assert refused.headers["Retry-After"] == "5"
    assert elsewhere.closed.wait(20), "nobody waits for the image any more"
    url = elsewhere.url("/picture.png", "good.test")
    assert wait_for(lambda: ask(service, json={"imageUrl": url}).status_code == 200, 20)


def test_an_image_that_can_not_be_enlarged_is_told_as_if_it_was_sent(service: Server) -> None:
    """What is an image is no secret any more: its client may know what is wrong with it."""
    broken = encoded(photograph(24, 32))[:100]
    with HostileServer(
        {"/broken": lambda _, client: client.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + broken)}
    ).running() as at:
        fetched = ask(service, params={"imageUrl": at.url("/broken")}).json()
    sent = service.upscale(broken).json()
    assert (fetched["code"], fetched["detail"]) == (sent["code"], sent["detail"])
