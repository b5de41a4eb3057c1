"""Pictures in the background: jobs, which outlive the page. `make test-page` runs this."""

import json
import os
import signal

import httpx
import pytest
from axe import check
from browsers import PHONE, OpenPage, done, downloaded, give, wait_for_progress, wait_until
from conftest import SAMPLES, Server, StartServer, encoded, photograph
from playwright.sync_api import Page, Route, expect

JOB = "01jdj0000000000000000000ab"
SMALL = encoded(photograph(200, 300))
LARGE = encoded(photograph(500, 600))


def hand_in(page: Page, image: bytes = LARGE) -> str:
    """Drop a picture, and let the service go on with it in the background; returns the job's id."""
    give(page, "drop", "cup & saucer.png", image, "image/png")
    page.get_by_role("button", name="In the background").click()
    expect(page.get_by_role("heading", name="You can close this page")).to_be_visible()
    return page.url.partition("#job=")[2].partition("&")[0]


def problem(status: int, code: str) -> str:
    return json.dumps({"title": "no", "detail": "no", "status": status, "code": code})


def state(server: Server, job: str) -> str:
    status: str = httpx.get(f"{server.url}/jobs/{job}").json()["status"]
    return status


@pytest.mark.firefox
def test_a_closed_page_finds_its_picture_again(tiles: Server, open_page: OpenPage) -> None:
    """By its address, in another browser, and in a list, where it can be deleted. The page that stayed compares."""
    page = open_page(tiles.url)
    job = hand_in(page)
    check(page)
    other = open_page(page.url, viewport=PHONE, color_scheme="dark")
    expect(other.locator("#headline")).to_have_text("Enlarging cup & saucer.png in the background")
    check(other)
    assert other.evaluate("document.documentElement.scrollWidth <= innerWidth")
    name, data = downloaded(other, done(other))
    assert name == "cup & saucer-enlarged.png"
    assert data == tiles.upscale(LARGE).content
    check(other)
    done(page)
    expect(page.get_by_role("slider")).to_be_visible()
    page.get_by_role("button", name="Another picture").click()
    assert "#" not in page.url
    check(page)
    page.get_by_role("link", name="cup & saucer.png").click()
    assert downloaded(page, done(page)) == (name, data)
    page.get_by_role("button", name="Another picture").click()
    expect(page.locator("#remembered")).to_contain_text("deletes results after 24 hours")
    page.get_by_role("button", name="Delete cup & saucer.png").click()
    expect(page.locator("#remembered")).to_be_hidden()
    assert httpx.get(f"{tiles.url}/jobs/{job}/result").status_code == 410


def test_the_result_of_a_job_is_saved_as_it_is(tiles: Server, open_page: OpenPage) -> None:
    """Whatever quality the menu has: the page has neither the picture nor the menu."""
    picture = (SAMPLES / "face.jpg").read_bytes()
    job = httpx.post(f"{tiles.url}/jobs", content=picture).json()["id"]
    page = open_page(tiles.url)
    page.get_by_label("Quality").select_option("80")
    page.evaluate(f"location.hash = 'job={job}&name=face.jpg'")
    name, data = downloaded(page, done(page))
    assert (name, data) == ("face-enlarged.jpg", httpx.get(f"{tiles.url}/jobs/{job}/result").content)


def test_it_goes_on_here_until_the_service_has_it(tiles: Server, open_page: OpenPage) -> None:
    page = open_page(tiles.url, allowed="503")
    page.route("**/jobs?*", lambda route: route.fulfill(status=503, body=problem(503, "store_unavailable")))
    picture = encoded(photograph(1200, 1500))  # which is not done before the service refuses the job
    give(page, "drop", "cup.png", picture, "image/png")
    page.get_by_role("button", name="In the background").click()
    expect(page.locator("#announcer")).to_have_text(
        "The service can’t store pictures at the moment. cup.png is still being enlarged here"
    )
    expect(page.get_by_role("button", name="In the background")).to_be_visible()
    wait_for_progress(page)
    page.keyboard.press("Escape")


def test_it_fails_here_before_the_service_has_it(tiles: Server, open_page: OpenPage) -> None:
    """Only if the service refuses the job, there is something to tell."""
    page = open_page(tiles.url, allowed="503")
    asked: dict[str, Route] = {}
    page.route("**/upscale?*", lambda route: asked.update(upscale=route))
    page.route("**/jobs?*", lambda route: asked.update(jobs=route))
    give(page, "drop", "cup.png", SMALL, "image/png")
    page.get_by_role("button", name="In the background").click()
    expect(page.locator("#headline")).to_contain_text("Sending")
    while len(asked) < 2:
        page.wait_for_timeout(20)
    asked["upscale"].fulfill(status=503, body=problem(503, "engine_failed"))
    expect(page.locator("body")).to_have_attribute("data-state", "sending")
    expect(page.locator("#problem")).to_be_hidden()
    asked["jobs"].fulfill(status=503, body=problem(503, "store_unavailable"))
    expect(page.get_by_role("alert")).to_contain_text("can’t store pictures at the moment")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()


