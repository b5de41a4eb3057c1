"""The routes of jobs, of one running service with the embedded engine, and without jobs."""

import base64
import io
import json
import re
import resource
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import Server, StartServer, encoded, opened, photograph, png_chunk, wait_for
from PIL import Image

import flask_app
from http_edge.preferences import RESPOND_ASYNC, prefers
from message_protocol import EVENTS

SMALL = encoded(photograph(12, 16))
OTHER = encoded(photograph(12, 16, 1))
# Its pixels are missing, which shows once it is decoded.
DAMAGED = encoded(photograph(100, 100))[:9000]
LARGE = encoded(photograph(600, 600), "JPEG", quality=60)  # a few seconds, three times as large
UNKNOWN = "0" * 26
OWNER = "X-Remote-User"
WAIT = 120  # s


@pytest.fixture(scope="module")
def server(start_server: StartServer, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """A service that knows owners, with room for two large jobs."""
    secret = tmp_path_factory.mktemp("webhooks") / "secret"
    secret.write_text("whsec_" + base64.b64encode(bytes(32)).decode())
    return start_server(
        UPSCALER_JOBS_OWNER_HEADER=OWNER,
        UPSCALER_JOBS_QUEUE_PIXELS="1000000",
        UPSCALER_JOBS_BLOCK_SECONDS="0.5",
        UPSCALER_JOBS_MAX_BODY_BYTES="600000",
        UPSCALER_MAX_BODY_BYTES="500000",
        UPSCALER_MAX_PIXELS="1000000",
        UPSCALER_JOBS_MAX_PIXELS="1050000",
        UPSCALER_WEBHOOK_HOSTS="hooks.example",
        UPSCALER_WEBHOOK_SECRET_FILE=str(secret),
    )


@pytest.fixture
def ann(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, headers={OWNER: "ann"}, timeout=60) as client:
        yield client


@pytest.fixture
def bob(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, headers={OWNER: "bob"}, timeout=60) as client:
        yield client


def submitted(client: httpx.Client, image: bytes = SMALL, key: str | None = None, **options: str) -> str:
    """Submit a job. Returns its path."""
    headers = {"Idempotency-Key": key} if key else {}
    answer = client.post("/jobs", content=image, params=options, headers=headers)
    assert answer.status_code == 202, answer.text
    place: str = answer.headers["Location"]
    return place


def ended(client: httpx.Client, place: str) -> dict[str, Any]:
    """Wait until a job has ended."""
    assert wait_for(lambda: client.get(place).json()["status"] not in ("queued", "running"), WAIT, 0.1)
    job: dict[str, Any] = client.get(place).json()
    return job


@pytest.mark.parametrize("missing", [300_000, 1])
def test_a_large_image_on_a_full_disk(server: Server, ann: httpx.Client, missing: int) -> None:
    """Which may show only when the file is closed, as its last bytes are in a buffer until then."""
    image = SMALL + bytes(560_000 - len(SMALL))
    worker = int(server.worker.name)
    before = resource.prlimit(worker, resource.RLIMIT_FSIZE)
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (len(image) - missing, before[1]))
    try:
        answer = ann.post("/jobs", content=image)
    finally:
        resource.prlimit(worker, resource.RLIMIT_FSIZE, before)
    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
    assert not [*Path(server.environ["UPSCALER_JOBS_STORE"], ".scratch").glob("upload-*")]


def test_a_client_asks_soon_for_a_job_of_which_nothing_is_known(ann: httpx.Client) -> None:
    assert ann.post("/jobs", content=SMALL).headers["Retry-After"] == "1"


@pytest.fixture(scope="module")
def finished(server: Server) -> tuple[str, bytes]:
    """The path of a job's result, and what it has to be."""
    with httpx.Client(base_url=server.url, headers={OWNER: "ann"}, timeout=60) as client:
        place = submitted(client, group="finished", scale="3")
        assert ended(client, place)["status"] == "done"
    return f"{place}/result", server.upscale(SMALL, scale="3").content


