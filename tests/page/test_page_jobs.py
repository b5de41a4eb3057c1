"""Pictures in the background: jobs, which outlive the page. `make test-page` runs this."""

import os
import signal

import httpx
import pytest
from axe import check
from chromium import PHONE, OpenPage, done, downloaded, give, wait_for_progress, wait_until
from conftest import Server, StartServer, encoded, photograph
from playwright.sync_api import Page, expect

SMALL = encoded(photograph(200, 300))
LARGE = encoded(photograph(500, 600))


def hand_in(page: Page, image: bytes = LARGE) -> str:
    """Drop a picture, and let the service go on with it in the background; returns the job's id."""
    give(page, "drop", "cup & saucer.png", image, "image/png")
    page.get_by_role("button", name="In the background").click()
    expect(page.get_by_role("heading", name="You can close this page")).to_be_visible()
    return page.url.partition("#job=")[2].partition("&")[0]


def state(server: Server, job: str) -> str:
    status: str = httpx.get(f"{server.url}/jobs/{job}").json()["status"]
    return status


def test_a_closed_page_finds_its_picture_again(tiles: Server, open_page: OpenPage) -> None:
    """By its address, in another browser, and in a list. The page that stayed compares."""
    page = open_page(tiles.url)
    hand_in(page)
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
    expect(page.locator("#remembered")).to_be_hidden()


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
    """It goes to the background by itself, and is followed while the service is restarted."""
    slow = start_server(UPSCALER_TILE="32", UPSCALER_TIMEOUT="0.5", UPSCALER_STREAM_TIMEOUT="0.5")
    page = open_page(slow.url, allowed="Failed to load resource")
    give(page, "drop", "cup.png", LARGE, "image/png")
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


@pytest.mark.parametrize("job", ["01jdj0000000000000000000ab", "../models", "%00"])
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


def test_without_jobs(start_server: StartServer, open_page: OpenPage) -> None:
    server = start_server(UPSCALER_TILE="32", UPSCALER_JOBS_STORE="")
    page = open_page(f"{server.url}/#job=01jdj0000000000000000000ab")
    expect(page.locator("#empty")).to_be_visible()
    give(page, "drop", "cup.png", LARGE, "image/png")
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    expect(page.get_by_role("button", name="In the background")).to_be_hidden()
