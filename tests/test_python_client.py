"""The Python client: what it sends, what it makes of answers, and when it asks again; for threads and for asyncio."""

import asyncio
import base64
import inspect
import json
import pickle
import re
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from conftest import ROOT, SAMPLES, Server, encoded, free_port, opened, photograph
from test_upscale_jobs import LARGE, SMALL, Script, accepted, job, rest, result
from test_upscale_jobs import service as scripted
from test_upscale_url import ACCEPTED, Answer, Handler, events, hangs_up, problem, web_page
from test_upscale_url import result as streamed

import image_super_scaling as library
from image_super_scaling import (
    AsyncUpscaleClient,
    Broken,
    Busy,
    ClientSettings,
    Expired,
    Job,
    JobState,
    Malformed,
    NoResult,
    NotFound,
    NotTheService,
    Progress,
    RateExceeded,
    Rejected,
    Result,
    Retry,
    Unauthorized,
    Unavailable,
    Unreachable,
    UpscaleClient,
    UpscaleError,
)

WIRE = ROOT / "tests" / "wire"
ID = "06h1ttsesfusel5hkjuq5cuprs"
service = scripted
QUICK = ClientSettings(retries=2, longest_wait=0.02)


def asked(service: Script, call: str, *arguments: Any, settings: ClientSettings = QUICK, **options: Any) -> Any:
    """Call a method of the client, such as `jobs.find`, by a thread."""
    with UpscaleClient(service.url, **settings) as client:
        return _method(client, call)(*arguments, **options)


def asked_by_asyncio(
    service: Script, call: str, *arguments: Any, settings: ClientSettings = QUICK, **options: Any
) -> Any:
    """The same by asyncio."""

    async def main() -> Any:
        async with AsyncUpscaleClient(service.url, **settings) as client:
            return await _method(client, call)(*arguments, **options)

    return asyncio.run(main())


def _method(client: Any, call: str) -> Any:
    for name in call.split("."):
        client = getattr(client, name)
    return client


Ask = Callable[..., Any]
both = pytest.mark.parametrize("ask", [asked, asked_by_asyncio])


def image(handler: Handler) -> None:
    handler.body()
    sides = {"X_Result_Width": "32", "X_Result_Height": "24", "X_Upscaler_Notes": "one; two"}
    handler.start(200, "image/png", **sides)
    handler.wfile.write(LARGE)


def test_both_clients_have_the_same_methods() -> None:
    pairs = [(library.UpscaleClient, library.AsyncUpscaleClient), (library.JobsClient, library.AsyncJobsClient)]
    for one, other in pairs:
        names = {name for name in vars(one) if not name.startswith("_")}
        assert names == {name for name in vars(other) if not name.startswith("_")}
        for name in names - {"stream", "events"}:
            parameters = [list(inspect.signature(getattr(each, name)).parameters) for each in (one, other)]
            assert set(parameters[0]) <= set(parameters[1]), name


@both
def test_a_file_and_its_options(service: Script, tmp_path: Path, ask: Ask) -> None:
    """Busy services are asked again; the answer's headers say what it is."""
    (tmp_path / "in.png").write_bytes(SMALL)
    busy = [problem(429, Retry_After="0"), problem(503)]
    service.say(*busy, image)
    retries: list[Retry] = []
    settings = QUICK | ClientSettings(api_key="us_1", on_retry=retries.append)
    answer = ask(service, "upscale", tmp_path / "in.png", settings=settings, scale=1.5, model="a b&c", format=None)
    assert answer == Result(LARGE, library.Result(LARGE, answer.format, 1, 1).format, 32, 24, ("one", "two"))
    method, path, headers = service.asked[-1]
    assert (method, urlsplit(path).path) == ("POST", "/upscale")
    assert dict(parse_qsl(urlsplit(path).query)) == {"scale": "1.5", "model": "a b&c"}
    assert headers["authorization"] == "Bearer us_1"
    assert [(each.error.status, each.attempt) for each in retries] == [(429, 1), (503, 2)]
    answer.save(tmp_path / "out.png")
    assert (tmp_path / "out.png").read_bytes() == LARGE


