"""Pages of other origins, and rebound names, in a real browser. `make test-page` runs this."""

import base64
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from browsers import SHELL, TIMEOUT, OpenPage, done, give
from conftest import QuietHandler, Server, StartServer, encoded, photograph
from playwright.sync_api import Browser, Page, expect

PNG = encoded(photograph(40, 60))
ANY = " "  # of what the browser logs of refused requests
# What pages of other sites may try. Results are the status that the page sees, or the name of its error.
FETCH = """async ({url, mode, headers}) => {
  const body = new FormData();
  body.append("image", new Blob([Uint8Array.from(atob(PNG), (c) => c.charCodeAt(0))], {type: "image/png"}), "a.png");
  try {
    const answer = await fetch(url, {method: "POST", mode, headers, body});
    const type = answer.headers.get("Content-Type");
    return [answer.type, answer.status, type, answer.headers.get("X-Upscaler-Model") !== null];
  } catch (error) {
    return error.name;
  }
}""".replace("PNG", repr(base64.b64encode(PNG).decode()))


@dataclass(frozen=True)
class Site:
    """A web site with one page: a form for the service, whose address is in `?action=`."""

    port: int
    origin: str


class Form(QuietHandler):
    """Serves the page."""

    def do_GET(self) -> None:
        """A form with a file, and an image."""
        page = (
            b'<!doctype html><title>Another site</title><link rel="icon" href="data:,">'
            b'<form method="post" enctype="multipart/form-data">'
            b'<input type="file" name="image"><button>Send</button></form>'
        )
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """Another site: 127.0.0.1 and localhost are two, whatever their ports."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Form)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Site(server.server_port, f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def allowing(start_server: StartServer, site: Site) -> Server:
    """A service that the other site may use, and that has a name."""
    return start_server(UPSCALER_ALLOW_ORIGINS=site.origin, UPSCALER_ALLOWED_HOSTS="upscale.test")


def ask(page: Page, server: Server, host: str, mode: str = "cors", **headers: str) -> Any:
    return page.evaluate(FETCH, {"url": f"http://{host}:{server.port}/upscale", "mode": mode, "headers": headers})


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"], ids=["another site", "another port"])
def test_a_page_that_may_not(server: Server, open_page: OpenPage, site: Site, host: str) -> None:
    """Neither read, nor make the service work: by script, by a form, by an image."""
    page = open_page(site.origin, allowed=ANY)
    before = worked(server)
    assert ask(page, server, host) == "TypeError"
    assert ask(page, server, host, **{"X-API-Key": "x"}) == "TypeError"
    # Without CORS the browser sends it at once, and hides what comes back.
    refused = crossed(server)
    assert ask(page, server, host, "no-cors") in (["opaque", 0, None, False], "TypeError")
    assert crossed(server) == refused + 1
    assert send_form(page, server, host) == 403
    expect(page.locator("body")).to_contain_text("cross_site")
    assert worked(server) == before


def test_a_page_that_may(allowing: Server, open_page: OpenPage, site: Site) -> None:
    page = open_page(site.origin, allowed=ANY)
    before = worked(allowing)
    assert ask(page, allowing, "localhost") == ["cors", 200, "image/png", True]
    assert ask(page, allowing, "localhost", **{"Idempotency-Key": "a", "X-Request-ID": "b"}) == [
        "cors",
        200,
        "image/png",
        True,
    ]
    assert ask(page, allowing, "localhost", Accept="text/csv")[1:3] == [406, "application/problem+json"]
    assert send_form(page, allowing, "localhost") == 200
    assert worked(allowing) == before + 3


def test_nothing_is_embedded(server: Server, open_page: OpenPage, site: Site) -> None:
    page = open_page(site.origin, allowed="ERR_BLOCKED_BY_RESPONSE")
    load = """url => new Promise((resolve) => {
      const image = new Image();
      [image.onload, image.onerror] = [() => resolve(true), () => resolve(false)];
      image.src = url;
    })"""
    assert page.evaluate(load, f"http://localhost:{server.port}/samples/face.jpg") is False


def test_a_link_leads_here(server: Server, open_page: OpenPage, site: Site) -> None:
    """From another site, to the page, which works."""
    page = open_page(site.origin)
    page.evaluate(
        """url => {
          const link = Object.assign(document.createElement("a"), {href: url, textContent: "Enlarge"});
          document.body.append(link);
        }""",
        f"http://localhost:{server.port}/",
    )
    page.get_by_role("link", name="Enlarge").click()
    page.wait_for_url(f"http://localhost:{server.port}/")
    give(page, "drop", "cup.png", PNG, "image/png")
    done(page)


def send_form(page: Page, server: Server, host: str) -> int:
    """Send the site's form to the service; returns the status."""
    url = f"http://{host}:{server.port}/upscale"
    page.evaluate("url => { document.forms[0].action = url }", url)
    page.locator("input").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": PNG})
    with page.expect_response(url) as answer:
        page.get_by_role("button", name="Send").click()
    return answer.value.status


def crossed(server: Server) -> int:
    """How many requests to enlarge were refused for the site that they came from. (Lines of the log come later.)"""
    text = httpx.get(f"{server.url}/metrics").text
    return sum(int(float(line.split()[1])) for line in text.splitlines() if 'code="cross_site"' in line)


def worked(server: Server) -> int:
    """How many pictures the service has enlarged."""
    text = httpx.get(f"{server.url}/metrics").text
    return sum(
        int(float(line.split()[1]))
        for line in text.splitlines()
        if line.startswith('upscaler_requests_total{model="noise') and 'status="200"' in line
    )


@pytest.fixture(scope="module")
def rebound(browser: Browser) -> Iterator[Browser]:
    """A browser for which names in .test are this machine, as an attacker's name server would have it."""
    rules = ["--host-resolver-rules=MAP *.test 127.0.0.1"]
    browser = browser.browser_type.launch(executable_path=shutil.which(SHELL), args=rules)
    yield browser
    browser.close()


def test_a_rebound_name_is_not_served(server: Server, rebound: Browser) -> None:
    page = rebound.new_page()
    answer = page.goto(f"http://attacker.test:{server.port}/")
    assert answer is not None
    assert answer.status == 421
    expect(page.locator("body")).to_contain_text("UPSCALER_ALLOWED_HOSTS")
    page.close()


def test_the_page_works_under_a_name(allowing: Server, rebound: Browser) -> None:
    """Over plain http, where browsers say nothing of sites, and `Origin` has to do."""
    page = rebound.new_page()
    page.set_default_timeout(TIMEOUT)
    page.goto(f"http://upscale.test:{allowing.port}/")
    with page.expect_request("**/upscale*") as asked:
        give(page, "drop", "cup.png", PNG, "image/png")
    done(page)
    assert "sec-fetch-site" not in asked.value.all_headers()
    assert asked.value.all_headers()["origin"] == f"http://upscale.test:{allowing.port}"
    page.close()
