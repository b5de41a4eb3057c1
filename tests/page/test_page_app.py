"""The page as an app: installed, opened without a service, given what others share. `make test-page` runs this."""

import base64
import json
import shutil
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer

import httpx
import pytest
from browsers import OpenPage, done, wait_until
from conftest import QuietHandler, Server, StartServer, encoded, photograph
from playwright.sync_api import Browser, Page, expect

PNG = encoded(photograph(20, 30))
# Windows of apps can't be had without a screen, and Chromium emulates no display mode.
STANDALONE = """
  const ask = window.matchMedia.bind(window);
  window.matchMedia = (query) => query === "(display-mode: browser)" ? {matches: false} : ask(query);
"""
OFFLINE = "net::ERR_"
PREFIX = "/pictures"
# A form with a file, as the system posts what is shared, and as any site could.
POST = """({url, png}) => {
  const form = document.createElement("form");
  Object.assign(form, {action: url, method: "post", enctype: "multipart/form-data"});
  const input = Object.assign(document.createElement("input"), {type: "file", name: "image"});
  const data = new DataTransfer();
  const bytes = Uint8Array.from(atob(png), (c) => c.charCodeAt(0));
  data.items.add(new File([bytes], "cup & saucer.png", {type: "image/png"}));
  input.files = data.files;
  form.append(input);
  document.body.append(form);
  form.submit();
}"""


class Proxy(QuietHandler):
    """Serves the service at `target` below a path; everything else is another site."""

    target = ""

    def do_GET(self) -> None:
        """Pass it on, without the path."""
        status, headers, body = 200, {"Content-Type": "text/html"}, b"<!doctype html><title>Elsewhere</title><body>"
        if self.path.startswith(PREFIX):
            answer = httpx.get(self.target + self.path.removeprefix(PREFIX), timeout=60)
            names = ("Content-Type", "Content-Security-Policy", "Cache-Control")
            headers = {name: answer.headers[name] for name in names if name in answer.headers}
            status, body = answer.status_code, answer.content
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(scope="module")
def proxy(server: Server) -> Iterator[str]:
    """The address of a proxy in front of the service."""
    handler = type("ProxyOf", (Proxy,), {"target": server.url})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://localhost:{serving.server_port}"
        serving.shutdown()


def installed(open_page: OpenPage, url: str, allowed: str | None = None) -> Page:
    """A page whose worker is there."""
    page = open_page(url, allowed=allowed, service_workers="allow")
    wait_for_worker(page)
    return page


def wait_for_worker(page: Page) -> None:
    wait_until(lambda: page.evaluate("Boolean(navigator.serviceWorker.controller)"))


def test_browsers_find_nothing_that_keeps_it_from_being_installed(server: Server, browser: Browser) -> None:
    whole = browser.browser_type.launch(executable_path=shutil.which("chromium"))  # the shell can't install
    page = whole.new_page()
    page.goto(server.url)
    wait_for_worker(page)
    session = page.context.new_cdp_session(page)
    found = session.send("Page.getAppManifest")
    assert found["errors"] == []
    manifest = json.loads(found["data"])
    for icon in manifest["icons"]:
        sent = httpx.get(f"{server.url}/{icon['src']}").headers["Content-Type"]
        assert sent.partition(";")[0] == icon["type"]
    errors = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [each["errorId"] for each in errors if each["errorId"] != "in-incognito"] == []
    whole.close()


def test_it_opens_without_a_service(start_server: StartServer, open_page: OpenPage) -> None:
    """And says so; styles and scripts are there."""
    server = start_server()
    page = installed(open_page, server.url, OFFLINE)
    server.stop()
    page.reload()
    expect(page.locator("#headline")).to_have_text("The service can’t be reached")
    expect(page.get_by_role("heading", name="Image super-scaling")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(244, 244, 241)"


def test_below_a_path_of_a_proxy(proxy: str, open_page: OpenPage) -> None:
    page = installed(open_page, f"{proxy}{PREFIX}/", OFFLINE)
    worker = page.evaluate("navigator.serviceWorker.controller.scriptURL")
    assert worker == f"{proxy}{PREFIX}/app-worker.js"
    page.context.set_offline(True)
    page.reload()
    expect(page.locator("#headline")).to_have_text("The service can’t be reached")


@pytest.mark.parametrize("is_app", [True, False], ids=["the app", "a tab"])
def test_a_shared_picture(server: Server, proxy: str, open_page: OpenPage, is_app: bool) -> None:
    """In the app's window it is enlarged. In a tab it is dropped: another site may have sent it."""
    page = installed(open_page, server.url)
    asked: list[str] = []
    page.context.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
    page.goto(proxy)
    if is_app:
        page.add_init_script(STANDALONE)
    page.evaluate(POST, {"url": f"{server.url}/share", "png": base64.b64encode(PNG).decode()})
    page.wait_for_url(f"{server.url}/")
    if is_app:
        done(page)
        expect(page.locator("#headline")).to_contain_text("60 × 40")
    else:
        wait_until(lambda: page.evaluate("caches.has('shared').then((has) => !has)"))
        expect(page.locator("body")).to_have_attribute("data-state", "empty")
    assert any("/upscale" in each for each in asked) is is_app


def test_without_the_worker_nothing_is_taken(server: Server) -> None:
    headers = {"Sec-Fetch-Site": "none"}
    answer = httpx.post(f"{server.url}/share", files={"image": ("cup.png", PNG)}, headers=headers)
    assert answer.status_code == 404


def test_a_new_edition_replaces_what_was_kept(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url, service_workers="allow")
    page.evaluate("caches.open('page-of-old').then(() => true)")
    wait_until(lambda: page.evaluate("caches.keys()") != ["page-of-old"])
    wait_until(lambda: "page-of-old" not in page.evaluate("caches.keys()"))
    (name,) = page.evaluate("caches.keys()")
    assert f'"{name}"' in httpx.get(f"{server.url}/app-worker.js").text