@both
def test_a_listener_hears_of_a_stream(service: Script, ask: Ask) -> None:
    seen: list[object] = []
    late = events(("accepted", ACCEPTED), ("problem", {"status": 503, "detail": "again", "code": "inference_failed"}))
    service.say(late, streamed)
    answer = ask(service, "upscale", SMALL, listener=seen.append)
    assert (answer.image, answer.width, answer.notes) == (LARGE, 32, ("16 bits were read as 8",))
    assert [each for each in seen if isinstance(each, Progress)] == [Progress(1, 2, 0.5), Progress(2, 2, 0)]


@both
@pytest.mark.parametrize(
    ("answer", "kind", "attributes"),
    [
        (problem(401), Unauthorized, {"status": 401}),
        (problem(404), NotFound, {"status": 404}),
        (problem(422), Rejected, {"code": "no", "detail": "no, thank you", "request_id": "id-of-it"}),
        (problem(429, Retry_After="9"), Busy, {"retry_after": 9}),
        (problem(429, "rate_exceeded", Retry_After="9"), RateExceeded, {"retry_after": 9}),
        (problem(503, Retry_After=formatdate(0, usegmt=True)), Unavailable, {"retry_after": 0}),
        (problem(500, Retry_After="soon"), UpscaleError, {"status": 500, "retry_after": None}),
        (
            problem(307, Location="http://127.0.0.1:1/x"),
            UpscaleError,
            {"detail": "no, thank you, to http://127.0.0.1:1/x"},
        ),
        (web_page, NotTheService, {"status": 200, "code": None}),
        (hangs_up, Broken, {"status": 0}),
    ],
)
def test_answers_that_are_none(
    service: Script, ask: Ask, answer: Answer, kind: type[UpscaleError], attributes: dict[str, object]
) -> None:
    service.say(answer)
    with pytest.raises(UpscaleError) as raised:
        ask(service, "upscale", SMALL, settings=ClientSettings(retries=0))
    assert type(raised.value) is kind
    assert attributes.items() <= vars(raised.value).items()
    again = pickle.loads(pickle.dumps(raised.value))
    assert (type(again), vars(again)) == (kind, vars(raised.value))


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (events(("accepted", ACCEPTED)), Broken),
        (events(("accepted", ACCEPTED), ("progress", {"done": "1"})), Malformed),
        (events(("result", {"imageBase64": "bm9uZQ=="})), Malformed),
        (events(("accepted", ACCEPTED), ("result", {"imageBase64": "!"})), Malformed),
        (events(("accepted", ACCEPTED), ("result", {"imageBase64": "A" * 3_000_000})), Malformed),
        (hangs_up, Broken),
        (web_page, NotTheService),
    ],
)
def test_streams_that_are_none(service: Script, answer: Answer, kind: type[UpscaleError]) -> None:
    service.say(answer)
    with (
        pytest.raises(UpscaleError) as raised,
        UpscaleClient(service.url, max_answer_bytes=1000) as client,
        client.stream(SMALL) as stream,
    ):
        list(stream)
    assert type(raised.value) is kind


def says_nothing(handler: Handler) -> None:
    handler.rfile.read(len(SMALL) + 1)


def test_what_is_too_large_or_too_late(service: Script) -> None:
    service.say(image, says_nothing)
    with pytest.raises(Malformed, match="more than 9 bytes"):
        asked(service, "upscale", SMALL, settings=ClientSettings(max_answer_bytes=9))
    with pytest.raises(Broken, match="no data from"):
        asked(service, "upscale", SMALL, settings=ClientSettings(timeout=0.2))
    with (
        UpscaleClient(f"http://127.0.0.1:{free_port()}") as client,
        pytest.raises(Unreachable, match=r"no service at .*: Connection refused"),
    ):
        client.ping()


@both
def test_a_longer_wait_than_allowed_is_none(service: Script, ask: Ask) -> None:
    service.say(problem(429, Retry_After="61"))
    with pytest.raises(Busy):
        ask(service, "upscale", SMALL, settings={})
    assert len(service.asked) == 1


