"""`onError=original`: the image as it was sent, where it can't be enlarged; and a reader of comics that needs it."""

import base64
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from conftest import Server, StartServer, connection, encoded, opened, photograph, taken_slot, wait_for
from test_metrics import figures

from http_edge.places import MAX_RETURNED, PATIENCE

PAGE = encoded(photograph(40, 30), "JPEG")
WIDE = encoded(photograph(20, 600), "PNG")
CUT_OFF = WIDE[:200]
JPEG_XL = b"\xff\x0a" + bytes(200)


@pytest.fixture(scope="module")
def reading(start_server: StartServer) -> Server:
    """A service that takes small pages only."""
    return start_server(UPSCALER_MAX_PIXELS="10000")


@pytest.mark.parametrize(
    ("image", "options", "media_type", "why"),
    [
        (WIDE, {}, "image/png", "12000 px"),
        (CUT_OFF, {}, "image/png", ""),
        (JPEG_XL, {}, "application/octet-stream", "JPEG XL"),
        (PAGE, {"width": "4000"}, "image/jpeg", "4000"),
    ],
    ids=["too large", "damaged", "not supported", "size out of range"],
)
def test_the_original(reading: Server, image: bytes, options: dict[str, str], media_type: str, why: str) -> None:
    refused = reading.upscale(image, **options)
    assert refused.status_code in (415, 422)
    answer = reading.upscale(image, onError="original", **options)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, media_type)
    assert answer.content == image
    assert answer.headers["X-Upscaler-Notes"].startswith("the image is unchanged: ")
    assert why in answer.headers["X-Upscaler-Notes"]
    assert "X-Result-Width" not in answer.headers
    mark = answer.headers["X-Request-ID"]
    (line,) = (each for each in reading.logged().splitlines() if mark in each)
    assert "status=200" in line
    assert f'code="{refused.json()["code"]}"' in line


def test_in_json_and_in_a_form(reading: Server) -> None:
    """The answer is the image file itself; one in JSON is refused."""
    message = {"imageBase64": base64.b64encode(WIDE).decode(), "onError": "original"}
    refused = httpx.post(f"{reading.url}/upscale", json=message)
    assert (refused.status_code, refused.json()["code"]) == (400, "malformed_message")
    assert "send Accept: image/*" in refused.json()["detail"]
    answer = httpx.post(f"{reading.url}/upscale", json=message, headers={"Accept": "image/*"})
    assert (answer.status_code, answer.content) == (200, WIDE)
    assert "12000 px" in answer.headers["X-Upscaler-Notes"]
    form = httpx.post(f"{reading.url}/upscale", files={"image": WIDE}, data={"onError": "original"})
    assert (form.status_code, form.content) == (200, WIDE)


def test_what_can_be_enlarged_is(reading: Server) -> None:
    answer = reading.upscale(PAGE, onError="original")
    assert opened(answer.content).size == (60, 80)
    assert answer.content == reading.upscale(PAGE, onError="problem").content


def test_failures_are_counted_all_the_same(reading: Server) -> None:
    name = 'upscaler_errors_total{code="image_too_large"}'
    before = figures(reading).get(name, 0)
    assert reading.upscale(WIDE, onError="original").status_code == 200
    assert wait_for(lambda: figures(reading).get(name) == before + 1)


