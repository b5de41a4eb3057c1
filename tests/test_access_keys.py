"""API keys, by a real service that has some."""

import itertools
import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

import httpx
import pytest
from conftest import ROOT, Server, StartServer, connection, encoded, free_port, photograph, wait_for

import flask_app
from benchmarks.trace_collector import Collector
from http_edge.access.keys import is_open
from superscaling.api_key_lines import write_line
from superscaling.api_keys import ApiKey, new_key, sha256_of, today
from superscaling.commands import keys as command

TINY = encoded(photograph(3, 5, 1))
PNG = {"Content-Type": "image/png"}
NONE: Mapping[str, str] = MappingProxyType({})
# The routes that need no key.
OPEN = {
    *("/", "/docs", "/samples/<name>", "/web/<path:filename>", "/app.webmanifest", "/app-worker.js"),
    *("/openapi.json", "/ping", "/livez", "/readyz"),
}


def made(owner: str) -> tuple[ApiKey, str]:
    """What is known of a key, and the key."""
    key_id, key = new_key([])
    return ApiKey(key_id, sha256_of(key), owner, None), key


ANNA, ANNAS = made("anna")
ANNA_2, ANNAS_NEW = made("anna")
BERTA, BERTAS = made("berta")
EXPIRED, EXPIREDS = made("old")
REVOKED, REVOKEDS = made("gone")
TEXT = "\n".join(
    [
        *(write_line(key) for key in (ANNA, ANNA_2, BERTA)),
        write_line(replace(EXPIRED, expires=today() - timedelta(1))),
        write_line(replace(REVOKED, revoked=today())),
    ]
)
WRONG, UNKNOWN = (f"upsk_{key_id}_{'A' * 43}" for key_id in (ANNA.id, "unknown1"))
SECRETS = [key.split("_", 2)[2] for key in (ANNAS, ANNAS_NEW, BERTAS, EXPIREDS, REVOKEDS, WRONG)]


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@dataclass(frozen=True)
class Guarded:
    """A service with keys, whose metrics are at the port `metrics_port`."""

    server: Server
    file: Path
    collector: Collector
    metrics_port: int

    def ask(
        self, method: str, path: str, key: str | None = ANNAS, content: bytes = b"", headers: Mapping[str, str] = NONE
    ) -> httpx.Response:
        sent = {**(bearer(key) if key else {}), **headers}
        return httpx.request(method, self.server.url + path, headers=sent, content=content or None, timeout=60)

    def metric(self, name: str) -> float:
        """A sample, by its name and labels."""
        lines = httpx.get(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=60).text.splitlines()
        (value,) = (line.removeprefix(f"{name} ") for line in lines if line.startswith(f"{name} "))
        return float(value)

    def line(self, request_id: str) -> dict[str, object]:
        """The line of a request in the log."""

        def found() -> list[dict[str, object]]:
            lines = map(json.loads, self.server.log.read_text().splitlines())
            return [line for line in lines if line.get("request_id") == request_id]

        assert wait_for(lambda: bool(found()))
        (line,) = found()
        return line