@both
def test_jobs(service: Script, tmp_path: Path, ask: Ask) -> None:
    """The file goes piece by piece, with one key in all attempts; the download is resumed."""
    (tmp_path / "in.png").write_bytes(SMALL)
    service.say(problem(502), accepted(job_id=ID))
    submitted = ask(service, "jobs.submit", tmp_path / "in.png", scale=3, group="holiday")
    assert submitted == Job(ID, JobState.QUEUED)
    assert len(set(service.keys)) == 1
    assert service.asked[-1][1] == "/jobs?scale=3&group=holiday"
    assert service.asked[-1][2]["content-length"] == str(len(SMALL))
    seen: list[Job] = []
    service.say(job("running", done=1, total=2), problem(503, Retry_After="0"), job("done"))
    assert ask(service, "jobs.wait", submitted, listener=seen.append).state is JobState.DONE
    assert [each.done for each in seen] == [1, 0]
    service.say(result(LARGE[:100]), rest(100))
    assert ask(service, "jobs.download", ID, tmp_path / "out.png").notes == ()
    assert (tmp_path / "out.png").read_bytes() == LARGE
    service.say(result(LARGE))
    assert ask(service, "jobs.result", ID).image == LARGE
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.png", "out.png"]


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        (job("failed", problem={"status": 422, "detail": "it is broken", "code": "x"}), Rejected, "it is broken"),
        (job("cancelled"), NoResult, "was cancelled"),
        (problem(404), NotFound, "no, thank you"),
        (job("asleep"), NotTheService, "the answer is not a job"),
        (job("done", job_id="../x"), NotTheService, "no valid id"),
    ],
)
def test_jobs_that_are_not_done(service: Script, answer: Answer, kind: type[UpscaleError], message: str) -> None:
    service.say(answer)
    with pytest.raises(kind, match=message):
        asked(service, "jobs.wait", ID)


@pytest.mark.parametrize(
    ("arguments", "settings", "error"),
    [
        (("ftp://localhost",), {}, ValueError),
        (("localhost:7777",), {}, ValueError),
        (("http://a:b@localhost",), {}, ValueError),
        (("http://localhost:99999",), {}, ValueError),
        (("http://localhost/?a",), {}, ValueError),
        (("http://localhost",), {"api_key": "a b"}, ValueError),
        (("http://localhost",), {"retries": -1}, ValueError),
        (("http://localhost",), {"timeout": 0}, ValueError),
        (("http://localhost",), {"patience": 1}, TypeError),
    ],
)
def test_settings_that_are_none(arguments: tuple[str], settings: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error) as raised:
        UpscaleClient(*arguments, **settings)
    assert "a b" not in str(raised.value)


def test_options_and_ids_that_are_none() -> None:
    with UpscaleClient("http://127.0.0.1:1") as client:
        misspelt: Any = {"scales": 3}
        with pytest.raises(TypeError, match="'scales' is no option; known are scale, width"):
            client.upscale(SMALL, **misspelt)
        with pytest.raises(ValueError, match="not an id"):
            client.jobs.find("../models")


def test_the_real_service(server: Server, tmp_path: Path) -> None:
    """A stream that is left ends the work; results of streams, jobs and archives are those of plain requests."""
    photo = SAMPLES / "face.jpg"
    with UpscaleClient(server.url) as client:
        assert client.ping()
        assert client.models()[0].name == "noise-cancel-plain"
        assert client.estimate(4000, 3000, scale=4).width == 16000
        plain = client.upscale(photo, width=300)
        assert opened(plain.image).size == (plain.width, plain.height) == (300, 300)
        with client.stream(encoded(photograph(600, 600)), scale=8) as stream:
            assert isinstance(next(stream), library.Accepted)
        with client.stream(photo, width=300, tiles=True) as stream:
            *before, last = stream
        assert last == plain
        assert any(isinstance(event, library.Tile) for event in before)
        submitted = client.jobs.submit(photo, width=300, group="of-the-python-client")
        with client.jobs.events(submitted) as states:
            assert [*states][-1].state is JobState.DONE
        assert client.jobs.result(submitted) == plain
        converted = client.jobs.result(submitted, format="webp", quality=80)
        assert (opened(converted.image).format, converted.width) == ("WEBP", 300)
        assert client.jobs.list("of-the-python-client")[0].id == submitted.id
        client.jobs.archive("of-the-python-client", tmp_path / "all.zip")
        assert (tmp_path / "all.zip").read_bytes().startswith(b"PK")
        client.jobs.cancel(submitted)
        with pytest.raises(Expired):
            client.jobs.result(submitted)


