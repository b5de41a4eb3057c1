"""Sizes, models, addresses, keys of the comparison. `make test-page` runs this."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from browsers import OpenPage, done, downloaded, give
from conftest import Server, StartServer, encoded, opened, photograph
from playwright.sync_api import Page, expect

PICTURE = encoded(photograph(30, 40))

DROP_TEXT = """([kind, type, text]) => {
  const data = new DataTransfer();
  data.setData(type, text);
  const options = {bubbles: true, cancelable: true};
  const event = kind === "paste" ? new ClipboardEvent(kind, options)
                                 : new DragEvent(kind, {dataTransfer: data, ...options});
  if (kind === "paste") Object.defineProperty(event, "clipboardData", {value: data}); // as in `browsers.FILES`
  document.body.dispatchEvent(event);
}"""


@pytest.fixture(scope="module")
def picture_url() -> Iterator[str]:
    """The address of a picture on another server."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "image/png")
            self.send_header("Content-Length", str(len(PICTURE)))
            self.end_headers()
            self.wfile.write(PICTURE)

        def log_request(self, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.2", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.2:{server.server_port}/tea%20cup.png"
        server.shutdown()


@pytest.fixture(scope="module")
def fetching(start_server: StartServer) -> Server:
    """A service that fetches images, and has a second model."""
    return start_server(
        UPSCALER_URL_HOSTS="*", UPSCALER_PRIVATE_NETWORKS="127.0.0.2/32", UPSCALER_MODELS="noise-cancel-small"
    )


@pytest.mark.parametrize(("kind", "type_"), [("drop", "text/uri-list"), ("paste", "text/plain")])
def test_an_address(fetching: Server, open_page: OpenPage, picture_url: str, kind: str, type_: str) -> None:
    """The service fetches it; it is neither stored nor shown in the page's address."""
    page = open_page(fetching.url)
    page.evaluate(DROP_TEXT, [kind, type_, f"{picture_url}#fragment"])
    name, data = downloaded(page, done(page))
    assert name == "tea cup-enlarged.png"
    assert data == fetching.upscale(PICTURE).content
    expect(page.locator("#headline")).to_have_text("Now 80 × 60 px")


@pytest.mark.parametrize("text", ["tea cup", "ftp://127.0.0.1/cup.png", "javascript:alert(1)", "http://"])
def test_what_is_no_address(fetching: Server, open_page: OpenPage, text: str) -> None:
    page = open_page(fetching.url)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    page.evaluate(DROP_TEXT, ["drop", "text/plain", text])
    expect(page.get_by_role("alert")).to_contain_text("This is not a file")
    assert [url for url in sent if "/upscale" in url] == []


def test_addresses_are_not_taken_where_the_service_fetches_none(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    page.evaluate(DROP_TEXT, ["drop", "text/plain", "http://127.0.0.1/cup.png"])
    expect(page.get_by_role("alert")).to_contain_text("This is not a file")
    expect(page.get_by_label("Model")).to_be_hidden()


def test_another_model_and_size(fetching: Server, open_page: OpenPage) -> None:
    page = open_page(fetching.url)
    model = page.get_by_label("Model")
    expect(model).to_be_visible()
    model.select_option("noise-cancel-small")
    page.get_by_label("Size").select_option("3")
    give(page, "drop", "cup.png", PICTURE, "image/png")
    _, data = downloaded(page, done(page))
    assert opened(data).size == (120, 90)
    assert data == fetching.upscale(PICTURE, scale="3", model="noise-cancel-small").content


@pytest.mark.parametrize(("given", "used"), [("0", "2000"), ("", "2000"), ("1.5", "2000"), ("77", "77")])
def test_a_width_is_a_whole_number(server: Server, open_page: OpenPage, given: str, used: str) -> None:
    page = open_page(server.url)
    page.get_by_label("Size").select_option("")
    width = page.get_by_label("Width in px")
    width.press("Delete")  # what is there is selected
    width.press_sequentially(given)
    width.press("Tab")
    expect(width).to_have_value(used)


def place(page: Page) -> str | None:
    return page.get_by_role("slider").get_attribute("aria-valuenow")


@pytest.mark.firefox
def test_keys_work_wherever_the_focus_is(server: Server, open_page: OpenPage) -> None:
    """But in fields, where they are for typing."""
    page = open_page(server.url)
    give(page, "drop", "cup.png", PICTURE, "image/png")
    expect(done(page)).to_be_focused()
    expect(page.get_by_role("button", name="100 %")).to_have_attribute("aria-pressed", "true")  # it is small
    page.keyboard.press("ArrowLeft")
    assert place(page) == "45"
    page.keyboard.press("Home")
    assert place(page) == "0"
    page.keyboard.press("+")
    expect(page.get_by_role("button", name="200 %")).to_have_attribute("aria-pressed", "true")
    page.get_by_label("Save as").focus()
    page.keyboard.press("0")
    page.keyboard.press("End")
    expect(page.get_by_role("button", name="200 %")).to_have_attribute("aria-pressed", "true")
    assert place(page) == "0"


def test_fit_fills_the_stage(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    give(page, "drop", "cup.png", PICTURE, "image/png")
    done(page)
    page.get_by_role("button", name="Fit").click()
    stage, viewer = (page.locator(f"#{name}").bounding_box() for name in ("stage", "viewer"))
    assert stage is not None
    assert viewer is not None
    assert abs(stage["height"] - viewer["height"]) < 4