def test_a_job_from_its_begin_to_its_end(ann: httpx.Client) -> None:
    answer = ann.post("/jobs", content=SMALL, params={"format": "jpeg", "quality": "80", "group": "a.b-c_1"})
    assert answer.status_code == 202
    assert answer.headers["Cache-Control"] == "no-store"
    assert int(answer.headers["Retry-After"]) >= 1
    job = answer.json()
    assert answer.headers["Location"] == f"/jobs/{job['id']}"
    assert {name: job[name] for name in ("status", "done", "total", "group")} == {
        "status": "queued",
        "done": 0,
        "total": 0,
        "group": "a.b-c_1",
    }
    place = answer.headers["Location"]
    job = ended(ann, place)
    assert job == {
        "id": job["id"],
        "status": "done",
        "done": job["total"],
        "total": 1,
        "group": "a.b-c_1",
        "result": f"{place}/result",
    }
    assert "Retry-After" not in ann.get(place).headers
    result = ann.get(job["result"])
    plain = ann.post("/upscale", content=SMALL, params={"format": "jpeg", "quality": "80"})
    assert result.content == plain.content
    for header in ("Content-Type", "Content-Length", "X-Result-Width", "X-Result-Height", "X-Upscaler-Model"):
        assert result.headers[header] == plain.headers[header]
    assert result.headers["Cache-Control"] == "private"
    assert result.headers["X-Content-Type-Options"] == "nosniff"
    assert result.headers["Content-Disposition"] == f'inline; filename="{job["id"]}.jpg"'


@pytest.mark.parametrize("form", ["json", "form", "bytes", "chunks"])
def test_the_forms_of_a_request(ann: httpx.Client, form: str) -> None:
    """All that /upscale takes, and the same result."""
    text = base64.b64encode(SMALL).decode()
    ways: dict[str, dict[str, Any]] = {
        "json": {"json": {"imageBase64": text, "width": 40, "group": "forms"}},
        "form": {"files": {"image": SMALL}, "data": {"width": "40", "group": "forms"}},
        "bytes": {"content": SMALL, "params": {"width": "40", "group": "forms"}},
        "chunks": {"content": iter([SMALL[:7], SMALL[7:]]), "params": {"width": "40", "group": "forms"}},
    }
    answer = ann.post("/jobs", **ways[form])
    assert answer.status_code == 202, answer.text
    assert ended(ann, answer.headers["Location"])["group"] == "forms"
    expected = ann.post("/upscale", content=SMALL, params={"width": "40"}).content
    assert ann.get(f"{answer.headers['Location']}/result").content == expected


@pytest.mark.parametrize("padding", [0, 510_000])
def test_an_image_that_is_too_large_for_a_request(ann: httpx.Client, padding: int) -> None:
    """By its pixels, and by its file, which is not read into memory then. Of one colour, it takes no time."""
    flat = encoded(Image.new("RGB", (1010, 1000), (200, 30, 60)))
    end = flat.index(b"IEND") - 4
    image = flat[:end] + png_chunk(b"prVt", bytes(padding)) + flat[end:]
    assert ann.post("/upscale", content=image).status_code in (413, 422)
    place = submitted(ann, image)
    assert ended(ann, place)["status"] == "done"
    result = opened(ann.get(f"{place}/result").content)
    assert (result.size, result.getextrema()) == ((2020, 2000), ((200, 200), (30, 30), (60, 60)))


def test_accept_names_the_format_as_it_does_for_upscale(ann: httpx.Client) -> None:
    answer = ann.post("/jobs", content=SMALL, headers={"Accept": "image/webp"})
    assert answer.headers["Content-Type"] == "application/json"
    ended(ann, answer.headers["Location"])
    assert ann.get(f"{answer.headers['Location']}/result").headers["Content-Type"] == "image/webp"


