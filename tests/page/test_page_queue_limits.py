"""The queue when the service is busy or fails, when there is too much, and beside a job. `make test-page` runs this."""

import json

import httpx
import pytest
from browsers import Gate, OpenPage, done, downloaded, finished, give, give_all, row
from conftest import Server, encoded, photograph
from playwright.sync_api import Route, expect

FIRST, SECOND = encoded(photograph(30, 40)), encoded(photograph(24, 36, 1))
BUSY = json.dumps({"title": "The service is busy", "detail": "no", "status": 429, "code": "queue_full"})


def test_a_busy_service_is_asked_again(server: Server, open_page: OpenPage) -> None:
    """All wait as long as it says; none fails."""
    page = open_page(server.url, allowed="429")
    asked: list[str] = []

    def refuse_once(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) == 1:
            route.fulfill(status=429, headers={"Retry-After": "1"}, content_type="application/problem+json", body=BUSY)
        else:
            route.continue_()

    page.route("**/upscale?*", refuse_once)
    give_all(page, ("cup.png", FIRST), ("other.png", SECOND))
    expect(page.locator("#detail")).to_contain_text("It continues automatically")
    finished(page, "2 pictures are enlarged")
    assert len(asked) == 3


def test_a_failing_service_is_given_up(server: Server, open_page: OpenPage) -> None:
    """After three attempts, although it says when to ask again."""
    page = open_page(server.url, allowed="503")
    asked: list[str] = []
    answer = json.dumps({"title": "no", "detail": "no", "status": 503, "code": "engine_failed"})

    def fail(route: Route) -> None:
        asked.append(route.request.url)
        headers = {"Retry-After": "1"}
        route.fulfill(status=503, headers=headers, content_type="application/problem+json", body=answer)

    page.route("**/upscale?*", fail)
    give_all(page, ("cup.png", FIRST), ("other.png", SECOND))
    expect(page.locator("#detail")).to_contain_text("2 failed")
    expect(row(page, "cup.png")).to_contain_text("The inference engine failed")
    assert len(asked) == 6


@pytest.mark.parametrize(
    ("count", "size", "title"),
    [(501, 1, "Too many files"), (3, 1_500_000_000, "The results are too large for one ZIP")],
)
def test_what_is_too_much(server: Server, open_page: OpenPage, count: int, size: int, title: str) -> None:
    page = open_page(server.url)
    if size > 1:
        give_all(page, *((f"{number}.png", FIRST) for number in range(count)))
        finished(page, "3 pictures are enlarged")
        # Results of this size in a test would take its memory: the blobs only say that they have it.
        page.evaluate("size => Object.defineProperty(Blob.prototype, 'size', {get: () => size})", size)
        page.get_by_role("button", name="Download all").click()
    else:
        give_all(page, *((f"{number}.png", b"x") for number in range(count)))
    expect(page.get_by_role("alert")).to_contain_text(title)
    page.get_by_role("button", name="Back to the list" if size > 1 else "Choose another picture").click()
    expect(page.locator("#problem")).to_be_hidden()


@pytest.mark.parametrize("how", ["button", "Escape"])
def test_the_list_comes_back_after_too_large_a_zip(server: Server, open_page: OpenPage, how: str) -> None:
    """The card says what to do, and that can be done."""
    page = open_page(server.url)
    give_all(page, ("cup.png", FIRST), ("other.png", SECOND))
    finished(page, "2 pictures are enlarged")
    page.evaluate("Object.defineProperty(Blob.prototype, 'size', {get: () => 3e9})")
    page.get_by_role("button", name="Download all").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Together they are 6.0 GB; a ZIP of the page holds up to 4.3 GB.")
    expect(alert).to_contain_text("Save the pictures one by one")
    if how == "button":
        page.get_by_role("button", name="Back to the list").click()
    else:
        page.keyboard.press("Escape")
    expect(page.locator("#queue li")).to_have_count(2)
    expect(page.locator("#queue")).to_be_visible()
    expect(page.locator("#headline")).to_have_text("2 pictures are enlarged")
    expect(page.get_by_role("button", name="Download all")).to_be_visible()
    name, data = downloaded(page, page.get_by_role("button", name="Save other.png"))
    assert (name, data) == ("other-enlarged.png", server.upscale(SECOND).content)


def test_too_many_do_not_interrupt_what_runs(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    gate = Gate(page)
    give(page, "drop", "cup.png", FIRST, "image/png")
    gate.wait_for(1)
    give_all(page, *((f"{number}.png", b"x") for number in range(501)))
    expect(page.locator("#announcer")).to_contain_text("Too many files")
    expect(page.locator("#problem")).to_be_hidden()
    gate.open()
    assert downloaded(page, done(page))[0] == "cup-enlarged.png"


def test_a_job_is_left_for_the_list(server: Server, open_page: OpenPage) -> None:
    """While it is enlarged, when it is cancelled, and when it is done."""
    page = open_page(server.url)
    give_all(page, ("cup.png", FIRST), ("other.png", SECOND))
    finished(page, "2 pictures are enlarged")
    back = page.get_by_role("button", name="Back to the list")
    page.route("**/jobs/waits", lambda route: None)
    page.evaluate("location.hash = 'job=waits&name=job.png'")
    expect(page.get_by_role("heading", name="You can close this page")).to_be_visible()
    back.click()
    expect(page.locator("#queue li")).to_have_count(2)
    expect(page.locator("#queue")).to_be_visible()
    page.evaluate("location.hash = 'job=waits&name=job.png'")
    expect(page.get_by_role("heading", name="You can close this page")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#queue")).to_be_visible()
    page.evaluate("location.hash = 'job=waits&name=job.png'")
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page.locator("#queue")).to_be_visible()
    job = httpx.post(f"{server.url}/jobs", content=FIRST).json()["id"]
    page.evaluate(f"location.hash = 'job={job}&name=job.png'")
    assert downloaded(page, done(page))[0] == "job-enlarged.png"
    back.click()
    expect(page.locator("#queue")).to_be_visible()
