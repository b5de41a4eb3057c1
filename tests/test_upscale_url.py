"""`python -m upscale --url`: good and bad answers of services, and retries."""

import base64
import contextlib
import json
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from conftest import SAMPLES, QuietHandler, Server, encoded, free_port, photograph
from in_process import upscale
from test_upscale import COMMAND, environ, tree

from message_protocol import ModelOutput, ModelsOutput
from upscale.errors import FatalError
from upscale.remote import Remote

SMALL, LARGE = encoded(photograph(12, 16)), encoded(photograph(24, 32))
ACCEPTED = {
    "requestId": "abc",
    "format": "png",
    "mediaType": "image/png",
    "width": 32,
    "height": 24,
    "frames": 1,
    "tiles": 2,
    "seconds": 1.5,
    "ahead": 0,
}
PROBLEM = {"type": "about:blank", "title": "No", "detail": "no, thank you", "code": "no", "requestId": "id-of-it"}


class Handler(QuietHandler):
    """Answers each request with the next of the server's answers."""

    protocol_version = "HTTP/1.1"
    server: "Service"

    def do_POST(self) -> None:
        self.server.answers.pop(0)(self)

    do_GET = do_DELETE = do_POST

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def start(self, status: int, media_type: str, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": media_type, "Connection": "close", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def event(self, name: str, data: object) -> None:
        text = f": heartbeat\n\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode()
        self.wfile.write(f"{len(text):x}\r\n".encode() + text + b"\r\n")

    def stream(self, *events: tuple[str, object]) -> None:
        """Send a body in chunks, as the service does."""
        self.start(200, "text/event-stream; charset=utf-8", Transfer_Encoding="chunked")
        for name, data in events:
            self.event(name, data)
        self.wfile.write(b"0\r\n\r\n")


Answer = Callable[[Handler], None]


def result(handler: Handler) -> None:
    """Check the request against the protocol, and return its image."""
    assert handler.headers["Accept"] == "text/event-stream"
    assert handler.headers["Content-Type"] == "application/octet-stream"
    assert handler.body() == SMALL
    handler.stream(
        ("accepted", ACCEPTED),
        ("preview", {"width": 16, "height": 12, "mediaType": "image/png", "imageBase64": ""}),
        ("progress", {"done": 1, "total": 2, "secondsLeft": 0.5}),
        ("progress", {"done": 2, "total": 2, "secondsLeft": 0}),
        ("notes", {"notes": ["16 bits were read as 8"]}),
        ("result", {"imageBase64": base64.b64encode(LARGE).decode()}),
    )


def problem(status: int, code: str = "no", **headers: str) -> Answer:
    def answer(handler: Handler) -> None:
        handler.body()
        handler.start(status, "application/problem+json", **headers)
        handler.wfile.write(json.dumps({**PROBLEM, "status": status, "code": code}).encode())

    return answer


def events(*sent: tuple[str, object]) -> Answer:
    def answer(handler: Handler) -> None:
        handler.body()
        handler.stream(*sent)

    return answer


def web_page(handler: Handler) -> None:
    handler.body()
    handler.start(200, "text/html")


def hangs_up(handler: Handler) -> None:
    handler.body()
    handler.start(200, "text/event-stream", Transfer_Encoding="chunked")
    handler.event("accepted", ACCEPTED)
    handler.connection.close()


class Service(ThreadingHTTPServer):
    """A service with prepared answers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[Answer] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as service:
        thread = threading.Thread(target=service.serve_forever, args=(0.02,))
        thread.start()
        yield service
        service.shutdown()
        thread.join()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.png", "b.png", "c.png"):
        (tmp_path / name).write_bytes(SMALL)
    return tmp_path


def test_results(folder: Path, service: Service) -> None:
    """With notes; a busy service is asked again, at last in vain; a rejection stops no other image."""
    busy = problem(429, Retry_After="0")
    service.answers = [busy, result, problem(422), busy, busy, busy]
    done = upscale(folder, "a.png", "b.png", "c.png", "--url", service.url, "--retries", "2")
    said = done.stderr.decode()
    assert done.returncode == 1
    assert (folder / "a-x2.png").read_bytes() == LARGE
    assert "no, thank you: trying again in 0 s (1 of 2)" in said
    assert "a.png -> a-x2.png: 32 x 24 px" in said
    assert "a.png: note: 16 bits were read as 8" in said
    assert "b.png: failed: no, thank you\n" in said
    assert "c.png: failed: no, thank you (tried 3 times)" in said
    assert tree(folder) == {"a.png", "b.png", "c.png", "a-x2.png"}
    assert not service.answers


def test_a_service_that_is_busy_for_long_is_not_waited_for(folder: Path, service: Service) -> None:
    service.answers = [problem(429, Retry_After="301")]
    done = upscale(folder, "a.png", "--url", service.url)
    assert done.returncode == 1
    assert "failed: no, thank you (it asks for a wait of 301 s, and 300 s are the most)" in done.stderr.decode()
    assert not service.answers


def test_options_are_sent(folder: Path, service: Service) -> None:
    asked = []

    def answer(handler: Handler) -> None:
        asked.append(handler.path)
        result(handler)

    service.answers = [answer]
    sent = upscale(
        folder,
        "-",
        "--url",
        f"{service.url}/below/",
        "--format",
        "png",
        "--quality",
        "7",
        "--metadata",
        "strip",
        "--width",
        "800",
        "--height",
        "600",
        "--fit",
        "cover",
        "--model",
        "a/b c",
        "--strength",
        "0.5",
        stdin=SMALL,
    )
    assert sent.stdout == LARGE, sent.stderr
    assert urlsplit(asked[0]).path == "/below/upscale"
    assert dict(parse_qsl(urlsplit(asked[0]).query)) == {
        "format": "png",
        "quality": "7",
        "metadata": "strip",
        "width": "800",
        "height": "600",
        "fit": "cover",
        "model": "a/b c",
        "strength": "0.5",
    }


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (problem(500), "no, thank you (id-of-it)"),
        (
            events(("accepted", ACCEPTED), ("problem", {**PROBLEM, "status": 504})),
            "no, thank you (id-of-it)",
        ),
        (events(("accepted", ACCEPTED)), "the connection ended before the result came"),
        (events(("accepted", {**ACCEPTED, "tiles": "many"})), "sent an invalid event"),
        (events(("accepted", [])), "sent an event that is not a JSON object"),
        (
            events(("accepted", ACCEPTED), ("result", {"imageBase64": "bm9uZQ=="})),
            "sent a result that is not a png",
        ),
        (hangs_up, "the connection ended before the result came"),
    ],
)
def test_failures(folder: Path, service: Service, answer: Answer, reason: str) -> None:
    """Of one image; the next one is tried."""
    service.answers = [answer, result]
    done = upscale(folder, "a.png", "b.png", "--url", service.url)
    said = done.stderr.decode()
    assert done.returncode == 1
    assert said.startswith("a.png: failed: ")
    assert reason in said
    assert tree(folder) == {"a.png", "b.png", "c.png", "b-x2.png"}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (problem(400), "no, thank you"),  # an older service that does not know an option
        (problem(422, code="unknown_model"), "no, thank you"),
        (problem(404), "no, thank you"),
        (problem(301, Location="https://elsewhere"), "no, thank you, to https://elsewhere"),
        (web_page, "the answer is text/html, not a stream of events"),
    ],
)
def test_wrong_for_all(folder: Path, service: Service, answer: Answer, reason: str) -> None:
    """Reported once, not for every image."""
    service.answers = [answer]
    done = upscale(folder, "a.png", "b.png", "c.png", "--url", service.url)
    assert done.returncode == 1
    first, second = done.stderr.decode().splitlines()
    assert first.startswith(f"upscale: {service.url}: {reason}")
    assert second == "0 done, 0 failed, 3 left"


KEY = "us_4711.abc~-+/="


def with_key(then: Answer, key: str | None = KEY) -> Answer:
    def answer(handler: Handler) -> None:
        assert handler.headers["Authorization"] == (None if key is None else f"Bearer {key}")
        then(handler)

    return answer


def test_a_key_is_sent_to_the_service_only(folder: Path, service: Service) -> None:
    (folder / "key").write_text(f"{KEY}\n")
    from_environment = {"UPSCALE_API_KEY": KEY}
    service.answers = [with_key(result), with_key(result), with_key(result, None), with_key(result)]
    with Service() as elsewhere:
        service.answers.append(with_key(problem(307, Location=f"{elsewhere.url}/upscale")))
        done = [
            upscale(folder, "a.png", "--url", service.url, "--key-file", "key"),
            upscale(folder, "b.png", "--url", service.url, settings=from_environment),
            upscale(folder, "c.png", "--url", service.url),
            upscale(folder, "a.png", "-o", "d.png", "--url", service.url, "--key-file", "-", stdin=f"{KEY}\n".encode()),
            upscale(folder, "a.png", "-o", "e.png", "--url", service.url, settings=from_environment),
        ]
    assert [each.returncode for each in done] == [0, 0, 0, 0, 1]
    assert KEY.encode() not in b"".join(each.stdout + each.stderr for each in done)


def test_a_key_that_is_missing_or_wrong(folder: Path, service: Service) -> None:
    service.answers = [problem(401)]
    done = upscale(folder, "a.png", "--url", service.url)
    assert done.returncode == 1
    assert "no, thank you (here: with --key-file, or in the environment as UPSCALE_API_KEY)" in done.stderr.decode()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--key-file", "missing"), "No such file"),
        (("--key-file", "a.png"), "no text"),
        (("--key-file", "two"), "one API key"),
        (("--key-file", "empty"), "one API key"),
        (("--key-file", "-", "-"), "both come from standard input"),
    ],
)
def test_keys_that_are_none(folder: Path, words: tuple[str, ...], said: str) -> None:
    (folder / "two").write_text("secret one\nsecret two\n")
    (folder / "empty").write_text("\n")
    done = upscale(folder, "a.png", "--url", "http://127.0.0.1:1", *words)
    assert done.returncode == 2
    assert said in done.stderr.decode()
    assert b"secret" not in done.stderr


def test_a_key_needs_a_service(folder: Path) -> None:
    assert b"--key-file needs --url" in upscale(folder, "a.png", "--key-file", "key").stderr


MODEL = ModelOutput(
    name="fast\x1b",
    default=True,
    scale=4,
    kind="line-art",
    engine="openvino",
    precision="int8",
    threads=2,
    views=1,
    halo=9,
    seconds_per_megapixel=1.234,
    memory_bytes=0,
    sha256="",
    licence="MIT",
)


def listing(body: bytes) -> Answer:
    def answer(handler: Handler) -> None:
        assert (handler.path, handler.headers["Accept"]) == ("/models", "application/json")
        handler.start(200, "application/json")
        handler.wfile.write(body)

    return answer


def test_models_are_listed(folder: Path, service: Service) -> None:
    """A column that nobody fills is left out; control characters are escaped."""
    slow = MODEL.model_copy(update={"name": "slow", "default": False, "seconds_per_megapixel": None})
    service.answers = [listing(ModelsOutput([MODEL, slow]).to_json().encode())]
    done = upscale(folder, "--models", "--url", service.url)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().splitlines() == [
        "name                factor  kind      speed                licence",
        r"fast\x1b (default)  x4      line-art  1.2 s per megapixel  MIT",
        "slow                x4      line-art                       MIT",
    ]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (problem(404), "no, thank you"),  # an older service
        (listing(b"<p>"), "the answer is not a list of models"),
        (listing(b'{"name": "a"}'), "the answer is not a list of models"),
        (listing(b'[{"name": "a"}]'), "the answer is not a list of models"),
        (listing(b"[" * 100_000), "the answer is not a list of models"),
    ],
)
def test_lists_of_models_that_are_none(service: Service, answer: Answer, reason: str) -> None:
    service.answers = [answer]
    remote = Remote(service.url, 0, print)
    with contextlib.closing(remote), pytest.raises(FatalError, match=f"^{service.url}: {reason}"):
        remote.models()


def test_nobody_there(folder: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    done = upscale(folder, "a.png", "b.png", "c.png", "--url", url)
    assert done.returncode == 1
    assert done.stderr.decode() == f"upscale: no service at {url}: Connection refused\n0 done, 0 failed, 3 left\n"


def test_interrupted(folder: Path, service: Service) -> None:
    """It disconnects, so that the service stops; no file is left."""
    waits, hung_up = threading.Event(), threading.Event()

    def answer(handler: Handler) -> None:
        handler.body()
        handler.start(200, "text/event-stream", Transfer_Encoding="chunked")
        handler.event("accepted", ACCEPTED)
        waits.set()
        with contextlib.suppress(ConnectionResetError):  # the client has disconnected
            assert handler.rfile.read(1) == b""
        hung_up.set()

    service.answers = [answer]
    command = [*COMMAND, "a.png", "--url", service.url]
    with subprocess.Popen(command, cwd=folder, env=environ(), stderr=subprocess.PIPE, text=True) as process:
        assert waits.wait(20)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert process.stderr.read() == "interrupted\n"
        assert process.wait(20) == 130
    assert hung_up.wait(20)
    assert tree(folder) == {"a.png", "b.png", "c.png"}


def test_the_real_service(folder: Path, server: Server) -> None:
    """Its stream gives the same result as its plain answer."""
    image = SAMPLES / "transparent-logo.png"
    words = ("--format", "webp", "--scale", "1.5", "--model", "noise-cancel-plain", "--url", server.url)
    done = upscale(folder, image, SAMPLES / "bouncing-ball.gif", "-o", "out", *words)
    assert done.returncode == 0, done.stderr
    assert (folder / "out" / "transparent-logo.webp").read_bytes() == server.upscale(
        image.read_bytes(), format="webp", scale="1.5"
    ).content
    assert b"bouncing-ball.webp: 144 x 108 px" in done.stderr


def test_the_real_service_refuses(folder: Path, small_server: Server) -> None:
    """Too large a body, which it does not read to its end; too many pixels; not an image."""
    (folder / "a.png").write_bytes(SMALL + bytes(300_000))
    (folder / "b.png").write_bytes(encoded(photograph(101, 100)))
    (folder / "c.png").write_text("none")
    done = upscale(folder, ".", "--url", small_server.url)
    said = done.stderr.decode()
    assert "UPSCALER_MAX_BODY_BYTES" in said
    assert "UPSCALER_MAX_PIXELS" in said
    assert "c.png: failed: the file has only 4 bytes" in said
    assert tree(folder) == {"a.png", "b.png", "c.png"}