BAD = {
    "empty": ({}, {}, b"", 400, "malformed_message"),
    "text": ({}, {}, b"hello", 415, "unsupported_media_type"),
    "no image": ({}, {"Content-Type": "image/png"}, b"hello", 415, "unsupported_image_format"),
    "cut off": ({}, {}, encoded(photograph(40, 40))[:30], 415, "unsupported_image_format"),
    "option": ({"sclae": "2"}, {}, SMALL, 400, "malformed_message"),
    "range of an option": ({"scale": "9"}, {}, SMALL, 400, "malformed_message"),
    "size": ({"width": "1000"}, {}, SMALL, 422, "size_out_of_range"),
    "model": ({"model": "nobody's"}, {}, SMALL, 422, "unknown_model"),
    "tiles": ({"tiles": "true"}, {}, SMALL, 400, "malformed_message"),
    "group": ({"group": "../../x"}, {}, SMALL, 400, "malformed_message"),
    "hidden group": ({"group": ".x"}, {}, SMALL, 400, "malformed_message"),
    "group with a line": ({"group": "x\n"}, {}, SMALL, 400, "malformed_message"),
    "long group": ({"group": "x" * 201}, {}, SMALL, 400, "malformed_message"),
    "empty group": ({"group": ""}, {}, SMALL, 400, "malformed_message"),
    "webhook": ({"webhook": "http://169.254.169.254/"}, {}, SMALL, 422, "webhook_not_allowed"),
    "webhook's user": ({"webhook": "https://hooks.example@evil.example/"}, {}, SMALL, 422, "webhook_not_allowed"),
    "webhook's scheme": ({"webhook": "file://hooks.example/etc/passwd"}, {}, SMALL, 422, "webhook_not_allowed"),
    "webhook's port": ({"webhook": "https://hooks.example:99999/"}, {}, SMALL, 422, "webhook_not_allowed"),
    "key": ({}, {"Idempotency-Key": ""}, SMALL, 400, "malformed_message"),
    "key with a blank": ({}, {"Idempotency-Key": "a b"}, SMALL, 400, "malformed_message"),
    "long key": ({}, {"Idempotency-Key": "k" * 201}, SMALL, 400, "malformed_message"),
    "accept": ({}, {"Accept": "video/mp4"}, SMALL, 406, "not_acceptable"),
    "encoding": ({}, {"Content-Encoding": "gzip"}, SMALL, 415, "unsupported_media_type"),
    "pixels": ({}, {}, encoded(photograph(1100, 1000), "JPEG", quality=20), 422, "image_too_large"),
    "file": ({}, {}, SMALL + bytes(600_000), 413, "body_too_large"),
    "message": ({}, {"Content-Type": "application/json"}, b"{" + bytes(500_000), 413, "body_too_large"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_requests(ann: httpx.Client, name: str) -> None:
    options, headers, body, status, code = BAD[name]
    answer = ann.post("/jobs", content=body, params=options, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("pixels", "UPSCALER_JOBS_MAX_PIXELS"),
        ("file", "UPSCALER_JOBS_MAX_BODY_BYTES"),
        ("message", "UPSCALER_MAX_BODY_BYTES"),
        ("webhook", "UPSCALER_WEBHOOK_HOSTS"),
    ],
)
def test_refusals_name_the_limit_of_jobs(ann: httpx.Client, name: str, setting: str) -> None:
    options, headers, body, *_ = BAD[name]
    problem = ann.post("/jobs", content=body, params=options, headers=headers).json()
    assert problem["setting"] == setting
    assert problem["detail"].endswith("as it is to /jobs") == (name == "message"), "which is a way out for that only"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/jobs", 400, "malformed_message"),
        ("GET", "/jobs?group=..", 400, "malformed_message"),
        ("GET", "/jobs?group=a&limit=0", 400, "malformed_message"),
        ("GET", "/jobs?group=a&limit=1001", 400, "malformed_message"),
        ("GET", "/jobs?group=a&cursor=../../x", 400, "malformed_message"),
        ("GET", f"/jobs?group=a&cursor={'é' * 26}", 400, "malformed_message"),
        ("GET", "/jobs?group=a&group=b", 400, "malformed_message"),
        ("GET", "/jobs/archive", 400, "malformed_message"),
        ("GET", "/jobs/archive?group=nothing-in-it", 404, "unknown_job"),
        ("GET", f"/jobs/{UNKNOWN}", 404, "unknown_job"),
        ("GET", "/jobs/..%2f..%2fetc", 404, "not_found"),
        ("GET", "/jobs/%2e%2e", 404, "unknown_job"),
        ("GET", "/jobs/" + "%00" * 26, 404, "unknown_job"),
        ("GET", "/jobs/" + "é" * 26, 404, "unknown_job"),
        ("GET", f"/jobs/{UNKNOWN}/result", 404, "unknown_job"),
        ("DELETE", f"/jobs/{UNKNOWN}", 404, "unknown_job"),
        ("PUT", f"/jobs/{UNKNOWN}", 405, "method_not_allowed"),
        ("POST", f"/jobs/{UNKNOWN}/result", 405, "method_not_allowed"),
    ],
)
def test_bad_questions(ann: httpx.Client, method: str, path: str, status: int, code: str) -> None:
    answer = ann.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