EXAMPLES = {
    path.relative_to(WIRE).with_suffix("").as_posix(): json.loads(path.read_text())
    for path in sorted(WIRE.rglob("*.json"))
}


def call_of(request: dict[str, Any]) -> tuple[str, tuple[Any, ...], dict[str, Any]] | None:
    """The call that sends an example's request; None: this client never sends it, such as JSON with base64."""
    parts = urlsplit(request["path"])
    options = {re.sub("[A-Z]", lambda each: f"_{each[0].lower()}", name): v for name, v in parse_qsl(parts.query)}
    headers = dict(request.get("headers", {}))
    body = base64.b64decode(request["fileBase64"]) if "fileBase64" in request else None
    if request["method"] == "POST" and body and headers.pop("Content-Type", "") == "application/octet-stream":
        key = {"key": headers.pop("Idempotency-Key")} if "Idempotency-Key" in headers else {}
        call = {"/upscale": "upscale", "/jobs": "jobs.submit"}.get(parts.path)
        return (call, (body,), options | key) if call and not headers else None
    if headers or "json" in request or "limit" in options:
        return None
    return {
        ("GET", "/ping"): ("ping", (), {}),
        ("GET", "/models"): ("models", (), {}),
        ("GET", "/jobs"): ("jobs.list", (options.get("group"),), {}),
        ("GET", "/jobs/{id}"): ("jobs.find", (ID,), {}),
        ("GET", "/jobs/{id}/result"): ("jobs.result", (ID,), options),
        ("DELETE", "/jobs/{id}"): ("jobs.cancel", (ID,), {}),
    }.get((request["method"], parts.path))


POSSIBLE = {name: call for name, example in EXAMPLES.items() if (call := call_of(example["request"]))}
VARYING = {
    "id": ID, "requestId": "r", "detail": "why", "result": "/x", "cursor": None, "secondsLeft": 1.5,
    "done": 1, "total": 2, "hint": "h",
    "secondsPerMegapixel": None, "sha256": "", "precision": "int8", "limit": 1, "actual": 2, "setting": "S",
}  # fmt: skip


def test_there_are_examples() -> None:
    assert len(POSSIBLE) >= 20, sorted(POSSIBLE)


@pytest.mark.parametrize("name", POSSIBLE)
def test_examples(service: Script, name: str) -> None:
    """The client sends the request of an example, and understands its answer."""
    request, response = EXAMPLES[name]["request"], EXAMPLES[name]["response"]
    document = response.get("json")
    for each in document.get("jobs", [document]) if isinstance(document, dict) else document or []:
        each.update({member: VARYING.get(member) for member in response.get("varying", [])})
    body = LARGE if document is None else json.dumps(document).encode()

    def answer(handler: Handler) -> None:
        assert handler.body() == base64.b64decode(request.get("fileBase64", ""))
        handler.start(response["status"], response.get("contentType", ""), Content_Length=str(len(body)))
        handler.wfile.write(b"" if response["status"] == 204 else body)

    service.say(answer)
    call, arguments, options = POSSIBLE[name]
    if response["status"] < 400:
        asked(service, call, *arguments, **options)
    else:
        with pytest.raises(UpscaleError) as raised:
            asked(service, call, *arguments, settings=ClientSettings(retries=0), **options)
        assert isinstance(document, dict)
        assert (raised.value.status, raised.value.code) == (response["status"], document["code"])
        assert raised.value.detail == document["detail"]
    method, path, headers = service.asked[0]
    assert (method, unquote(path)) == (request["method"], request["path"].replace("{id}", ID))
    for header, value in request.get("headers", {}).items():
        assert headers[header.lower()] == value
