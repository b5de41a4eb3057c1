"""Webhooks: a real receiver on loopback, which verifies, fails, redirects, hangs, and answers without end."""

import base64
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, QuietHandler, free_port
from standardwebhooks import Webhook, WebhookVerificationError
from stored_jobs import HOUR, half_done

from jobs import webhooks
from jobs.deletion import expire, forget
from jobs.directory_store import DirectoryStore
from jobs.indices import due_webhooks
from jobs.ledger import Ledger, Status
from jobs.webhooks import BACKOFF, LOST_SECONDS, MAX_BATCH, Webhooks, check_webhook
from message_protocol import JobOutput
from outbound.hosts import HostList
from outbound.location import MAX_URL
from outbound.outlet import Outlet
from superscaling.commands.prepare import prepare
from superscaling.errors import ImageCorrupt, SettingInvalid, WebhookNotAllowed
from superscaling.settings import Settings

SECRET = "whsec_" + base64.b64encode(b"a secret of 24 bytes ...").decode()

NAMES = ("example.com", "hooks.example.com:8443", "Upper.example.com", "127.0.0.1:9000", "[::1]:9000")
HOSTS = HostList("webhook_hosts", NAMES)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "http://example.com/hook?a=b&c=%20d",
        "https://example.com:443/hook",
        "http://example.com:80",
        "HTTPS://EXAMPLE.COM/Hook",
        "https://hooks.example.com:8443/hook",
        "http://hooks.example.com:8443/hook",
        "https://upper.example.com/",
        "http://127.0.0.1:9000/",
        "http://[::1]:9000/",
    ],
)
def test_allowed_addresses(url: str) -> None:
    assert check_webhook(url, HOSTS).host


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "//example.com",
        "ftp://example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://",
        "https:///hook",
        "https://example.com@evil.example/",
        "https://user:password@example.com/",
        "https://evil.example/",
        "https://evil.example\\@example.com/",
        "https://evil.example#@example.com/",
        "https://example.com/#fragment",
        "https://example.com.evil.example/",
        "https://example.com.",
        "https://sub.example.com/",
        "https://example.com:8443/",
        "https://example.com:80/",
        "http://example.com:443/",
        "https://example.com:99999/",
        "https://example.com:x/",
        "https://example.com:0/",
        "https://example.com:/",
        "https://example.com/%zz",
        "https://example.com:80:80/",
        "https://hooks.example.com/",
        "https://127.0.0.1/",
        "https://2130706433:9000/",
        "https://[::1/",
        "https://[::1]x:9000/",
        "https://exa\tmple.com/",
        "https://example.com/\r\nHost: evil",
        "https://example.com/ path",
        "https://exämple.com/",
        " https://example.com/",
        "https://example.com/\n",
        "https://example.com/" + "a" * MAX_URL,
    ],
)
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(WebhookNotAllowed):
        check_webhook(url, HOSTS)


def test_no_hosts_allow_none() -> None:
    with pytest.raises(WebhookNotAllowed) as caught:
        check_webhook("https://example.com/", HostList("webhook_hosts", ()))
    assert caught.value.setting == "webhook_hosts"


@dataclass
class Receiver:
    """What came, and how it is answered."""

    port: int = 0
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answer: Callable[[Any], None] = lambda handler: status(handler, 204)
    end: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?to=ann"