def test_a_key_finds_its_job_again(ann: httpx.Client, bob: httpx.Client) -> None:
    place = submitted(ann, key="key-1")
    assert submitted(ann, key="key-1") == place
    assert ended(ann, place)["status"] == "done"
    again = ann.post("/jobs", content=SMALL, headers={"Idempotency-Key": "key-1"})
    assert (again.status_code, again.json()["status"]) == (202, "done")
    assert submitted(bob, key="key-1") != place
    for image, options in ((OTHER, {}), (SMALL, {"scale": "3"}), (SMALL, {"group": "x"})):
        answer = ann.post("/jobs", content=image, params=options, headers={"Idempotency-Key": "key-1"})
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")
    assert submitted(ann) != submitted(ann)


def test_requests_with_one_key_at_the_same_moment(ann: httpx.Client) -> None:
    """One job, also in its group."""
    begin = threading.Barrier(8)

    def submit(_: int) -> str:
        begin.wait(WAIT)
        return submitted(ann, key="key-of-eight", group="eight")

    with ThreadPoolExecutor(8) as threads:
        places = set(threads.map(submit, range(8)))
    assert len(places) == 1
    assert len(ann.get("/jobs", params={"group": "eight"}).json()["jobs"]) == 1
    assert ended(ann, places.pop())["status"] == "done"


def test_nobody_else_sees_a_job(
    server: Server, ann: httpx.Client, bob: httpx.Client, finished: tuple[str, bytes]
) -> None:
    """Nor can tell whether there is one: all answers are those for an id that nobody has."""
    result, _ = finished
    place = result.removesuffix("/result")
    own_id = place.rpartition("/")[2]
    same = {"X-Request-ID": "the-same"}

    def seen(method: str, path: str, **headers: str) -> tuple[int, str, dict[str, str]]:
        answer = bob.request(method, path, headers=same | headers)
        varying = ("date",)
        kept = {name: value for name, value in answer.headers.items() if name not in varying}
        return answer.status_code, answer.text.replace(own_id, UNKNOWN), kept

    for method, suffix, headers in (
        ("GET", "", {}),
        ("GET", "", {"Accept": EVENTS}),
        ("GET", "/result", {}),
        ("HEAD", "/result", {}),
        ("GET", "/result", {"Range": "bytes=0-1"}),
        ("DELETE", "", {}),
    ):
        strange = seen(method, place + suffix, **headers)
        assert strange[0] == 404
        assert strange == seen(method, f"/jobs/{UNKNOWN}{suffix}", **headers)
    assert bob.get("/jobs", params={"group": "finished"}).json() == {"jobs": []}
    assert bob.get("/jobs/archive", params={"group": "finished"}).status_code == 404
    assert ann.get(result).status_code == 200
    for path in (place, result, "/jobs?group=finished", "/jobs/archive?group=finished"):
        assert httpx.get(server.url + path).json()["code"] == "owner_missing"
        assert httpx.get(server.url + path, headers={OWNER: ""}).status_code == 403
    assert httpx.post(f"{server.url}/jobs", content=SMALL).status_code == 403
    assert httpx.delete(server.url + place).status_code == 403


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-", 0, -1),
        ("bytes=5-9", 5, 9),
        ("bytes=100-", 100, -1),
        ("bytes=-7", -7, -1),
        ("bytes=-999999999", 0, -1),
        ("bytes=3-999999999", 3, -1),
        ("BYTES=5-9", 5, 9),
    ],
)
def test_parts_of_a_result(ann: httpx.Client, finished: tuple[str, bytes], asked: str, first: int, last: int) -> None:
    result, data = finished
    first, last = first % len(data), last % len(data)
    answer = ann.get(result, headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.content == data[first : last + 1]
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(data)}"
    assert answer.headers["Content-Length"] == str(len(answer.content))