def test_it_is_cancelled(tiles: Server, open_page: OpenPage) -> None:
    page = open_page(tiles.url)
    job = hand_in(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="You can close this page")).to_be_visible()
    assert state(tiles, job) != "cancelled"
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#headline")).to_have_text("Cancelled")
    wait_until(lambda: state(tiles, job) == "cancelled")
    expect(page.locator("#remembered")).to_be_hidden()
    assert "#" not in page.url


def test_what_takes_too_long_for_a_stream(start_server: StartServer, open_page: OpenPage) -> None:
    """It is offered to do it in the background, and is followed there while the service is restarted."""
    slow = start_server(UPSCALER_TILE="32", UPSCALER_TIMEOUT="0.5", UPSCALER_STREAM_TIMEOUT="0.5")
    page = open_page(slow.url, allowed="Failed to load resource")
    give(page, "drop", "cup.png", LARGE, "image/png")
    expect(page.get_by_text("in the background: then the service stores the picture")).to_be_visible()
    expect(page.get_by_role("button", name="Enlarge in the background")).to_be_focused()
    check(page)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="You can close this page")).to_be_visible()
    os.kill(int(slow.worker.name), signal.SIGKILL)
    slow.wait()
    done(page)
    expect(page.get_by_role("slider")).to_be_visible()


def test_a_broken_stream_goes_on_in_the_background(start_server: StartServer, open_page: OpenPage) -> None:
    server = start_server(UPSCALER_TILE="32")
    page = open_page(server.url, allowed="ERR_")
    give(page, "drop", "large.png", encoded(photograph(1200, 1600)), "image/png")
    wait_for_progress(page)
    os.kill(int(server.worker.name), signal.SIGKILL)
    expect(page.get_by_role("alert")).to_contain_text("can’t be reached")
    server.wait()
    page.get_by_role("button", name="Enlarge in the background").click()
    expect(page.get_by_role("heading", name="You can close this page")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()


@pytest.mark.parametrize("job", [JOB, "../models", "%00"])
def test_a_job_that_is_not_known(tiles: Server, open_page: OpenPage, job: str) -> None:
    page = open_page(f"{tiles.url}/#job={job}&name=cup.png", allowed="404")
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_role("button", name="Choose another picture").click()
    expect(page.locator("#remembered")).to_be_hidden()
    give(page, "drop", "cup.png", SMALL, "image/png")
    done(page)


def test_a_picture_that_fails(tiles: Server, open_page: OpenPage) -> None:
    """The failure of its job is told as that of a request."""
    job = httpx.post(f"{tiles.url}/jobs", content=LARGE[: len(LARGE) // 2]).json()["id"]
    page = open_page(f"{tiles.url}/#job={job}&name=cup.png", allowed="Failed to load resource")
    expect(page.get_by_role("alert")).to_contain_text("save it again")
    expect(page.get_by_role("button", name="Enlarge in the background")).to_be_hidden()


def test_a_job_that_failed_is_done_anew(tiles: Server, open_page: OpenPage) -> None:
    """What is wrong with the service may pass: another job, with another key, is made for the same picture."""
    page = open_page(tiles.url)
    keys: list[str] = []

    def take(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        route.fulfill(status=202, body=json.dumps({"id": JOB}))

    page.route("**/jobs?*", take)
    event = f'event: status\ndata: {{"status": "failed", "problem": {problem(504, "deadline_passed")}}}\n\n'
    page.route("**/jobs/*", lambda route: route.fulfill(content_type="text/event-stream", body=event))
    give(page, "drop", "cup.png", LARGE, "image/png")
    page.get_by_role("button", name="In the background").click()
    expect(page.get_by_role("alert")).to_contain_text("The picture took too long")
    assert "#" not in page.url
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("alert")).to_contain_text("The picture took too long")
    first, second = keys
    assert first != second
    page.get_by_role("button", name="Choose another picture").click()
    expect(page.locator("#remembered")).to_be_hidden()


def test_a_service_that_stays_away_is_given_up(tiles: Server, open_page: OpenPage) -> None:
    """After ten minutes; the job is remembered."""
    page = open_page(tiles.url, allowed="503")
    page.route("**/jobs/*", lambda route: route.fulfill(status=503, headers={"Retry-After": "1"}))
    page.clock.install()
    page.evaluate(f"location.hash = 'job={JOB}&name=cup.png'")

    def has_given_up() -> bool:
        page.clock.fast_forward(400_000)
        return page.get_by_role("button", name="Try again").is_visible()

    wait_until(has_given_up)
    expect(page.locator("#countdown")).to_be_hidden()
    page.get_by_role("button", name="Choose another picture").click()
    expect(page.locator("#remembered")).to_contain_text("cup.png")


def test_without_jobs(start_server: StartServer, open_page: OpenPage) -> None:
    server = start_server(UPSCALER_TILE="32", UPSCALER_JOBS_STORE="")
    page = open_page(f"{server.url}/#job={JOB}")
    expect(page.locator("#empty")).to_be_visible()
    give(page, "drop", "cup.png", LARGE, "image/png")
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    expect(page.get_by_role("button", name="In the background")).to_be_hidden()