@pytest.fixture(scope="module")
def guarded(start_server: StartServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    file = tmp_path_factory.mktemp("keys") / "api-keys"
    file.write_text(TEXT)
    collector = Collector()
    port = free_port()
    server = start_server(
        UPSCALER_API_KEYS_FILE=str(file),
        UPSCALER_METRICS_PORT=str(port),
        UPSCALER_TRACES_URL=collector.url,
        UPSCALER_LOG_FORMAT="json",
    )
    yield Guarded(server, file, collector, port)
    collector.close()


@pytest.mark.parametrize(
    "headers",
    [
        bearer(ANNAS),
        {"authorization": f"bEARER   {ANNAS}"},
        {"X-API-Key": ANNAS},
        {**bearer(ANNAS), "X-API-Key": ANNAS},
        {**bearer(ANNAS), "X-API-Key": ""},
        {"Authorization": "Basic YW5uYTpwYXNz", "X-API-Key": ANNAS},  # the password is a proxy's
    ],
)
def test_a_valid_key_is_enough(guarded: Guarded, headers: dict[str, str]) -> None:
    answer = httpx.post(f"{guarded.server.url}/upscale", content=TINY, headers={**PNG, **headers}, timeout=60)
    assert answer.status_code == 200
    assert "WWW-Authenticate" not in answer.headers


NO_KEY: list[object] = [
    {},
    {"Authorization": ""},
    {"Authorization": "Bearer"},
    {"Authorization": "Basic YW5uYTpwYXNz"},
    {"Authorization": ANNAS},
    {"Authorization": f"Token {ANNAS}"},
    {"X-API-Key": ""},
    {"Cookie": f"X-API-Key={ANNAS}"},
    {"X-API_Key": ANNAS},
]
BAD_KEY: list[object] = [
    bearer(WRONG),
    bearer(UNKNOWN),
    bearer(EXPIREDS),
    bearer(REVOKEDS),
    bearer("x"),
    bearer(ANNA.id),
    bearer(ANNA.sha256),
    bearer(ANNAS[:-1]),
    bearer(ANNAS + "A"),
    bearer(f"{ANNAS} {ANNAS}"),
    bearer(f"{ANNAS},"),
    bearer(ANNAS.upper()),
    bearer("upsk_" + "a" * 8000),
    {"X-API-Key": WRONG},
    {"X-API-Key": f"Bearer {ANNAS}"},
    {"X-API-Key": f'"{ANNAS}"'},
    {"X-API-Key": b"upsk_\xff\xfe"},
    {"Authorization": "Bearer upsk_é".encode()},
    [("Authorization", f"Bearer {ANNAS}"), ("Authorization", f"Bearer {ANNAS}")],
    [("X-API-Key", ANNAS), ("X-API-Key", BERTAS)],
]
SEVERAL: list[object] = [
    {**bearer(ANNAS), "X-API-Key": BERTAS},
    {**bearer(ANNAS), "X-API-Key": "x"},
]


@pytest.mark.parametrize(
    ("table", "challenge"),
    [
        (NO_KEY, 'Bearer realm="image-super-scaling"'),
        (BAD_KEY, 'Bearer realm="image-super-scaling", error="invalid_token"'),
        (SEVERAL, 'Bearer realm="image-super-scaling", error="invalid_token"'),
    ],
    ids=["none", "bad", "several"],
)
def test_without_a_valid_key(guarded: Guarded, table: list[dict[str, str]], challenge: str) -> None:
    """The answers of a table differ in nothing: they don't tell which ids there are."""
    answers = set()
    with httpx.Client(base_url=guarded.server.url, timeout=60) as client:
        for headers in table:
            answer = client.get("/models", headers=headers)
            assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, challenge), headers
            problem = answer.json()
            assert problem.pop("requestId") == answer.headers["X-Request-ID"]
            length = len(answer.headers.pop("X-Request-ID"))
            assert length == 32
            names = {name: value for name, value in answer.headers.items() if name != "date"}
            answers.add(json.dumps([problem, names]))
    (problem, _), *others = map(json.loads, answers)
    assert not others
    assert (problem["status"], problem["code"], problem["title"]) == (401, "unauthorized", "An API key is needed")


def test_a_key_in_the_address_is_none(guarded: Guarded) -> None:
    for name in ("api_key", "key", "X-API-Key", "access_token"):
        answer = guarded.ask("GET", f"/models?{name}={ANNAS}", key=None)
        assert answer.status_code == 401
        assert "error=" not in answer.headers["WWW-Authenticate"]


def test_every_route_but_few_needs_a_key(guarded: Guarded) -> None:
    """Whatever route is added needs one: what is open is listed here, and in the code."""
    tried = 0
    for rule in flask_app.app.url_map.iter_rules():
        path = (
            rule.rule.replace("<job_id>", "0" * 26).replace("<name>", "face.jpg").replace("<path:filename>", "page.css")
        )
        for method in (rule.methods or set()) - {"OPTIONS"}:
            answer = guarded.ask(method, path, key=None)
            expected = 404 if rule.rule == "/metrics" else 401
            assert (answer.status_code in (200, 404)) if rule.rule in OPEN else (answer.status_code == expected), path
            tried += 1
    assert tried > 20
    assert not is_open("added", "GET")
    assert guarded.ask("GET", "/nowhere", key=None).status_code == 404
    assert guarded.ask("GET", "/upscale", key=None).status_code == 405