@pytest.mark.parametrize(
    "asked", ["bytes=", "bytes=x-1", "bytes=9-3", "lines=1-2", "bytes=0-1,4-5", "0-5", "bytes=--1"]
)
def test_ranges_that_are_not_honoured(ann: httpx.Client, finished: tuple[str, bytes], asked: str) -> None:
    """What is not valid, or are several: all of it, as RFC 9110 (14.2) allows."""
    result, data = finished
    answer = ann.get(result, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, data)
    assert answer.headers["Accept-Ranges"] == "bytes"


def test_ranges_behind_the_end(ann: httpx.Client, finished: tuple[str, bytes]) -> None:
    result, data = finished
    for asked in (f"bytes={len(data)}-", "bytes=99999999-", "bytes=-0"):
        answer = ann.get(result, headers={"Range": asked})
        assert answer.status_code == 416
        assert answer.headers["Content-Range"] == f"bytes */{len(data)}"
        assert answer.json()["code"] == "range_not_satisfiable"


def test_conditions(ann: httpx.Client, finished: tuple[str, bytes]) -> None:
    result, data = finished
    head = ann.head(result)
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["Content-Length"] == str(len(data))
    tag = head.headers["ETag"]
    assert re.fullmatch('"[0-9a-f]{64}"', tag)
    unchanged = ann.get(result, headers={"If-None-Match": tag})
    assert (unchanged.status_code, unchanged.content, unchanged.headers["ETag"]) == (304, b"", tag)
    assert ann.get(result, headers={"If-None-Match": '"other"'}).content == data
    part = {"Range": "bytes=0-1"}
    assert ann.get(result, headers=part | {"If-Range": tag}).content == data[:2]
    for other in ('"other"', f"W/{tag}", "Wed, 21 Oct 2037 07:28:00 GMT"):
        assert ann.get(result, headers=part | {"If-Range": other}).content == data


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("part", [{}, {"Range": "bytes=0-1"}])
def test_conditions_come_before_ranges(
    ann: httpx.Client, finished: tuple[str, bytes], method: str, part: dict[str, str]
) -> None:
    """RFC 9110, 13.2.2."""
    result, _ = finished
    tag = ann.head(result).headers["ETag"]

    def status(**conditions: str) -> int:
        headers = {name.replace("_", "-"): value for name, value in conditions.items()} | part
        answer = ann.request(method, result, headers=headers)
        assert answer.status_code != 412 or answer.headers["Content-Type"] == "application/problem+json"
        return answer.status_code

    found = 206 if part and method == "GET" else 200
    assert status(If_Match=tag) == status(If_Match="*") == status(If_Match=f'"x", {tag}') == found
    assert status(If_Match='"x"') == status(If_Match=f"W/{tag}") == status(If_Match='"x"', If_None_Match=tag) == 412
    assert status(If_None_Match=tag) == status(If_None_Match=f"W/{tag}") == status(If_None_Match="*") == 304
    assert status(If_None_Match='"x"') == found


