"""Fixtures and helpers: a real browser with the page open.

Every test runs in Chromium; those marked `firefox` run in Firefox as well. `--browser firefox` runs all tests there,
though some need what Playwright can't do in Firefox.
"""

import base64
import shutil
import tempfile
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

FOLDER = tempfile.TemporaryDirectory(prefix="saved-")
SAVED = Path(FOLDER.name)  # by Firefox
# A mouse, which Firefox does not see without a screen; and dark colours, as Playwright can't set them for each page.
PREFERENCES: dict[str, str | float | bool] = {
    "ui.primaryPointerCapabilities": 6,
    "ui.allPointerCapabilities": 6,
    "layout.css.prefers-color-scheme.content-override": 0,
}
LAUNCH: dict[str, Callable[..., Browser]] = {
    # With a GPU, a process would emulate one.
    "chromium": lambda playwright, args=(), **options: playwright.chromium.launch(
        executable_path=shutil.which(SHELL), args=["--disable-gpu", *args], **options
    ),
    # By WebDriver BiDi, the standard that Firefox speaks as it is.
    "firefox": lambda playwright, **options: playwright.firefox.launch(
        channel="moz-firefox",
        executable_path=Path(__file__).with_name("firefox.py"),
        downloads_path=SAVED,
        firefox_user_prefs=PREFERENCES,
        **options,
    ),
}

# Playwright says the one, and Firefox says the other of the style `body {}` that Playwright adds for a screenshot.
EXPECTED = (
    "Service Worker registration blocked by Playwright",
    "'sha256-YjaKGiklmzC6wjXA513HAMmzus8VE61XCOT+SmwNZWA='",
)
# Playwright's own wait_for_function needs eval(), which the page's policy forbids.
FILES = """({files, kind}) => {
  const data = new DataTransfer();
  for (const {name, type, base64} of files) {
    data.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name, {type}));
  }
  const options = {bubbles: true, cancelable: true};
  const event = kind === "paste" ? new ClipboardEvent(kind, options)
                                 : new DragEvent(kind, {dataTransfer: data, ...options});
  // Firefox leaves the files out of the copy that its constructor makes.
  if (kind === "paste") Object.defineProperty(event, "clipboardData", {value: data});
  document.body.dispatchEvent(event);
}"""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--browser", choices=("chromium", "firefox"), help="run all tests of the page in this browser only"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "browser" in metafunc.fixturenames:
        usual = ("chromium", "firefox") if metafunc.definition.get_closest_marker("firefox") else ("chromium",)
        only = metafunc.config.getoption("browser")
        metafunc.parametrize("browser", (only,) if only else usual, indirect=True, scope="session")


@pytest.fixture(scope="session")
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = LAUNCH[request.param](playwright)
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
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Open an address in a new window. Errors and warnings on the console fail the test at its end."""
    pages: list[Page] = []
    complaints: list[str] = []

    def open_(url: str, allowed: str | None = None, **options: Any) -> Page:
        # What a worker answers, no test can.
        page = browser.new_context(**{"viewport": DESKTOP, "service_workers": "block", **options}).new_page()
        page.set_default_timeout(TIMEOUT)

        def hear(kind: str, text: str) -> None:
            if kind in ("error", "warning") and not (allowed and allowed in text):
                complain(text)

        def complain(text: str) -> None:
            if not any(each in text for each in EXPECTED):
                complaints.append(text)

        page.on("console", lambda message: hear(message.type, message.text))
        page.on("pageerror", lambda error: complain(str(error)))
        pages.append(page)
        page.goto(url)
        return page

    yield open_
    for page in pages:
        page.context.close()
    assert complaints == []


def is_firefox(page: Page) -> bool:
    return page.context.browser is not None and page.context.browser.browser_type.name == "firefox"


def give(page: Page, kind: str, name: str, data: bytes, media_type: str) -> None:
    """Drop or paste a file."""
    file = {"name": name, "type": media_type, "base64": as_base64(data)}
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


def is_saved() -> bool:
    """Whether Firefox has saved a file: until then there is an empty one, and another with the suffix `.part`."""
    files = list(SAVED.iterdir())
    return all(file.suffix != ".part" for file in files) and any(file.stat().st_size for file in files)


def downloaded(page: Page, button: Locator) -> tuple[str, bytes]:
    """Press the button; returns the file's name and bytes."""
    if is_firefox(page):  # Playwright does not hear of what a link saves
        button.click()
        wait_until(is_saved)
        (file,) = SAVED.iterdir()
        data = file.read_bytes()
        file.unlink()
        return file.name, data
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
