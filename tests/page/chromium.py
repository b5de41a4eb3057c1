"""Fixtures and helpers: a real Chromium with the page open."""

import base64
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect, sync_playwright

if TYPE_CHECKING:  # pytest loads this plugin before that module
    from conftest import Server, StartServer

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 360, "height": 740}
TIMEOUT = 60_000  # ms, for an image on a slow machine
# Debian's Chromium without the parts around the page, which take four times the processor time of opening it.
SHELL = "chromium-headless-shell"

expect.set_options(timeout=TIMEOUT)

# Playwright says it.
NO_WORKER = "Service Worker registration blocked by Playwright"
# Playwright's own wait_for_function needs eval(), which the page's policy forbids.
FILES = """({files, kind}) => {
  const data = new DataTransfer();
  for (const {name, type, base64} of files) {
    data.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name, {type}));
  }
  const options = {bubbles: true, cancelable: true};
  document.body.dispatchEvent(
    kind === "paste" ? new ClipboardEvent(kind, {clipboardData: data, ...options})
                     : new DragEvent(kind, {dataTransfer: data, ...options}));
}"""


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # With it, a process would emulate a GPU.
        browser = playwright.chromium.launch(executable_path=shutil.which(SHELL), args=["--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def tiles(start_server: "StartServer") -> "Server":
    """A service with small tiles, so that there is progress to watch."""
    return start_server(UPSCALER_TILE="32")


@pytest.fixture(scope="session")
def storeless(start_server: "StartServer") -> "Server":
    """A service that keeps nothing: for another format, it enlarges again."""
    return start_server(UPSCALER_JOBS_STORE="")


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[OpenPage]:
    """Open an address in a new window. Errors and warnings on the console fail the test at its end."""
    pages: list[Page] = []
    complaints: list[str] = []

    def open_(url: str, allowed: str | None = None, **options: Any) -> Page:
        # What a worker answers, no test can.
        page = chromium.new_context(**{"viewport": DESKTOP, "service_workers": "block", **options}).new_page()
        page.set_default_timeout(TIMEOUT)

        def hear(kind: str, text: str) -> None:
            if kind in ("error", "warning") and text != NO_WORKER and not (allowed and allowed in text):
                complaints.append(text)

        page.on("console", lambda message: hear(message.type, message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        pages.append(page)
        page.goto(url)
        return page

    yield open_
    for page in pages:
        page.context.close()
    assert complaints == []


def give(page: Page, kind: str, name: str, data: bytes, media_type: str) -> None:
    """Drop or paste a file."""
    file = {"name": name, "type": media_type, "base64": base64.b64encode(data).decode()}
    page.evaluate(FILES, {"files": [file], "kind": kind})


def wait_until(condition: Callable[[], object], seconds: float = TIMEOUT / 1000) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def wait_for_progress(page: Page) -> None:
    """Wait until a part of the image is finished."""
    bar = page.get_by_role("progressbar")
    wait_until(lambda: (bar.get_attribute("value") or "0") > "0")


def done(page: Page) -> Locator:
    """Wait for the result; returns the download button."""
    button = page.get_by_role("button", name="Download", exact=True)
    expect(button).to_be_visible()
    return button


def downloaded(page: Page, button: Locator) -> tuple[str, bytes]:
    """Press the button; returns the file's name and bytes."""
    with page.expect_download() as download:
        button.click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def give_all(page: Page, *files: tuple[str, bytes], kind: str = "drop") -> None:
    """Drop or paste pictures together."""
    data = [{"name": name, "type": "image/png", "base64": as_base64(content)} for name, content in files]
    page.evaluate(FILES, {"files": data, "kind": kind})


def as_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def row(page: Page, name: str) -> Locator:
    return page.locator("#queue li").filter(has_text=name)


class Gate:
    """Holds the requests to enlarge, until it is opened."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.held: list[Route] = []
        self.is_open = False
        page.route("**/upscale?*", self._take)

    def _take(self, route: Route) -> None:
        if self.is_open:
            route.continue_()
        else:
            self.held.append(route)

    def wait_for(self, count: int) -> None:
        """Wait until so many requests are held."""

        def are_held() -> bool:
            self.page.wait_for_timeout(20)  # requests arrive meanwhile
            return len(self.held) == count

        wait_until(are_held)

    def open(self) -> None:
        self.is_open = True
        for route in self.held:
            route.continue_()


def finished(page: Page, text: str) -> None:
    """Wait until nothing is left to do."""
    expect(page.locator("#headline")).to_have_text(text)
    expect(page.locator("#progress")).to_be_hidden()