def test_a_group_and_its_archive(ann: httpx.Client) -> None:
    """Page by page; the archive has all results, and says what became of the others."""
    places = [submitted(ann, image, group="folder") for image in (SMALL, OTHER, DAMAGED)]
    states = [ended(ann, place)["status"] for place in places]
    assert states == ["done", "done", "failed"]
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = ann.get("/jobs", params={"group": "folder", "limit": "1", "cursor": cursor}).json()
        seen += [job["id"] for job in page["jobs"]]
        assert len(page["jobs"]) == 1
        cursor = page.get("cursor")
    assert seen == [place.rpartition("/")[2] for place in places]
    answer = ann.get("/jobs/archive", params={"group": "folder"})
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="folder.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["jobs.json", f"{seen[0]}.png", f"{seen[1]}.png"]
        assert all(entry.compress_type == zipfile.ZIP_STORED for entry in archive.infolist())
        for place, name in zip(places, archive.namelist()[1:], strict=False):
            assert archive.read(name) == ann.get(f"{place}/result").content
        assert [job["status"] for job in json.loads(archive.read("jobs.json"))["jobs"]] == states
    assert ann.head("/jobs/archive", params={"group": "folder"}).status_code == 200


def test_a_job_that_fails(ann: httpx.Client) -> None:
    """It says why, and so does the answer for its result."""
    place = submitted(ann, DAMAGED)
    job = ended(ann, place)
    assert job["status"] == "failed"
    assert job["problem"]["code"] == "image_corrupt"
    assert "result" not in job
    answer = ann.get(f"{place}/result")
    assert (answer.status_code, answer.json()["code"]) == (409, "job_failed")
    assert job["problem"]["detail"] in answer.json()["detail"]


def test_a_job_in_progress(ann: httpx.Client) -> None:
    """It can be watched, has no result yet, keeps others out of the queue, and can be cancelled."""
    first = submitted(ann, LARGE, group="large", scale="3")
    second = submitted(ann, LARGE, group="large", scale="3")
    full = ann.post("/jobs", content=LARGE)
    assert (full.status_code, full.json()["code"]) == (429, "jobs_queue_full")
    assert full.json()["setting"] == "UPSCALER_JOBS_QUEUE_PIXELS"
    assert int(full.headers["Retry-After"]) >= 1
    assert ann.get("/estimate", params={"width": 600, "height": 600}).json()["job"] is False
    early = ann.get(f"{second}/result")
    assert (early.status_code, early.json()["code"]) == (409, "not_finished")
    assert int(early.headers["Retry-After"]) >= 1
    archive = ann.get("/jobs/archive", params={"group": "large"})
    assert (archive.status_code, archive.json()["code"]) == (409, "not_finished")
    assert ann.get("/jobs/archive", params={"group": "large", "partial": "true"}).status_code == 200

    assert [ann.delete(second).status_code for _ in range(2)] == [204, 204]
    assert ann.get(second).json()["status"] == "cancelled"
    gone = ann.get(f"{second}/result")
    assert (gone.status_code, gone.json()["code"]) == (409, "job_cancelled")

    events = list(watched(ann, first))
    names = [name for name, _ in events]
    assert names[0] == names[-1] == "status"
    assert events[-1][1]["status"] == "done"
    progress = [data for name, data in events if name == "progress"]
    assert progress
    assert all(0 < each["done"] <= each["total"] and each["secondsLeft"] >= 0 for each in progress)
    assert [each["done"] for each in progress] == sorted(each["done"] for each in progress)
    statuses = [data["status"] for name, data in events if name == "status"]
    assert statuses == sorted(set(statuses), key=["queued", "running", "done"].index)
    assert opened(ann.get(f"{first}/result").content).size == (1800, 1800)


