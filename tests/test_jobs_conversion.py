"""Results in other formats: of requests whose results are kept for a short time, and of jobs."""

import json
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import httpx
import numpy as np
import pytest
from conftest import Server, StartServer, encoded, opened, photograph, wait_for
from PIL import Image
from stored_jobs import HOUR, all_keys, order

from jobs.directory_store import DirectoryStore
from jobs.housekeeping import Housekeeping
from jobs.keeping import LEAST_BYTES, MAX_WAIT, PAUSE, Keeping, kept_picture, kept_results
from jobs.ledger import Ledger
from jobs.pictures import read_picture, write_picture
from jobs.records import Result
from superscaling.errors import StoreUnavailable
from superscaling.format_name import FormatName
from superscaling.geometry import Box
from superscaling.pictures import Frame, Limits, Metadata, Picture, decode, encode

OWNER = "X-Remote-User"
KEEP = {"Prefer": "keep"}
ANN = {OWNER: "ann"}
JPEG = encoded(photograph(20, 30), "JPEG", quality=70, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0")
WAIT = 120  # s


@pytest.fixture(scope="module")
def server(shared_server: StartServer) -> Server:
    """A service that knows owners, counts requests, and keeps a few small results."""
    return shared_server(
        UPSCALER_JOBS_OWNER_HEADER=OWNER, UPSCALER_KEEP_BYTES=str(3 * LEAST_BYTES), UPSCALER_MAX_RESULT_PIXELS="50000"
    )


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, headers=ANN, timeout=WAIT) as client:
        yield client


def kept(client: httpx.Client, image: bytes = JPEG, **options: str) -> httpx.Response:
    """Have an image enlarged, and its result kept."""
    answer = client.post("/upscale", content=image, params=options, headers=KEEP)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Preference-Applied"] == "keep"
    return answer


def test_a_kept_result_is_a_job_that_is_done(client: httpx.Client) -> None:
    answer = kept(client)
    place = f"/jobs/{answer.headers['X-Upscaler-Job']}"
    assert client.get(place).json() | {"id": ""} == {
        "id": "",
        "status": "done",
        "done": 0,
        "total": 0,
        "result": f"{place}/result",
    }
    result = client.get(f"{place}/result")
    assert result.content == answer.content
    for header in ("Content-Type", "X-Result-Width", "X-Result-Height", "X-Upscaler-Model"):
        assert result.headers[header] == answer.headers[header]
    assert client.delete(place).status_code == 204
    for query in ("", "?format=png"):
        gone = client.get(f"{place}/result{query}")
        assert (gone.status_code, gone.json()["code"]) == (410, "expired")
        assert "setting" not in gone.json(), "its owner has deleted it"


def test_what_is_deleted_after_its_time_names_its_own_setting(server: Server, client: httpx.Client) -> None:
    job = kept(client).headers["X-Upscaler-Job"]
    for part in ("picture", "result"):  # as the service does, before it forgets the job itself
        (Path(server.environ["UPSCALER_JOBS_STORE"]) / "jobs" / job / part).unlink()
    for query in ("", "?format=png"):
        gone = client.get(f"/jobs/{job}/result{query}").json()
        assert (gone["status"], gone["setting"]) == (410, "UPSCALER_KEEP_MINUTES")
        assert gone["hint"] == "raise UPSCALER_KEEP_MINUTES on the server to keep results of requests longer"


ANIMATION = encoded(
    Image.fromarray(photograph(10, 12)).quantize(16),
    "GIF",
    save_all=True,
    append_images=[Image.fromarray(photograph(10, 12, 1)).quantize(16)],
    duration=[50, 70],
    loop=3,
)
DEEP = encoded(Image.fromarray(photograph(9, 11)[:, :, 0].astype(np.uint16) * 257))
CLEAR = encoded(Image.fromarray(np.dstack((photograph(9, 11), photograph(9, 11, 1)[:, :, :1]))))


