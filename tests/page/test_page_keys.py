"""The page and /docs of a service that needs API keys. `make test-page` runs this."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from axe import check_light_and_dark
from browsers import PHONE, OpenPage, done, downloaded, give, wait_until
from conftest import ROOT, SAMPLES, Server, StartServer, encoded, opened, photograph
from playwright.sync_api import Locator, Page, Request, expect

PNG = encoded(photograph(40, 60))
LARGE = encoded(photograph(500, 600))
NO_KEY = "401"  # in what the browser logs of refused requests


@pytest.fixture(scope="module")
def keys_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys") / "keys"


@pytest.fixture(scope="module")
def key(keys_file: Path) -> str:
    command = [sys.executable, "-m", "superscaling.commands.keys", "new", "anna", "--never", "--file", str(keys_file)]
    made = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return made.stdout.strip()


@pytest.fixture(scope="module")
def keyed(start_server: StartServer, keys_file: Path, key: str) -> Server:
    """A service with a key, and with small tiles."""
    assert key.startswith("upsk_")
    return start_server(UPSCALER_API_KEYS_FILE=str(keys_file), UPSCALER_TILE="32")


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog", name="This service needs a key")


def enter(page: Page, text: str) -> None:
    """Wait for the dialog, and give a key."""
    field = dialog(page).get_by_label("API key")
    expect(field).to_be_focused()
    field.fill(text)
    page.keyboard.press("Enter")


def test_it_is_asked_for_once(keyed: Server, open_page: OpenPage, key: str) -> None:
    """A wrong one is asked for again; the right one serves until the tab is closed, or it is forgotten."""
    page = open_page(keyed.url, allowed=NO_KEY)
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))
    expect(page.get_by_role("button", name="Forget key")).to_be_hidden()
    give(page, "drop", "cup.png", PNG, "image/png")
    expect(dialog(page).get_by_role("alert")).to_be_hidden()
    enter(page, "upsk_12345678_wrong")
    expect(dialog(page).get_by_role("alert")).to_contain_text("doesn’t accept this key")
    expect(dialog(page).get_by_label("API key")).to_have_value("")
    enter(page, f"  {key} ")
    _, data = downloaded(page, done(page))
    expect(dialog(page)).to_be_hidden()
    assert opened(data).size == (120, 80)
    page.reload()
    give(page, "drop", "cup.png", PNG, "image/png")
    done(page)
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
    assert not [request.url for request in asked if key in request.url]
    assert {request.url.startswith((keyed.url, "blob:")) for request in asked} == {True}
    sent = [request for request in asked if re.search("/(upscale|estimate)", request.url)]
    assert [request.headers.get("authorization") for request in sent][2:] == [f"Bearer {key}"] * (len(sent) - 2)
    page.get_by_role("button", name="Forget key").click()
    expect(page.locator("#headline")).to_have_text("The key is forgotten")
    expect(page.get_by_role("button", name="Forget key")).to_be_hidden()
    assert page.evaluate("sessionStorage.length") == 0
    give(page, "drop", "cup.png", PNG, "image/png")
    expect(dialog(page)).to_be_visible()


@pytest.mark.parametrize("where", ["?key=", "?api_key=", "?access_token=", "#key="])
def test_a_key_in_an_address_is_none(keyed: Server, open_page: OpenPage, key: str, where: str) -> None:
    """It would be in histories and logs."""
    page = open_page(f"{keyed.url}/{where}{key}", allowed=NO_KEY)
    give(page, "drop", "cup.png", PNG, "image/png")
    expect(dialog(page)).to_be_visible()


@pytest.mark.firefox
@pytest.mark.parametrize("how", ["Escape", "Not now"])
def test_without_one(keyed: Server, open_page: OpenPage, key: str, how: str) -> None:
    page = open_page(keyed.url, allowed=NO_KEY)
    give(page, "drop", "cup.png", PNG, "image/png")
    expect(dialog(page)).to_be_visible()
    if how == "Escape":
        page.keyboard.press("Escape")
    else:
        page.get_by_role("button", name="Not now").click()
    alert = page.locator("#problem-words")
    expect(alert).to_contain_text("This service needs a key")
    expect(alert).to_contain_text("Ask whoever runs it for one")
    page.get_by_role("button", name="Try again").click()
    enter(page, key)
    done(page)


@pytest.mark.parametrize("text", ["", "  ", "two words", "schl\xfcssel", "emoji \U0001f511", "a\u2028b"])
def test_what_is_no_key(keyed: Server, open_page: OpenPage, text: str) -> None:
    """It is not sent: headers can't hold it."""
    page = open_page(keyed.url, allowed=NO_KEY)
    give(page, "drop", "cup.png", PNG, "image/png")
    expect(dialog(page)).to_be_visible()
    page.on("request", lambda request: pytest.fail(request.url))
    enter(page, text)
    expect(dialog(page).get_by_role("alert")).to_have_text(re.compile("This is no key|Enter a key"))
    expect(dialog(page).get_by_label("API key")).to_be_focused()


def test_what_is_pasted_into_it_is_not_for_the_page(keyed: Server, open_page: OpenPage) -> None:
    """The page takes pictures from the clipboard."""
    page = open_page(keyed.url, allowed=NO_KEY)
    give(page, "drop", "cup.png", PNG, "image/png")
    expect(dialog(page)).to_be_visible()
    page.evaluate(
        """() => document.getElementById("key-text").dispatchEvent(
          new ClipboardEvent("paste", {clipboardData: new DataTransfer(), bubbles: true}))"""
    )
    expect(page.locator("#headline")).to_have_text("Reading cup.png")


