"""The API can be tried at /docs, under the Content-Security-Policy of the page. `make test-page` runs this."""

import pytest
from axe import check_light_and_dark
from browsers import PHONE, OpenPage
from conftest import SAMPLES, Server, opened
from playwright.sync_api import Locator, Page, expect


def unfold(page: Page, path: str) -> Locator:
    """Unfold an operation."""
    operation = page.locator(".opblock").filter(has=page.locator(f'[data-path="{path}"]'))
    operation.locator(".opblock-summary-control").click()
    return operation


def post_a_face(operation: Locator) -> None:
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_label("Request content type").select_option("image/jpeg")
    operation.get_by_label("The image file").first.set_input_files(SAMPLES / "face.jpg")
    operation.get_by_label("Media Type", exact=True).first.select_option("image/jpeg")
    operation.get_by_role("button", name="Execute").click()


def test_a_picture_is_posted(server: Server, open_page: OpenPage) -> None:
    page = open_page(f"{server.url}/docs")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    operation = unfold(page, "/upscale")
    with page.expect_response("**/upscale*") as answer:
        post_a_face(operation)
    assert answer.value.status == 200
    expect(operation.get_by_alt_text("The answer")).to_have_js_property("naturalWidth", 512)
    assert opened(server.upscale((SAMPLES / "face.jpg").read_bytes()).content).width == 512
    assert all(url.startswith((server.url, "blob:", "data:")) for url in asked)
    # In the dark as well.
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html")).to_have_class("dark-mode")


@pytest.mark.parametrize("media_type", ["application/json", "multipart/form-data"])
def test_a_message_is_sent_as_it_is_proposed(server: Server, open_page: OpenPage, media_type: str) -> None:
    page = open_page(f"{server.url}/docs")
    operation = unfold(page, "/upscale")
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_label("Request content type").select_option(media_type)
    if media_type != "application/json":
        operation.get_by_label("The image file").first.set_input_files(SAMPLES / "face.jpg")
    with page.expect_response("**/upscale*") as answer:
        operation.get_by_role("button", name="Execute").click()
    assert (answer.value.status, answer.value.request.headers["content-type"].partition(";")[0]) == (200, media_type)


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_axe_finds_nothing(server: Server, open_page: OpenPage, size: str) -> None:
    """Folded, unfolded; then with an answer, with a failure and with the schemas, which are on the page together."""
    options = {"viewport": PHONE, "has_touch": True, "is_mobile": True} if size == "phone" else {}
    page = open_page(f"{server.url}/docs", allowed="422", reduced_motion="reduce", **options)
    expect(page.locator(".opblock")).to_have_count(16)
    check_light_and_dark(page)
    upscale = unfold(page, "/upscale")
    expect(upscale.get_by_text("Example Value").first).to_be_visible()
    check_light_and_dark(page, within=".opblock.is-open")
    post_a_face(upscale)
    expect(upscale.get_by_alt_text("The answer")).to_be_visible()
    assert page.viewport_size is not None
    assert page.evaluate("document.documentElement.scrollWidth") == page.viewport_size["width"]
    estimate = unfold(page, "/estimate")
    estimate.get_by_role("button", name="Try it out").click()
    for name in ("width", "height"):
        estimate.get_by_label(name, exact=True).fill("1000000")
    estimate.get_by_role("button", name="Execute").click()
    expect(estimate.get_by_text("image_too_large").first).to_be_visible()
    page.locator(".models").get_by_role("button", name="UpscaleInput").first.click()
    check_light_and_dark(page)