@pytest.mark.parametrize(
    ("image", "asked", "options"),
    [
        (JPEG, {}, {"format": "webp", "quality": "70"}),
        (JPEG, {}, {"quality": "40"}),
        (JPEG, {"quality": "50", "scale": "3"}, {"format": "avif"}),
        (JPEG, {"format": "webp", "metadata": "strip"}, {"format": "jpeg", "quality": "95"}),
        (JPEG, {}, {"metadata": "strip"}),
        (DEEP, {"format": "jpeg"}, {"format": "tiff"}),
        (CLEAR, {}, {"format": "webp"}),
        (ANIMATION, {}, {"format": "png"}),
        (ANIMATION, {}, {"format": "webp", "quality": "60"}),
    ],
)
def test_it_is_converted_without_loss(
    client: httpx.Client, image: bytes, asked: dict[str, str], options: dict[str, str]
) -> None:
    """To what the service would have answered; HEAD tells how large that is."""
    job = kept(client, image, **asked).headers["X-Upscaler-Job"]
    wanted = client.post("/upscale", content=image, params=asked | options)
    converted = client.get(f"/jobs/{job}/result", params=options)
    assert converted.content == wanted.content
    names = ("Content-Type", "Content-Length", "X-Result-Width", "X-Result-Height", "X-Upscaler-Model")
    headers = {name: wanted.headers[name] for name in names}
    assert headers.items() <= {name: converted.headers[name] for name in names}.items()
    assert wanted.headers.get("X-Upscaler-Notes") == converted.headers.get("X-Upscaler-Notes")
    assert converted.headers["Cache-Control"] == "private"
    head = client.head(f"/jobs/{job}/result", params=options)
    assert (head.status_code, head.content) == (200, b"")
    assert {name: head.headers[name] for name in names} == headers


@pytest.mark.parametrize(("image", "options"), [(JPEG, {}), (JPEG, {"format": "webp"}), (CLEAR, {"format": "webp"})])
def test_back_to_the_default_quality(client: httpx.Client, image: bytes, options: dict[str, str]) -> None:
    """Which may be none at all: of a lossless picture, WebP is lossless."""
    wanted = client.post("/upscale", content=image, params=options).content
    job = kept(client, image, **options, quality="40").headers["X-Upscaler-Job"]
    converted = client.get(f"/jobs/{job}/result", params={"quality": "default"})
    assert converted.content == wanted
    assert client.get(f"/jobs/{job}/result").content != wanted


def test_a_stream_tells_it_before_its_result(client: httpx.Client) -> None:
    headers = {**KEEP, "Accept": "text/event-stream"}
    answer = client.post("/upscale", content=JPEG, headers=headers)
    events = re.findall(r"event: (\w+)\ndata: (.*)\n\n", answer.text)
    (name, told), (last, _) = events[-2:]
    assert (name, last) == ("kept", "result")
    assert json.loads(told).keys() == {"id", "seconds"}
    assert json.loads(told)["seconds"] == 900
    assert client.get(f"/jobs/{json.loads(told)['id']}/result?format=bmp").headers["Content-Type"] == "image/bmp"
    quiet = client.post("/upscale", content=JPEG, headers={"Accept": "text/event-stream"})
    assert "event: kept" not in quiet.text