def test_requests_at_once_ask_once(keyed: Server, open_page: OpenPage, key: str) -> None:
    page = open_page(keyed.url, allowed=NO_KEY)
    page.evaluate(
        """() => {
          const ask = async () => (await (await import("/web/service.js")).request("models")).status;
          window.answers = Promise.all([ask(), ask(), ask()]);
        }"""
    )
    enter(page, key)
    assert page.evaluate("window.answers") == [200, 200, 200]
    expect(dialog(page)).to_be_hidden()


def test_another_picture_closes_it(keyed: Server, open_page: OpenPage, key: str) -> None:
    """And asks anew."""
    page = open_page(keyed.url, allowed=NO_KEY)
    give(page, "drop", "cup.png", PNG, "image/png")
    expect(dialog(page)).to_be_visible()
    give(page, "drop", "other.png", PNG, "image/png")
    expect(page.locator("#headline")).to_have_text("Reading other.png")
    enter(page, key)
    name, _ = downloaded(page, done(page))
    assert name == "other-enlarged.png"


def test_pictures_in_the_background(keyed: Server, open_page: OpenPage, key: str) -> None:
    """Events and results need the key as well, also in another tab, and for a result that is only saved."""
    page = open_page(keyed.url, allowed=NO_KEY)
    give(page, "drop", "cup.png", LARGE, "image/png")
    enter(page, key)
    page.get_by_role("button", name="In the background").click()
    expect(page.get_by_role("heading", name="You can close this page")).to_be_visible()
    address = page.url
    _, data = downloaded(page, done(page))
    other = open_page(keyed.url, allowed=NO_KEY)
    other.route(
        "**/web/jobs.js", lambda route: route.fulfill(response=route.fetch(), body=small_limit(route.fetch().text()))
    )
    other.goto(address)
    other.reload()
    enter(other, key)
    expect(other.locator("#detail")).to_contain_text("too large to be shown")
    assert downloaded(other, done(other)) == ("cup-enlarged.png", data)
    other.get_by_role("button", name="Forget key").click()
    other.get_by_role("button", name="Download").click()
    enter(other, key)
    expect(other.get_by_role("button", name="Download")).to_be_visible()
    other.get_by_role("button", name="Another picture").click()
    other.get_by_role("button", name="Delete cup.png").click()
    expect(other.locator("#headline")).to_have_text("cup.png is deleted")


def small_limit(script: str) -> str:
    """The script that shows no result above ten bytes."""
    changed = script.replace("64_000_000", "10")
    assert changed != script
    return changed


def test_a_revoked_key(start_server: StartServer, open_page: OpenPage, keys_file: Path, key: str) -> None:
    """The next request asks for another one."""
    own = keys_file.with_name("own")
    own.write_bytes(keys_file.read_bytes())
    server = start_server(UPSCALER_API_KEYS_FILE=str(own))
    page = open_page(server.url, allowed=NO_KEY)
    give(page, "drop", "cup.png", PNG, "image/png")
    enter(page, key)
    done(page)
    own.write_text("# nobody\n")

    def is_asked() -> bool:
        give(page, "drop", "cup.png", PNG, "image/png")
        expect(page.locator("#download:visible, #key-title:visible")).to_be_visible()
        return dialog(page).is_visible()

    wait_until(is_asked)
    expect(dialog(page).get_by_role("alert")).to_contain_text("doesn’t accept this key")


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_axe_finds_nothing(keyed: Server, open_page: OpenPage, key: str, size: str) -> None:
    """Asking, after a wrong key, with a key; and the dialog of /docs, without and with one."""
    options = {"viewport": PHONE, "has_touch": True, "is_mobile": True} if size == "phone" else {}
    page = open_page(keyed.url, allowed=NO_KEY, reduced_motion="reduce", **options)
    give(page, "drop", "cup.png", PNG, "image/png")
    expect(dialog(page)).to_be_visible()
    check_light_and_dark(page)
    enter(page, "wrong")
    expect(dialog(page).get_by_role("alert")).to_be_visible()
    check_light_and_dark(page)
    assert fits(page)
    enter(page, key)
    done(page)
    check_light_and_dark(page)
    assert fits(page)
    page.goto(f"{keyed.url}/docs")
    page.get_by_role("button", name="Authorize").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    check_light_and_dark(page)
    assert fits(page)
    authorize(page, key)
    check_light_and_dark(page)


def fits(page: Page) -> bool:
    fitting: bool = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    return fitting


def authorize(page: Page, key: str) -> None:
    """Give /docs the key, in the dialog that is open."""
    box = page.get_by_role("dialog")
    box.get_by_label("API key").first.fill(key)
    box.get_by_role("button", name="Apply credentials").first.click()
    expect(box.get_by_role("button", name="Remove authorization")).to_be_visible()


def test_docs(keyed: Server, open_page: OpenPage, key: str) -> None:
    """Its requests have the key, once it was given; it is forgotten with the page."""
    page = open_page(f"{keyed.url}/docs", allowed=NO_KEY)
    for expected in (401, 200):
        operation = page.locator(".opblock").filter(has=page.locator('[data-path="/upscale"]'))
        if expected == 401:
            operation.locator(".opblock-summary-control").click()
            operation.get_by_role("button", name="Try it out").click()
            operation.get_by_label("Request content type").select_option("image/jpeg")
            operation.get_by_label("The image file").first.set_input_files(SAMPLES / "face.jpg")
        with page.expect_response("**/upscale*") as answer:
            operation.get_by_role("button", name="Execute").click()
        assert answer.value.status == expected
        assert key not in answer.value.request.url
        if expected == 401:
            page.get_by_role("button", name="Authorize").first.click()
            authorize(page, key)
            page.keyboard.press("Escape")
            expect(page.get_by_role("dialog")).to_be_hidden()
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
