"""Failures are explained, with what to do. `make test-page` runs this."""

import os
import signal

import pytest
from browsers import OpenPage, done, downloaded, give, wait_for_progress
from conftest import SAMPLES, Server, StartServer, encoded, opened, photograph, taken_slot
from playwright.sync_api import Page, expect

PNG = encoded(photograph(40, 60))


PASTE_NOTHING = """() => document.body.dispatchEvent(
  new ClipboardEvent("paste", {clipboardData: new DataTransfer(), bubbles: true}))"""


def says(page: Page, *texts: str) -> None:
    alert = page.get_by_role("alert")
    for text in texts:
        expect(alert).to_contain_text(text)


@pytest.mark.parametrize(
    ("name", "data", "media_type", "texts"),
    [
        ("cut.png", PNG[: len(PNG) // 2], "image/png", ("truncated or corrupt", "save it again")),
        ("notes.png", b"no picture at all", "image/png", ("format is not supported", "Save it as JPEG")),
        ("empty.png", b"", "image/png", ("The file is empty", "choose another file")),
        ("notes.txt", b"text", "text/plain", ("This is not a picture", "text/plain", "Save it as JPEG")),
        ("large.png", encoded(photograph(200, 300)), "image/png", ("too many pixels", "Make the picture smaller")),
    ],
)
def test_a_picture_that_is_refused(
    small_server: Server,
    open_page: OpenPage,
    name: str,
    data: bytes,
    media_type: str,
    texts: tuple[str, ...],
) -> None:
    page = open_page(small_server.url, allowed="Failed to load resource")
    give(page, "drop", name, data, media_type)
    says(page, *texts)
    assert "UPSCALER_" not in page.get_by_role("alert").inner_text(), "settings are not the visitor's"
    expect(page.get_by_role("button", name="Try again")).to_be_hidden()
    page.get_by_role("button", name="Choose another picture").click()
    give(page, "drop", "cup.png", PNG, "image/png")
    done(page)


def test_too_large_is_seen_before_it_is_sent(small_server: Server, open_page: OpenPage) -> None:
    page = open_page(small_server.url)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    give(page, "drop", "large.png", bytes(200_001), "image/png")
    says(page, "The file is too large", "It is 200.001 KB; this service accepts up to 200.000 KB.")
    assert [url for url in sent if "/upscale" in url or "/estimate" in url] == []


@pytest.mark.firefox
def test_dropped_text_and_pasted_text(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    drop_nothing = """() => document.body.dispatchEvent(
      new DragEvent("drop", {dataTransfer: new DataTransfer(), bubbles: true, cancelable: true}))"""
    for action, title in ((drop_nothing, "This is not a file"), (PASTE_NOTHING, "no picture in the clipboard")):
        page.evaluate(action)
        says(page, title)
        page.keyboard.press("Escape")
        expect(page.locator("#problem")).to_be_hidden()


def test_what_is_no_picture_takes_nothing_away(tiles: Server, open_page: OpenPage) -> None:
    """Neither the work in progress nor a finished image is lost."""
    page = open_page(tiles.url)
    give(page, "drop", "cup.png", encoded(photograph(400, 500)), "image/png")
    wait_for_progress(page)
    give(page, "drop", "notes.txt", b"text", "text/plain")
    expect(page.locator("#headline")).to_have_text("This is not a picture")
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    done(page)
    give(page, "drop", "notes.txt", b"text", "text/plain")
    says(page, "This is not a picture", "The type of notes.txt is text/plain")
    page.get_by_role("button", name="Back to the picture").click()
    expect(page.get_by_role("slider")).to_be_visible()
    name, _ = downloaded(page, done(page))
    assert name == "cup-enlarged.png"


def test_a_busy_service_is_asked_again(start_server: StartServer, open_page: OpenPage) -> None:
    busy = start_server(UPSCALER_MAX_REQUESTS="1")
    page = open_page(busy.url, allowed="429")
    with taken_slot(busy):
        give(page, "drop", "cup.png", PNG, "image/png")
        says(page, "The service is busy")
        expect(page.locator("#countdown")).to_contain_text("Trying again automatically in")
        expect(page.get_by_role("button", name="Try again")).to_be_focused()
    done(page)


def test_a_service_that_went_away(start_server: StartServer, open_page: OpenPage) -> None:
    server = start_server()
    page = open_page(server.url, allowed="ERR_CONNECTION_REFUSED")
    server.stop()
    give(page, "drop", "cup.png", PNG, "image/png")
    says(page, "can’t be reached", "Check the network")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()


def test_a_service_that_dies_at_work(start_server: StartServer, open_page: OpenPage) -> None:
    server = start_server(UPSCALER_TILE="32")
    page = open_page(server.url, allowed="ERR_")
    give(page, "drop", "large.png", encoded(photograph(1200, 1600)), "image/png")
    wait_for_progress(page)
    page.evaluate(PASTE_NOTHING)  # what is under way goes on
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    os.kill(int(server.worker.name), signal.SIGKILL)
    says(page, "can’t be reached", "was lost before the picture was finished")
    server.wait()  # another worker
    page.get_by_role("button", name="Try again").click()
    wait_for_progress(page)
    page.keyboard.press("Escape")
    expect(page.locator("#headline")).to_have_text("Cancelled")


def test_a_service_that_is_stopped_at_work(start_server: StartServer, open_page: OpenPage) -> None:
    server = start_server(UPSCALER_TILE="32", UPSCALER_TIMEOUT="3")
    page = open_page(server.url)
    give(page, "drop", "large.png", encoded(photograph(1200, 1600)), "image/png")
    wait_for_progress(page)
    server.process.terminate()
    says(page, "The service is being stopped", "Try again in a moment")
    expect(page.get_by_role("button", name="Try again")).to_be_focused()
    assert server.process.wait(20) == 0


def test_a_format_that_can_not_hold_it(storeless: Server, open_page: OpenPage) -> None:
    """The finished image stays."""
    page = open_page(storeless.url, allowed="422")
    page.get_by_role("button", name="Logo", exact=True).click()
    done(page)
    page.get_by_label("Save as").select_option("jpeg")
    page.get_by_role("button", name="Enlarge and download").click()
    says(page, "can’t store the result", "PNG")
    page.get_by_role("button", name="Back to the picture").click()
    expect(page.get_by_role("slider")).to_be_visible()
    page.get_by_label("Save as").select_option("png")
    _, data = downloaded(page, done(page))
    assert data == storeless.upscale((SAMPLES / "transparent-logo.png").read_bytes()).content
    # The same from the start: with another format it goes on.
    page.get_by_role("button", name="Another picture").click()
    page.get_by_label("Save as").select_option("jpeg")
    page.get_by_role("button", name="Logo", exact=True).click()
    says(page, "can’t store the result")
    page.get_by_label("Save as").select_option("webp")
    page.get_by_role("button", name="Try again").click()
    _, data = downloaded(page, done(page))
    assert opened(data).format == "WEBP"
