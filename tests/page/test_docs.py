"""The interface can be tried at /docs, under the page's policy. `make test-page` calls this."""

from chromium import OpenPage
from conftest import SAMPLES, Server, opened
from playwright.sync_api import expect


def test_a_picture_is_posted(server: Server, open_page: OpenPage) -> None:
    page = open_page(f"{server.url}/docs")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.locator("#operations-default-post_upscale .opblock-summary-control").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_label("Request content type").select_option("image/jpeg")
    page.locator("input[type=file]").set_input_files(SAMPLES / "face.jpg")
    page.get_by_label("Media Type", exact=True).first.select_option("image/jpeg")
    with page.expect_response("**/upscale*") as answer:
        page.get_by_role("button", name="Execute").click()
    assert answer.value.status == 200
    picture = page.locator(".live-responses-table img")
    expect(picture).to_be_visible()
    expect(picture).to_have_js_property("naturalWidth", 512)
    assert opened(server.upscale((SAMPLES / "face.jpg").read_bytes()).content).width == 512
    assert all(url.startswith((server.url, "blob:", "data:")) for url in asked)
    # In the dark as well.
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html")).to_have_class("dark-mode")