def status(handler: Any, number: int, **headers: str) -> None:
    handler.send_response(number)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(QuietHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.requests.append((dict(self.headers), body))
            receiver.answer(self)

        def do_GET(self) -> None:
            receiver.requests.append(({"method": "GET"}, b""))
            status(self, 204)

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            pass  # whoever sent it has hung up

    with Server(("127.0.0.1", 0), Handler) as server:
        receiver.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield receiver
        receiver.end.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # slow, and no matter here
    return Ledger(DirectoryStore(tmp_path / "store"), 1_000_000)


def to(*hosts: str, private: Sequence[str] = ("127.0.0.0/8",)) -> Outlet:
    return Outlet(HostList("webhook_hosts", hosts), private)


def describe(where: Status) -> JobOutput:
    return JobOutput(id=where.job.id, status=where.state, done=where.done, total=where.total)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(SECRET + "\n")
    return path


@pytest.fixture
def hooks(ledger: Ledger, receiver: Receiver, secret: Path) -> Webhooks:
    return Webhooks(ledger, to(f"127.0.0.1:{receiver.port}"), secret, describe)


def cancelled(ledger: Ledger, receiver: Receiver) -> str:
    job = half_done(ledger, webhook=receiver.url)
    ledger.cancel(job.id)
    return job.id


def make_due(ledger: Ledger) -> None:
    """Let the time pass until the next attempts."""
    for each in list(due_webhooks(ledger.store)):
        ledger.store.delete(each.key)
        ledger.store.put(f"webhooks/{0:013}-{each.job_id}-{each.attempt}", b"")


def test_an_end_is_told_once_and_signed(ledger: Ledger, receiver: Receiver, hooks: Webhooks) -> None:
    job = half_done(ledger, webhook=receiver.url)
    hooks.deliver()
    assert receiver.requests == []
    before = time.time()
    ledger.fail(job.id, ImageCorrupt("it is"))
    for _ in range(2):
        hooks.deliver()
    ((headers, body),) = receiver.requests
    message = Webhook(SECRET).verify(body, headers)
    assert message["type"] == "job.failed"
    assert message["data"] == {"id": job.id, "status": "failed", "done": 0, "total": 6}
    assert message["timestamp"].startswith(time.strftime("%Y-%m-%dT", time.gmtime(before)))
    assert headers["webhook-id"] == f"msg_{job.id}"
    assert headers["Content-Type"] == "application/json"
    assert list(due_webhooks(ledger.store)) == []
    ledger.clear(job.id)  # again, as after a crash
    hooks.deliver()
    assert len(receiver.requests) == 1


def test_the_documented_receiver_verifies_them(ledger: Ledger, receiver: Receiver, hooks: Webhooks) -> None:
    job_id = cancelled(ledger, receiver)
    hooks.deliver()
    ((headers, body),) = receiver.requests
    section = (ROOT / "docs" / "http-api.md").read_text().partition("### Webhooks\n")[2]
    names = dict[str, Any]()
    exec(section.partition("```python\n")[2].partition("```")[0], names)
    message = names["read_webhook"](SECRET, body, headers)
    assert (message["type"], message["data"]["id"]) == ("job.cancelled", job_id)
    with pytest.raises(WebhookVerificationError):
        names["read_webhook"](SECRET, body.replace(b"cancelled", b"done"), headers)


def test_failures_are_tried_again_later_and_later(ledger: Ledger, receiver: Receiver, hooks: Webhooks) -> None:
    receiver.answer = lambda handler: status(handler, 500)
    job_id = cancelled(ledger, receiver)
    for attempt, pause in enumerate(BACKOFF, 1):
        before = time.time()
        hooks.deliver()
        (following,) = due_webhooks(ledger.store)
        assert following.attempt == attempt + 1
        assert before + pause - 1 <= following.due <= time.time() + pause + 1
        hooks.deliver()  # not due
        assert len(receiver.requests) == attempt
        make_due(ledger)
    hooks.deliver()
    assert len(receiver.requests) == len(BACKOFF) + 1
    assert list(due_webhooks(ledger.store)) == []
    assert len({headers["webhook-id"] for headers, _ in receiver.requests}) == 1
    assert ledger.store.has(f"jobs/{job_id}/webhook/over")


def test_a_later_attempt_succeeds(ledger: Ledger, receiver: Receiver, hooks: Webhooks) -> None:
    receiver.answer = lambda handler: status(handler, 503)
    cancelled(ledger, receiver)
    hooks.deliver()
    receiver.answer = lambda handler: status(handler, 200)
    make_due(ledger)
    hooks.deliver()
    assert len(receiver.requests) == 2
    assert list(due_webhooks(ledger.store)) == []


@pytest.mark.parametrize(("number", "is_over"), [(200, True), (299, True), (410, True), (301, False), (404, False)])
def test_what_answers_mean(ledger: Ledger, receiver: Receiver, hooks: Webhooks, number: int, is_over: bool) -> None:
    receiver.answer = lambda handler: status(handler, number, Location=receiver.url)
    cancelled(ledger, receiver)
    hooks.deliver()
    assert len(receiver.requests) == 1  # a redirect is not followed
    assert (list(due_webhooks(ledger.store)) == []) == is_over


def hang(receiver: Receiver) -> Callable[[Any], None]:
    def answer(handler: Any) -> None:
        receiver.end.wait(30)

    return answer


def trickle(receiver: Receiver) -> Callable[[Any], None]:
    def answer(handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not receiver.end.wait(0.05):
            handler.wfile.write(b"X: y\r\n")
            handler.wfile.flush()

    return answer


def endless(receiver: Receiver) -> Callable[[Any], None]:
    def answer(handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not receiver.end.is_set():
            handler.wfile.write(b"x" * 65_536)

    return answer


def nonsense(receiver: Receiver) -> Callable[[Any], None]:
    return lambda handler: handler.wfile.write(b"\0\xff" * 100)


@pytest.mark.parametrize(
    ("behaviour", "is_over"), [(hang, False), (trickle, False), (nonsense, False), (endless, True)]
)
def test_receivers_that_misbehave(
    ledger: Ledger,
    receiver: Receiver,
    hooks: Webhooks,
    monkeypatch: pytest.MonkeyPatch,
    behaviour: Callable[[Receiver], Callable[[Any], None]],
    is_over: bool,
) -> None:
    if not is_over:
        monkeypatch.setattr(webhooks, "TIMEOUT", 1.0)
    receiver.answer = behaviour(receiver)
    cancelled(ledger, receiver)
    before = time.monotonic()
    hooks.deliver()
    assert time.monotonic() - before < 25
    assert (list(due_webhooks(ledger.store)) == []) == is_over


def test_a_host_in_a_network_that_is_not_allowed_is_told_nothing(
    ledger: Ledger, receiver: Receiver, secret: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even one whose name is allowed. It may be a mistake of the operator's, so it stays due."""
    cancelled(ledger, receiver)
    Webhooks(ledger, to(f"127.0.0.1:{receiver.port}", private=["10.0.0.0/8"]), secret, describe).deliver()
    assert receiver.requests == []
    assert [each.attempt for each in due_webhooks(ledger.store)] == [2]
    assert [vars(each)["reason"] for each in caplog.records if each.message == "a webhook was not answered"] == [
        "its host has an address that is not public"
    ]


def test_nobody_listens(ledger: Ledger, receiver: Receiver, secret: Path) -> None:
    receiver.port = free_port()
    cancelled(ledger, receiver)
    Webhooks(ledger, to(f"127.0.0.1:{receiver.port}"), secret, describe).deliver()
    assert [each.attempt for each in due_webhooks(ledger.store)] == [2]


def test_several_processes_make_each_attempt_once(
    ledger: Ledger, receiver: Receiver, secret: Path, tmp_path: Path
) -> None:
    jobs = {cancelled(ledger, receiver) for _ in range(6)}
    stores = [Ledger(DirectoryStore(tmp_path / "store"), 1) for _ in range(4)]
    outlet = to(f"127.0.0.1:{receiver.port}")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda each: Webhooks(each, outlet, secret, describe).deliver(), stores))
    assert sorted(headers["webhook-id"] for headers, _ in receiver.requests) == sorted(f"msg_{each}" for each in jobs)


def test_an_attempt_that_was_killed_is_followed_by_the_next(
    ledger: Ledger, receiver: Receiver, hooks: Webhooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "BACKOFF", [HOUR] * len(BACKOFF))
    job_id = cancelled(ledger, receiver)
    attempt = f"jobs/{job_id}/webhook/1"
    ledger.store.create(attempt, str(time.time()).encode())  # its process is killed here
    make_due(ledger)  # long ago: there are many others
    hooks.deliver()
    assert [each.attempt for each in due_webhooks(ledger.store)] == [1]  # it may still be in progress
    ledger.store.put(attempt, str(time.time() - LOST_SECONDS - 1).encode())
    (due,) = due_webhooks(ledger.store)
    hooks.deliver()
    ledger.store.put(due.key, b"")  # another process looked at the same time
    Webhooks(ledger, hooks._outlet, hooks._secret_file, describe).deliver()
    assert [each.attempt for each in due_webhooks(ledger.store)] == [2]
    make_due(ledger)
    hooks.deliver()
    assert len(receiver.requests) == 1
    assert list(due_webhooks(ledger.store)) == []


def test_a_result_that_is_deleted_is_not_told_before_its_time(
    ledger: Ledger, receiver: Receiver, hooks: Webhooks
) -> None:
    receiver.answer = lambda handler: status(handler, 500)
    job_id = cancelled(ledger, receiver)
    hooks.deliver()
    expire(ledger, job_id)
    assert [each.attempt for each in due_webhooks(ledger.store)] == [2]


def test_a_host_that_does_not_answer_keeps_no_other_waiting(ledger: Ledger, receiver: Receiver, secret: Path) -> None:
    dead = f"127.0.0.1:{free_port()}"
    for _ in range(MAX_BATCH + 1):
        ledger.cancel(half_done(ledger, webhook=f"http://{dead}/").id)
    cancelled(ledger, receiver)
    hooks = Webhooks(ledger, to(dead, f"127.0.0.1:{receiver.port}"), secret, describe)
    hooks.deliver()
    assert len(receiver.requests) == 1
    attempts = [each.attempt for each in due_webhooks(ledger.store)]
    assert len(attempts) == MAX_BATCH + 1
    hooks.deliver()  # what is due for it waits
    assert [each.attempt for each in due_webhooks(ledger.store)] == attempts


@pytest.mark.parametrize("content", [None, "", "abc", "whsec_", "whsec_?", "whsec_é", "whsec_" + 31 * "A"])
def test_without_a_secret_webhooks_wait(
    ledger: Ledger,
    receiver: Receiver,
    hooks: Webhooks,
    secret: Path,
    caplog: pytest.LogCaptureFixture,
    content: str | None,
) -> None:
    cancelled(ledger, receiver)
    secret.unlink()
    if content is not None:
        secret.write_text(content)
    hooks.deliver()
    hooks.deliver()
    assert receiver.requests == []
    assert caplog.text.count("webhooks wait") == 1, "said once"
    secret.write_text(SECRET)
    hooks.deliver()
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("content", [None, "", "abc", SECRET])
def test_the_start_checks_the_secret(secret: Path, content: str | None) -> None:
    settings = Settings(port=free_port(), webhook_hosts=("example.com",), webhook_secret_file=secret)
    with pytest.raises(SettingInvalid, match="UPSCALER_WEBHOOK_SECRET_FILE='': must name a file"):
        prepare(replace(settings, webhook_secret_file=None))
    if content is None:
        secret.unlink()
    else:
        secret.write_text(content)
    if content == SECRET:
        prepare(settings)
        return
    with pytest.raises(
        SettingInvalid, match="can't be read: No such file" if content is None else "whsec_ and then 24"
    ):
        prepare(settings)


def test_a_host_that_is_no_longer_allowed_is_told_nothing(ledger: Ledger, receiver: Receiver, secret: Path) -> None:
    cancelled(ledger, receiver)
    Webhooks(ledger, to("example.com"), secret, describe).deliver()
    assert receiver.requests == []
    assert list(due_webhooks(ledger.store)) == []


def test_what_is_due_for_a_forgotten_job_is_deleted(ledger: Ledger, receiver: Receiver, hooks: Webhooks) -> None:
    forget(ledger, cancelled(ledger, receiver))
    hooks.deliver()
    assert receiver.requests == []
    assert list(due_webhooks(ledger.store)) == []


def test_no_proxy_is_asked(
    ledger: Ledger, receiver: Receiver, hooks: Webhooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    cancelled(ledger, receiver)
    hooks.deliver()
    assert json.loads(receiver.requests[0][1])["type"] == "job.cancelled"