def watched(client: httpx.Client, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The events of a job until its stream ends."""
    with client.stream("GET", place, headers={"Accept": EVENTS}, timeout=WAIT) as answer:
        assert answer.headers["Content-Type"].startswith(EVENTS)
        for text in answer.read().decode().split("\n\n"):
            if text and not text.startswith(":"):
                name, data = text.split("\n")
                yield name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


def test_a_finished_job_is_deleted(ann: httpx.Client) -> None:
    """Its result is gone at once, and it still says what it was."""
    place = submitted(ann)
    ended(ann, place)
    assert [event for event, _ in watched(ann, place)] == ["status"]
    assert [ann.delete(place).status_code for _ in range(2)] == [204, 204]
    job = ann.get(place).json()
    assert job["status"] == "done"
    assert "result" not in job
    gone = ann.get(f"{place}/result")
    assert (gone.status_code, gone.json()["code"]) == (410, "expired")


@pytest.mark.parametrize(
    ("prefer", "is_async"),
    [
        ("", False),
        ("respond-async", True),
        ("Respond-Async", True),
        ("wait=10, respond-async", True),
        ("respond-async; foo=bar, wait=1", True),
        ('respond-async=""', True),
        ("respond-async=no", False),
        ('note="respond-async"', False),
        ('note="a, respond-async"', False),
        ("respond-asynchronously", False),
        (",,;=,", False),
    ],
)
def test_preferences(prefer: str, is_async: bool) -> None:
    assert prefers(RESPOND_ASYNC, prefer) is is_async


def test_a_request_that_prefers_to_be_a_job(ann: httpx.Client) -> None:
    headers = [("Prefer", "wait=5"), ("Prefer", "respond-async"), ("Idempotency-Key", "preferred")]
    answer = ann.post("/upscale", content=SMALL, params={"scale": "3"}, headers=headers)
    assert answer.status_code == 202
    assert answer.headers["Preference-Applied"] == "respond-async"
    place = answer.headers["Location"]
    assert ann.post("/upscale", content=SMALL, params={"scale": "3"}, headers=headers).headers["Location"] == place
    ended(ann, place)
    assert ann.get(f"{place}/result").content == ann.post("/upscale", content=SMALL, params={"scale": "3"}).content


def test_a_preference_without_an_owner_is_ignored(server: Server) -> None:
    answer = httpx.post(f"{server.url}/upscale", content=SMALL, headers={"Prefer": "respond-async"}, timeout=60)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png")


def test_a_stream_is_no_job(ann: httpx.Client) -> None:
    """Whoever wants events of /upscale gets them: a preference may be ignored."""
    answer = ann.post("/upscale", content=SMALL, headers={"Prefer": "respond-async", "Accept": EVENTS})
    assert answer.status_code == 200
    assert "event: result" in answer.text


def test_a_store_that_is_gone(server: Server, ann: httpx.Client) -> None:
    """503 instead of 202; the next request works once it is back."""
    place = submitted(ann)
    ended(ann, place)
    store = Path(server.environ["UPSCALER_JOBS_STORE"])
    aside = store.with_name("aside")
    store.rename(aside)
    store.write_bytes(b"")
    try:
        for image in (SMALL, LARGE):
            answer = ann.post("/jobs", content=image)
            assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable"), answer.text
        assert ann.get(place).status_code == 503
        assert ann.get(f"{place}/result").status_code == 503
        for headers in ({}, {"Prefer": "respond-async"}):
            assert ann.post("/upscale", content=SMALL, headers=headers).status_code == 200
    finally:
        store.unlink()
        aside.rename(store)
    assert ended(ann, submitted(ann))["status"] == "done"
    assert wait_for(lambda: not list((store / ".scratch").iterdir()), 20), "only what is just being written"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/jobs"),
        ("GET", "/jobs?group=a"),
        ("GET", "/jobs/archive?group=a"),
        ("GET", f"/jobs/{UNKNOWN}"),
        ("DELETE", f"/jobs/{UNKNOWN}"),
        ("GET", f"/jobs/{UNKNOWN}/result"),
    ],
)
def test_without_jobs(method: str, path: str) -> None:
    """The service in this process keeps none."""
    answer = flask_app.app.test_client().open(path, method=method, data=SMALL if method == "POST" else None)
    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (404, "jobs_off")
    assert answer.json["setting"] == "UPSCALER_JOBS_STORE"


def test_an_estimate_says_whether_a_job_would_be_taken(ann: httpx.Client) -> None:
    question = {"width": "20", "height": "10"}
    assert ann.get("/estimate", params=question).json()["job"] is True
    answer = flask_app.app.test_client().get("/estimate", query_string=question)
    assert answer.json is not None
    assert answer.json["job"] is False


def test_without_jobs_a_preference_is_ignored() -> None:
    client = flask_app.app.test_client()
    answer = client.post("/upscale", data=SMALL, headers={"Prefer": "respond-async"}, buffered=True)
    assert answer.status_code == 200
    assert "Preference-Applied" not in answer.headers