def test_the_start_tells_the_log(guarded: Guarded) -> None:
    messages = [json.loads(line)["message"] for line in guarded.server.logged().splitlines()]
    assert f"metrics are on port {guarded.metrics_port}" in messages
    assert "requests need an API key; 3 are valid" in messages


def test_what_browsers_ask_before_needs_no_key(guarded: Guarded) -> None:
    assert guarded.ask("OPTIONS", "/upscale", key=None).status_code == 200


def test_nobody_without_a_key_takes_a_slot_or_sends_a_body(guarded: Guarded) -> None:
    """More clients than there are slots announce a picture; each is answered at once, and its connection closed."""
    with ExitStack() as stack:
        clients = [stack.enter_context(connection(guarded.server, "Content-Length: 60000000")) for _ in range(20)]
        announced = "Content-Length: 60000000\r\nExpect: 100-continue"
        clients += [stack.enter_context(connection(guarded.server, announced)) for _ in range(2)]
        for client in clients:
            answer = client.recv(4096)
            assert answer.startswith(b"HTTP/1.1 401 ")
            assert b"\r\nConnection: close\r\n" in answer
        assert guarded.ask("POST", "/upscale", content=TINY, headers=PNG).status_code == 200
    assert wait_for(lambda: guarded.metric("upscaler_requests_in_progress") == 0), "after the answer"


@pytest.mark.parametrize("length", [f"Content-Length: {len(TINY)}", "Transfer-Encoding: chunked"])
def test_a_client_with_a_key_is_asked_for_its_body(guarded: Guarded, length: str) -> None:
    """Once, and before the answer."""
    head = f"{length}\r\nExpect: 100-continue\r\nConnection: close\r\nX-API-Key: {ANNAS}"
    body = TINY if "Length" in length else b"%x\r\n%b\r\n0\r\n\r\n" % (len(TINY), TINY)
    with connection(guarded.server, head) as client:
        assert client.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(body)
        assert client.recv(4096).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("key", "reason", "key_id"),
    [
        (None, "missing", None),
        ("upsk_x", "malformed", None),
        (WRONG, "unknown", None),
        (UNKNOWN, "unknown", None),
        (EXPIREDS, "expired", EXPIRED.id),
        (REVOKEDS, "revoked", REVOKED.id),
    ],
    ids=["missing", "malformed", "wrong", "unknown", "expired", "revoked"],  # as keys differ between processes
)
def test_refusals_are_counted_and_logged(guarded: Guarded, key: str | None, reason: str, key_id: str | None) -> None:
    """With the address, and the id of a key whose secret the client has."""
    counter = f'upscaler_unauthorized_total{{reason="{reason}"}}'
    before = guarded.metric(counter)
    answer = guarded.ask("POST", "/upscale", key, content=TINY, headers=PNG)
    line = guarded.line(answer.headers["X-Request-ID"])
    assert guarded.metric(counter) == before + 1
    assert (line["status"], line["code"], line["address"], line["refusal"]) == (
        401,
        "unauthorized",
        "127.0.0.1",
        reason,
    )
    assert line.get("key_id") == key_id
    assert "owner" not in line
    assert guarded.metric('upscaler_requests_total{model="",status="401"}') > 0


def test_the_log_and_the_trace_have_the_key_s_id(guarded: Guarded) -> None:
    answer = guarded.ask("POST", "/upscale", BERTAS, content=TINY, headers=PNG)
    request_id = answer.headers["X-Request-ID"]
    line = guarded.line(request_id)
    assert (line["key_id"], line["owner"]) == (BERTA.id, "berta")

    def attributes() -> list[dict[str, object]]:
        spans = guarded.collector.named("POST /upscale")
        return [span.attributes for span in spans if span.attributes["upscaler.request_id"] == request_id]

    assert wait_for(lambda: bool(attributes()), 60)
    (found,) = attributes()
    assert (found["upscaler.key_id"], found["upscaler.owner"]) == (BERTA.id, "berta")