def test_the_result_of_a_job_is_decoded_for_it(client: httpx.Client) -> None:
    place = client.post("/jobs?format=png", content=JPEG).headers["Location"]
    assert wait_for(lambda: client.get(place).json()["status"] == "done", WAIT, 0.1)
    plain = client.get(f"{place}/result").content
    webp = client.get(f"{place}/result?format=webp&quality=30")
    assert opened(webp.content).format == "WEBP"
    limits = Limits(10**6, 10)
    assert webp.content == encode(decode(plain, limits), FormatName.WEBP, 30, 92).data


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("format=heic", 400, "malformed_message"),
        ("quality=0", 400, "malformed_message"),
        ("quality=101", 400, "malformed_message"),
        ("quality=best", 400, "malformed_message"),
        ("quality=Default", 400, "malformed_message"),
        ("quality=8.5", 400, "malformed_message"),
        ("metadata=some", 400, "malformed_message"),
        ("format=png&format=jpeg", 400, "malformed_message"),
        ("scale=3", 400, "malformed_message"),
        ("download=1", 400, "malformed_message"),
        ("format=jpeg", 422, "format_cannot_hold"),
        ("format=bmp&quality=3", 422, "format_cannot_hold"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_refused(client: httpx.Client, clear: str, method: str, query: str, status: int, code: str) -> None:
    answer = client.request(method, f"{clear}?{query}")
    assert answer.status_code == status
    if method == "GET":
        assert answer.json()["code"] == code


def test_the_refusal_says_what_a_quality_is(client: httpx.Client, clear: str) -> None:
    detail = client.get(f"{clear}?quality=best").json()["detail"]
    assert detail == 'quality must be a whole number from 1 to 100 or default, not "best"'


@pytest.fixture(scope="module")
def clear(client: httpx.Client) -> str:
    """The result of a job: transparent, so that not all formats can hold it."""
    place = client.post("/jobs", content=CLEAR).headers["Location"]
    assert wait_for(lambda: client.get(place).json()["status"] == "done", WAIT, 0.1)
    return f"{place}/result"


@pytest.mark.parametrize("query", ["", "?format=png"])
def test_it_is_nobody_elses(client: httpx.Client, query: str) -> None:
    job = kept(client).headers["X-Upscaler-Job"]
    assert client.get(f"/jobs/{job}/result{query}", headers={OWNER: "bob"}).status_code == 404
    assert client.get(f"/jobs/{'0' * 26}/result{query}").status_code == 404
    assert client.get(f"/jobs/..%2f{job}/result{query}").status_code == 404


@pytest.mark.parametrize("headers", [{}, {"Prefer": "keep=yes"}, {"Prefer": "keeping"}, {"Prefer": "return=minimal"}])
def test_what_is_not_asked_for_is_not_kept(client: httpx.Client, headers: dict[str, str]) -> None:
    answer = client.post("/upscale", content=JPEG, headers=headers)
    assert answer.status_code == 200
    assert not {"X-Upscaler-Job", "Preference-Applied"} & {*answer.headers}


def test_what_can_not_be_kept_is_answered(server: Server, client: httpx.Client) -> None:
    """Nobody is named; it is too large; the store is gone."""
    store = Path(server.environ["UPSCALER_JOBS_STORE"])
    nobody = httpx.post(f"{server.url}/upscale", content=JPEG, headers=KEEP, timeout=WAIT)
    large = client.post("/upscale", content=encoded(photograph(10, 12)), params={"width": "600"}, headers=KEEP)
    assert large.status_code == 422  # its result would be
    large = client.post("/upscale", content=encoded(photograph(100, 100)), headers=KEEP)
    (store / ".scratch").rename(store / ".away")
    try:
        away = client.post("/upscale", content=JPEG, headers=KEEP)
    finally:
        (store / ".away").rename(store / ".scratch")
    for answer, is_kept in ((nobody, False), (large, True), (away, False)):
        assert answer.status_code == 200
        assert ("X-Upscaler-Job" in answer.headers) is is_kept
    assert not list((store / ".scratch").glob("keeping-*"))


def test_a_bucket_that_never_answers_delays_one_request_for_a_moment(start_server: StartServer) -> None:
    """It takes connections, and stays silent; obstore would give it up after half a minute and more."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        variables = {
            "AWS_ACCESS_KEY_ID": "id",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{silent.getsockname()[1]}",
        }
        server = start_server(UPSCALER_JOBS_STORE="s3://bucket", **variables)
        serving = int(server.worker.name)
        begin = time.monotonic()
        try:
            for _ in range(2):
                answer = httpx.post(f"{server.url}/upscale", content=JPEG, headers=KEEP, timeout=WAIT)
                assert answer.status_code == 200
                assert not {"X-Upscaler-Job", "Preference-Applied"} & {*answer.headers}
            assert MAX_WAIT <= time.monotonic() - begin < 20
            refusals = [line for line in server.logged().splitlines() if "a result could not be kept" in line]
            assert len(refusals) == 1, "nothing is kept for a while"
            assert "the store takes longer than 2 s" in refusals[0]
        finally:  # at once: at its end the service, too, would wait for the bucket
            server.process.kill()
            os.kill(serving, signal.SIGKILL)


def test_the_oldest_give_way(client: httpx.Client) -> None:
    ids = [kept(client).headers["X-Upscaler-Job"] for _ in range(4)]
    statuses = [client.get(f"/jobs/{job}/result?quality=50").status_code for job in ids]
    assert statuses == [404, 200, 200, 200]


def test_conversions_are_counted(client: httpx.Client, clear: str) -> None:
    def counted() -> float:
        text = client.get("/metrics").text
        return float(re.findall(r'^upscaler_conversions_total\{status="200"\} (.*)$', text, re.MULTILINE)[0])

    before = counted()
    assert client.get(f"{clear}?format=webp").status_code == 200
    assert wait_for(lambda: counted() == before + 1, WAIT)


@pytest.mark.parametrize("settings", [{"UPSCALER_KEEP_MINUTES": "0"}, {"UPSCALER_JOBS_STORE": ""}])
def test_keeping_is_off(shared_server: StartServer, settings: dict[str, str]) -> None:
    server = shared_server(**settings)
    answer = httpx.post(f"{server.url}/upscale", content=JPEG, headers=KEEP, timeout=WAIT)
    assert answer.status_code == 200
    assert "X-Upscaler-Job" not in answer.headers


PICTURES = {
    "grey": Picture((Frame(photograph(3, 5)[:, :, :1]),), FormatName.PNG),
    "deep": Picture(
        (Frame(photograph(3, 5).astype(np.uint16) * 200, np.full((3, 5), 40_000, np.uint16)),), FormatName.TIFF
    ),
    "pages": Picture(
        (
            Frame(photograph(3, 5), metadata=Metadata(icc=bytes(range(256)), comments=(b"\xff", b""))),
            Frame(photograph(7, 2), np.zeros((7, 2), np.uint8), metadata=Metadata(crop=Box(0, 1, 2, 3), size=(9, 9))),
        ),
        FormatName.TIFF,
        notes=("“what”",),
    ),
    "animation": Picture(
        tuple(Frame(photograph(3, 5, seed), milliseconds=33.4) for seed in range(3)),
        FormatName.WEBP,
        plays=0,
        is_lossless=True,
    ),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_as_bytes(tmp_path: Path, name: str) -> None:
    picture = PICTURES[name]
    write_picture(picture, tmp_path / "picture")
    data = (tmp_path / "picture").read_bytes()
    again = read_picture(data)
    for one, other in zip(picture.frames, again.frames, strict=True):
        np.testing.assert_array_equal(one.colour, other.colour)
        assert one.colour.dtype == other.colour.dtype
        assert (one.alpha is None) is (other.alpha is None)
        if one.alpha is not None and other.alpha is not None:
            np.testing.assert_array_equal(one.alpha, other.alpha)
        assert (one.milliseconds, one.metadata) == (other.milliseconds, other.metadata)
    for part in ("format", "plays", "is_lossless", "notes"):
        assert getattr(picture, part) == getattr(again, part)
    for length in (0, 7, 20, len(data) - 1):
        with pytest.raises(ValueError, match=r".*"):
            read_picture(data[:length])


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # slow, and no matter here
    return Ledger(DirectoryStore(tmp_path / "store"), 1_000_000)


def keep(ledger: Ledger, keeping: Keeping, size: int = 10) -> str | None:
    with keeping.written(PICTURES["grey"]) as path:
        assert path is not None
        return keeping.keep(order(), path, bytes(size), Result(FormatName.PNG, 10, 6, size, "0" * 64))


def test_nothing_is_left_when_the_time_is_over(ledger: Ledger) -> None:
    lasting = keep(ledger, Keeping(ledger, HOUR, 10**9))
    assert lasting is not None
    keep(ledger, Keeping(ledger, -1, 10**9))
    assert len(list(kept_results(ledger))) == 2
    Housekeeping(ledger, HOUR).tick()
    assert [each.job_id for each in kept_results(ledger)] == [lasting]
    assert kept_picture(ledger, lasting) is not None
    assert {key.split("/")[1] for key in ledger.store.keys("jobs/")} == {lasting}


def test_room_is_bounded(ledger: Ledger) -> None:
    keeping = Keeping(ledger, HOUR, 4 * LEAST_BYTES)
    ids = [keep(ledger, keeping) for _ in range(6)]
    assert [each.job_id for each in kept_results(ledger)] == ids[-4:]
    assert keep(ledger, keeping, 5 * LEAST_BYTES) is None
    large = keep(ledger, keeping, 3 * LEAST_BYTES)
    assert [each.job_id for each in kept_results(ledger)] == [large]
    with Keeping(ledger, HOUR, 5).written(PICTURES["grey"]) as path:
        assert path is None


def test_pictures_that_are_being_kept_share_the_room(ledger: Ledger) -> None:
    picture = PICTURES["grey"]
    size = sum(frame.colour.nbytes for frame in picture.frames)
    keeping = Keeping(ledger, HOUR, 2 * size)
    with keeping.written(picture) as one:
        assert one is not None
        with keeping.written(picture) as two:
            assert two is None
    with keeping.written(picture) as three:
        assert three is not None


@pytest.mark.parametrize("written", ["picture", "result", "end.json", "job.json"])
def test_one_that_others_drive_out_while_it_is_kept(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    """It would be there for good."""
    put = ledger.store.put

    def driven_out(key: str, data: bytes | Path) -> None:
        put(key, data)
        if key.endswith(f"/{written}"):
            monkeypatch.setattr(ledger.store, "put", put)
            assert keep(ledger, Keeping(ledger, HOUR, LEAST_BYTES)) is not None

    monkeypatch.setattr(ledger.store, "put", driven_out)
    assert keep(ledger, Keeping(ledger, HOUR, LEAST_BYTES)) is None
    (other,) = kept_results(ledger)
    assert {key.split("/")[1] for key in ledger.store.keys("jobs/")} == {other.job_id}


@pytest.mark.parametrize("writes", range(1, 5))
def test_a_store_that_is_full_gets_its_room_back(ledger: Ledger, monkeypatch: pytest.MonkeyPatch, writes: int) -> None:
    """And nothing more for a while."""
    put, left = ledger.store.put, [None] * writes

    def full(key: str, data: bytes | Path) -> None:
        if not left:
            raise StoreUnavailable("it is full")
        left.pop()
        put(key, data)

    monkeypatch.setattr(ledger.store, "put", full)
    keeping = Keeping(ledger, HOUR, 10**9)
    with pytest.raises(StoreUnavailable):
        keep(ledger, keeping)
    assert all_keys(ledger.store) == []
    with keeping.written(PICTURES["grey"]) as path:
        assert path is None


@pytest.mark.parametrize("written", ["kept", "picture", "result", "end.json", "job.json"])
def test_what_takes_too_long_is_not_kept_and_leaves_nothing(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    """Nor is anything else for a while, also if the store has taken it in the end. Meanwhile it takes no memory."""
    put, may_go_on = ledger.store.put, threading.Event()

    def slow(key: str, data: bytes | Path) -> None:
        assert isinstance(data, Path) or len(data) < 1000
        put(key, data)
        if key.startswith(f"{written}/") or key.endswith(f"/{written}"):
            assert may_go_on.wait(WAIT)

    monkeypatch.setattr(ledger.store, "put", slow)
    monkeypatch.setattr("jobs.keeping.MAX_WAIT", 0.2)
    keeping = Keeping(ledger, HOUR, 10**9)
    with keeping.written(PICTURES["grey"]) as path:
        assert path is not None
        with pytest.raises(StoreUnavailable, match=r"longer than 0\.2 s"):
            keeping.keep(order(), path, bytes(1000), Result(FormatName.PNG, 10, 6, 1000, "0" * 64))
        with keeping.written(PICTURES["grey"]) as another:
            assert another is None
        assert list(kept_results(ledger)) != []
        may_go_on.set()
        assert wait_for(lambda: not list(kept_results(ledger)), WAIT)
        assert all_keys(ledger.store) == []
    assert not list(ledger.store.scratch.iterdir())
    for thread in threading.enumerate():
        if thread.name == "keeping":
            thread.join(WAIT)
    with keeping.written(PICTURES["grey"]) as another:
        assert another is None
    later = time.monotonic() + PAUSE
    monkeypatch.setattr("jobs.keeping.time", SimpleNamespace(time=time.time, monotonic=lambda: later))
    monkeypatch.setattr(ledger.store, "put", put)
    assert keep(ledger, keeping) is not None


@pytest.mark.parametrize("writes", range(1, 5))
def test_a_process_that_is_killed_leaves_nothing_for_good(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    """After any number of writes."""
    put, left = ledger.store.put, iter(range(writes))

    def killed(key: str, data: bytes | Path) -> None:
        next(left)
        put(key, data)

    monkeypatch.setattr(ledger.store, "put", killed)
    with pytest.raises((StopIteration, RuntimeError)):
        keep(ledger, Keeping(ledger, -1, 10**9))
    monkeypatch.setattr(ledger.store, "put", put)
    (found,) = kept_results(ledger)
    assert not ledger.store.has(f"jobs/{found.job_id}/job.json")
    Housekeeping(ledger, HOUR).tick()
    assert all_keys(ledger.store) == []


def test_a_picture_of_another_version_is_not_read(ledger: Ledger) -> None:
    job = keep(ledger, Keeping(ledger, HOUR, 10**9))
    assert job is not None
    ledger.store.put(f"jobs/{job}/picture", b"\x02\0\0\0\0\0\0\0{}")
    assert kept_picture(ledger, job) is None
