"""The page as an app: installable, open without a service, and a target of shared pictures. `make test-page` runs this."""

import json
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer

import httpx
import pytest
from chromium import OpenPage, done, wait_until
from conftest import QuietHandler, Server, StartServer, encoded, photograph
from playwright.sync_api import Page, expect

PNG = encoded(photograph(20, 30))
STANDALONE = {"features": [{"name": "display-mode", "value": "standalone"}]}
OFFLINE = "net::ERR_"
PREFIX = "/pictures"
# A form with a file, as the system posts what is shared, and as any site could.
POST = """(url) => {
  const form = Object.assign(document.createElement("form"), {action: url, method: "post", enctype: "multipart/form-data"});
  const input = Object.assign(document.createElement("input"), {type: "file", name: "image"});
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from(atob(PNG), (c) => c.charCodeAt(0))], "cup & saucer.png", {type: "image/png"}));
  input.files = data.files;
  form.append(input);
  document.body.append(form);
  form.submit();
}"""


class Proxy(QuietHandler):
    """Serves the service below a path, and pages of another site elsewhere."""

    target = ""

    def do_GET(self) -> None:
        """Pass it on, without the path."""
        if not self.path.startswith(f"{PREFIX}/"):
            self.answer(200, "text/html", b"<!doctype html><title>Elsewhere</title><body>")
            return
        answer = httpx.get(self.target + self.path.removeprefix(PREFIX), timeout=60)
        self.answer(answer.status_code, answer.headers["Content-Type"], answer.content, dict(answer.headers))

    def answer(self, status: int, kind: str, body: bytes, headers: dict[str, str] | None = None) -> None:
        """Send an answer."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name in ("content-security-policy",):
            if headers and name in headers:
                self.send_header(name, headers[name])
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(scope="module")
def proxy(server: Server) -> Iterator[str]:
    """The address of a proxy in front of the service."""
    handler = type("ProxyOf", (Proxy,), {"target": server.url})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()


def installed(open_page: OpenPage, url: str, allowed: str | None = None) -> Page:
    """A page whose worker is there."""
    page = open_page(url, allowed=allowed, service_workers="allow")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    wait_until(lambda: page.evaluate("Boolean(navigator.serviceWorker.controller)"))
    return page


def test_browsers_find_nothing_that_keeps_it_from_being_installed(server: Server, open_page: OpenPage) -> None:
    page = installed(open_page, server.url)
    session = page.context.new_cdp_session(page)
    found = session.send("Page.getAppManifest")
    assert found["errors"] == []
    manifest = json.loads(found["data"])
    for icon in manifest["icons"]:
        assert httpx.get(f"{server.url}/{icon['src']}").headers["Content-Type"] == icon["type"]
    errors = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [each["errorId"] for each in errors] in ([], ["in-incognito"])


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
    assert page.evaluate("navigator.serviceWorker.controller.scriptURL") == f"{proxy}{PREFIX}/app-worker.js"
    page.context.set_offline(True)
    page.reload()
    expect(page.locator("#headline")).to_have_text("The service can’t be reached")


def share(page: Page, url: str) -> None:
    """Post a picture to the app."""
    page.context.new_cdp_session(page).send("Emulation.setEmulatedMedia", STANDALONE)
    page.evaluate(POST.replace("PNG", json.dumps(base64_of(PNG))), f"{url}/share")
    page.wait_for_url(f"{url}/")


def base64_of(data: bytes) -> str:
    import base64

    return base64.b64encode(data).decode()


def test_a_shared_picture_is_enlarged(server: Server, open_page: OpenPage) -> None:
    page = installed(open_page, server.url)
    asked: list[str] = []
    page.context.on("request", lambda request: asked.append(request.url))
    page.goto("about:blank")
    share(page, server.url)
    done(page)
    expect(page.locator("#headline")).to_contain_text("60")