@pytest.mark.parametrize(
    ("path", "headers", "body", "status"),
    [
        ("/upscale?onError=nothing", {}, PAGE, 400),
        ("/upscale?onError=original&onError=original", {}, PAGE, 400),
        ("/upscale?onError=original&scale=many", {}, PAGE, 400),
        ("/upscale?onError=original&model=none", {}, PAGE, 422),
        ("/upscale?onError=original", {}, b"no picture at all", 415),
        ("/upscale?onError=original", {}, b"", 400),
        ("/upscale?onError=original", {"Accept": "text/event-stream"}, PAGE, 400),
        ("/upscale?onError=original", {"Accept": "application/json"}, PAGE, 400),
        ("/upscale?onError=original", {"Accept": "text/plain"}, PAGE, 406),
        ("/upscale?onError=original", {"Host": "rebound.example"}, PAGE, 421),
        ("/upscale?onError=original", {"Sec-Fetch-Site": "cross-site"}, PAGE, 403),
        ("/v1/images/upscale?onError=original", {}, PAGE, 400),
        ("/jobs?onError=original", {}, PAGE, 400),
    ],
)
def test_what_stays_an_error(reading: Server, path: str, headers: dict[str, str], body: bytes, status: int) -> None:
    """What the client can put right, and what is no image."""
    sent = {"Content-Type": "application/octet-stream", **headers}
    answer = httpx.post(reading.url + path, content=body, headers=sent)
    assert answer.status_code == status, answer.text
    assert answer.json()["status"] == status


def test_a_reader_of_comics(reading: Server) -> None:
    """Suwayomi sends a page as a form (its ConversionUtil.kt), and shows what comes back, whatever its status."""
    target = f"{reading.url}/upscale?model=noise-cancel-plain&onError=original"
    for name, media_type, page in (("001.jpg", "image/jpeg", PAGE), ("002.png", "image/png", WIDE)):
        shown = httpx.post(
            target, files={"image": (name, page, media_type)}, headers={"User-Agent": "okhttp/5"}
        ).content
        assert opened(shown).size == ((60, 80) if page is PAGE else (600, 20))


@pytest.fixture(scope="module")
def full(start_server: StartServer) -> Server:
    """A service with one slot, which a slow client can keep for long."""
    return start_server(UPSCALER_MAX_REQUESTS="1", UPSCALER_READ_TIMEOUT="60", UPSCALER_URL_HOSTS="example.com")


@pytest.fixture
def readers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as threads:
        yield threads


def read_page(server: Server) -> httpx.Response:
    """Ask for a page as Suwayomi does, and wait as long as it does."""
    return httpx.post(f"{server.url}/upscale?onError=original", files={"image": ("001.jpg", PAGE)}, timeout=30)


@pytest.mark.alone
def test_a_reader_waits_until_there_is_a_slot(full: Server, readers: ThreadPoolExecutor) -> None:
    """Any other client is told at once to try again; the reader would show that as a page."""
    with taken_slot(full):
        page = readers.submit(read_page, full)
        time.sleep(1)
        assert full.upscale(PAGE).status_code == 429
        assert not page.done()
    answer = page.result()
    assert (answer.status_code, opened(answer.content).size) == (200, (60, 80))
    assert "X-Upscaler-Notes" not in answer.headers


@pytest.mark.alone
def test_a_page_that_finds_no_slot_in_time_is_shown_as_it_is(full: Server, readers: ThreadPoolExecutor) -> None:
    """What the client can put right is an error all the same."""
    name = 'upscaler_errors_total{code="too_many_requests"}'
    target = f"{full.url}/upscale?onError=original"
    with taken_slot(full):
        before, begin = figures(full)[name], time.monotonic()
        pages = [readers.submit(read_page, full) for _ in range(3)]
        malformed = readers.submit(httpx.post, f"{target}&scale=many", content=PAGE, timeout=30)
        no_picture = readers.submit(httpx.post, target, content=b"no picture at all", timeout=30)
        address = readers.submit(httpx.post, f"{target}&imageUrl=https://example.com/page.jpg", timeout=30)
        for answer in (page.result() for page in pages):
            assert (answer.status_code, answer.content) == (200, PAGE)
            assert answer.headers["X-Upscaler-Notes"].startswith("the image is unchanged: all request slots are taken")
            assert int(answer.headers["Retry-After"]) >= 1
            assert answer.headers["Cache-Control"] == "no-store"
        assert time.monotonic() - begin >= PATIENCE
        assert malformed.result().status_code == 400
        assert no_picture.result().status_code == 415
        assert (address.result().status_code, address.result().json()["code"]) == (429, "too_many_requests")
        assert wait_for(lambda: figures(full)[name] == before + len(pages) + 1)
        assert full.upscale(PAGE).status_code == 429, "who sends a page back gives no slot back"
    assert wait_for(lambda: full.upscale(PAGE).status_code == 200)
    assert opened(read_page(full).content).size == (60, 80)