def test_jobs_belong_to_owners(guarded: Guarded) -> None:
    """Not to keys: whoever has another key of the same owner sees them. For others they are unknown."""
    headers = {**PNG, "Idempotency-Key": "same"}
    job = guarded.ask("POST", "/jobs?group=mine", content=TINY, headers=headers).json()["id"]
    assert guarded.ask("POST", "/jobs?group=mine", ANNAS_NEW, content=TINY, headers=headers).json()["id"] == job
    hers = guarded.ask("POST", "/jobs?group=mine", BERTAS, content=TINY, headers=headers).json()["id"]
    assert hers != job
    preferred = guarded.ask("POST", "/upscale", BERTAS, content=TINY, headers={**PNG, "Prefer": "respond-async"})
    assert preferred.status_code == 202
    assert guarded.ask("GET", preferred.headers["Location"], ANNAS).status_code == 404

    watched = guarded.ask("GET", f"/jobs/{job}", ANNAS_NEW, headers={"Accept": "text/event-stream"})
    assert '"status":"done"' in watched.text.split("event: ")[-1]
    unknown = guarded.ask("GET", f"/jobs/{'0' * 26}", BERTAS)
    for method, path in (("GET", ""), ("GET", "/result"), ("DELETE", "")):
        answer = guarded.ask(method, f"/jobs/{job}{path}", BERTAS)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_job")
        assert answer.json()["detail"] == unknown.json()["detail"].replace("0" * 26, job)
        assert guarded.ask(method, f"/jobs/{job}{path}", None).status_code == 401
    listed = {key: guarded.ask("GET", "/jobs?group=mine", key).json()["jobs"] for key in (ANNAS, ANNAS_NEW, BERTAS)}
    assert [[each["id"] for each in jobs] for jobs in listed.values()] == [[job], [job], [hers]]
    assert guarded.ask("GET", f"/jobs/{job}/result", ANNAS_NEW).status_code == 200
    assert guarded.ask("DELETE", f"/jobs/{job}").status_code == 204


def test_keys_change_without_a_restart(guarded: Guarded, capsys: pytest.CaptureFixture[str]) -> None:
    """A new key, a revoked one, a file that is spoilt for a while, and the old one."""

    def status(key: str) -> int:
        return guarded.ask("GET", "/models", key).status_code

    place = ("--file", str(guarded.file))
    assert command.main(["new", "carla", *place]) == 0
    new = capsys.readouterr().out.strip()
    assert wait_for(lambda: status(new) == 200)
    assert command.main(["revoke", new.split("_")[1], *place]) == 0
    assert wait_for(lambda: status(new) == 401)
    guarded.file.write_text("nonsense")
    assert wait_for(lambda: guarded.metric("upscaler_api_keys_file_valid") == 0)
    assert (status(ANNAS), status(new)) == (200, 401)
    guarded.file.write_text(TEXT)
    assert wait_for(lambda: guarded.metric("upscaler_api_keys_file_valid") == 1)
    assert status(ANNAS) == 200
    log = guarded.server.logged()
    assert log.count("has invalid API keys: line 1: 'nonsense' is no field") == 1


def test_the_metrics_have_their_own_port(guarded: Guarded) -> None:
    """Without a key; nothing else is there, and they are nowhere else."""
    at_metrics = f"http://127.0.0.1:{guarded.metrics_port}"
    for path in ("/ping", "/", "/models", "/openapi.json", "/nothing"):
        assert httpx.get(at_metrics + path, headers=bearer(ANNAS)).status_code == 404
    assert httpx.post(f"{at_metrics}/upscale", content=TINY, headers={**PNG, **bearer(ANNAS)}).status_code == 404
    for headers in ({}, {"Host": f"127.0.0.1:{guarded.metrics_port}"}):
        assert guarded.ask("GET", "/metrics", headers=headers).status_code == 404
        assert guarded.ask("POST", "/metrics", headers=headers).status_code == 404
    assert httpx.post(f"{at_metrics}/metrics").status_code == 405
    metrics = httpx.get(f"{at_metrics}/metrics")
    assert metrics.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    for name in ("anna", "berta", ANNA.id, BERTA.id):
        assert name not in metrics.text