@pytest.mark.alone
def test_a_slot_that_becomes_free_late_is_taken(full: Server, readers: ThreadPoolExecutor) -> None:
    """Also by a reader that waits for its page to be sent back, behind a client that never sends its own."""
    with taken_slot(full) as slow:
        begin = time.monotonic()
        with connection(full, "Content-Length: 100000", "/upscale?onError=original"):
            time.sleep(0.5)
            page = readers.submit(read_page, full)
            time.sleep(PATIENCE + 1.5)
            assert not page.done()
            slow.close()
            answer = page.result()
    assert (answer.status_code, opened(answer.content).size) == (200, (60, 80))
    assert time.monotonic() - begin < 2 * PATIENCE
    assert "X-Upscaler-Notes" not in answer.headers


@pytest.mark.alone
@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/upscale", {"Accept": "text/event-stream"}),
        ("/upscale", {"Accept": "application/json"}),
        ("/upscale", {"Accept": "text/plain"}),
        ("/upscale", {"Accept": "image/*", "Content-Type": "application/json"}),
        ("/v1/images/upscale", {"Accept": "image/*"}),
    ],
)
def test_what_is_refused_in_any_case_does_not_wait(full: Server, path: str, headers: dict[str, str]) -> None:
    with taken_slot(full):
        begin = time.monotonic()
        answer = httpx.post(f"{full.url}{path}?onError=original", content=PAGE, headers=headers, timeout=30)
        assert answer.status_code == (406 if headers["Accept"] == "text/plain" else 429)
        assert time.monotonic() - begin < PATIENCE / 2


@pytest.mark.alone
def test_what_is_sent_back_takes_no_more_memory_than_a_form_twice(full: Server, readers: ThreadPoolExecutor) -> None:
    """And none afterwards, with a slot or without."""
    size = 40_000_000
    large = PAGE + bytes(size)

    def sent_back(options: str = "") -> bool:
        target = f"{full.url}/upscale?onError=original{options}"
        return httpx.post(target, files={"image": large}, timeout=60).content == large

    with taken_slot(full):
        before = full.rss()
        (full.worker / "clear_refs").write_text("5")  # the peak, too, is counted from here
        assert all(each.result() for each in [readers.submit(sent_back) for _ in range(3)])
        peak = int((full.worker / "status").read_text().partition("VmHWM:")[2].split()[0]) * 1024
        assert peak - before < MAX_RETURNED * 2 * size + size / 2
        assert wait_for(lambda: full.rss() - before < size / 2)
    assert wait_for(lambda: full.upscale(PAGE).status_code == 200)
    before = full.rss()
    assert all(sent_back("&width=4000") for _ in range(3))
    assert wait_for(lambda: full.rss() - before < size / 2)


@pytest.mark.alone
def test_a_reader_that_leaves_while_it_waits(full: Server) -> None:
    def gone() -> int:
        return full.logged().count("status=499")

    before = gone()
    with taken_slot(full) as slow:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{full.url}/upscale?onError=original", content=PAGE, timeout=1)
        assert wait_for(lambda: gone() == before + 1, PATIENCE / 2)
        slow.close()
    assert wait_for(lambda: full.upscale(PAGE).status_code == 200)


def test_the_description(reading: Server) -> None:
    document = httpx.get(f"{reading.url}/openapi.json").json()
    options = {each["name"] for each in document["paths"]["/upscale"]["post"]["parameters"]}
    assert "onError" in options
    assert "onError" not in json.dumps(document["components"]["schemas"]["JobInput"])