def test_who_reads_no_metrics_harms_nothing(guarded: Guarded) -> None:
    """More clients than the service has threads ask for them on one connection again and again, and read nothing."""
    with ExitStack() as stack:
        for _ in range(200):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", guarded.metrics_port))
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3)
        for path in ("/livez", "/readyz"):
            assert httpx.get(guarded.server.url + path, timeout=20).status_code == 200
        assert guarded.metric("upscaler_api_keys_file_valid") == 1


def test_the_description_says_what_needs_a_key(guarded: Guarded) -> None:
    from openapi_spec_validator import validate  # late, as it loads jsonschema

    document = guarded.ask("GET", "/openapi.json", key=None).json()
    validate(document)
    assert set(document["components"]["securitySchemes"]) == {"bearer", "apiKey"}
    assert "/metrics" not in document["paths"], "they are elsewhere"
    described = itertools.chain.from_iterable(item.items() for item in document["paths"].values())
    assert {"security" in operation for _, operation in described} == {True, False}
    for path, item in document["paths"].items():
        for operation in item.values():
            is_guarded = path not in OPEN
            assert ("401" in operation["responses"]) == is_guarded
            assert operation.get("security") == ([{"bearer": []}, {"apiKey": []}] if is_guarded else None)


def test_without_a_file_keys_are_optional_and_ignored() -> None:
    client = flask_app.app.test_client()
    assert client.get("/models", headers=bearer(WRONG)).status_code == 200
    assert client.get("/metrics").status_code == 200
    document = client.get("/openapi.json").get_json()
    assert document["paths"]["/upscale"]["post"]["security"] == [{}, {"bearer": []}, {"apiKey": []}]
    assert document["paths"]["/metrics"]["get"]["responses"]["401"]


def test_the_health_check_needs_no_key(guarded: Guarded) -> None:
    environ = {**guarded.server.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-m", "superscaling.commands.health"], env=environ, check=True, timeout=60)


@pytest.fixture(scope="module")
def locked(start_server: StartServer, guarded: Guarded) -> Server:
    """A service with keys, and with its metrics among the other routes."""
    return start_server(UPSCALER_API_KEYS_FILE=str(guarded.file))


def test_otherwise_the_metrics_need_a_key(locked: Server) -> None:
    assert httpx.get(f"{locked.url}/metrics").status_code == 401
    assert httpx.get(f"{locked.url}/metrics", headers=bearer(BERTAS)).status_code == 200
    assert "/metrics" in httpx.get(f"{locked.url}/openapi.json").json()["paths"]


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_no_key_is_in_a_log_or_a_trace(guarded: Guarded, locked: Server, log_format: str) -> None:
    """Wherever clients put it, also where none belongs; after all the tests above."""
    server = guarded.server if log_format == "json" else locked
    for headers in (
        bearer(ANNAS),
        bearer(WRONG),
        {"X-API-Key": BERTAS},
        {"X-Request-ID": ANNAS},
        {"User-Agent": ANNAS},
    ):
        httpx.post(f"{server.url}/upscale?format={ANNAS}", content=TINY, headers={**PNG, **headers}, timeout=60)
    httpx.get(f"{server.url}/jobs/{ANNAS}", headers=bearer(ANNAS))
    httpx.get(f"{server.url}/{ANNAS}", headers={"traceparent": ANNAS})
    for head in (
        f"GET /ping HTTP/1.1\r\nHost: localhost\r\nAuthorization Bearer {ANNAS}\r\n\r\n",
        f"GET /ping {ANNAS} HTTP/1.1\r\nHost: localhost\r\n\r\n",
        f"{ANNAS} /ping HTTP/1.1\r\nHost: localhost\r\n\r\n",
        f"GET /ping HTTP/1.1\r\nHost: localhost\r\nX-{ANNAS}\x00: x\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
            client.sendall(head.encode())
            assert client.recv(100).startswith((b"HTTP/1.1 4", b"HTTP/1.1 501"))
    assert wait_for(lambda: server.log.read_text().count("malformed request from") == 4)
    log = server.log.read_text()
    assert f"upsk_{ANNA.id}_..." in log
    spans = repr([(span.name, span.attributes) for span in list(guarded.collector.spans)])
    assert BERTA.id in spans
    for secret in SECRETS:
        assert secret[:16] not in log
        assert secret[:16] not in spans
    assert "Traceback" not in log
