"""Results are saved in other formats and qualities without being enlarged again. `make test-page` runs this."""

import re

import pytest
from browsers import OpenPage, done, downloaded, give
from conftest import SAMPLES, Server, encoded, photograph
from playwright.sync_api import Page, expect

PICTURE = encoded(photograph(60, 80))


def requests_to(page: Page, part: str) -> list[str]:
    """The addresses with this part that the page asks from now on."""
    addresses = list[str]()
    page.on("request", lambda request: addresses.extend([request.url] * (part in request.url)))
    return addresses


def test_the_size_of_another_quality_is_seen_before_it_is_saved(server: Server, open_page: OpenPage) -> None:
    """The service converts what it keeps: the picture is enlarged once."""
    page = open_page(server.url)
    enlarged = requests_to(page, "/upscale")
    give(page, "drop", "cup.png", PICTURE, "image/png")
    done(page)
    expect(page.locator("#detail")).to_have_text(re.compile("^PNG, "))
    page.get_by_label("Save as").select_option("webp")
    expect(page.locator("#detail")).to_have_text(re.compile("^WebP, .* KB"))
    usual = page.locator("#detail").inner_text()
    page.get_by_label("Quality").select_option("40")
    expect(page.locator("#detail")).not_to_have_text(usual)
    expect(page.locator("#detail")).to_have_text(re.compile("^WebP, .* (KB|bytes)"))
    name, data = downloaded(page, done(page))
    assert name == "cup-enlarged.webp"
    assert data == server.upscale(PICTURE, format="webp", quality="40").content
    assert len(enlarged) == 1


def test_a_result_that_is_kept_no_longer_is_enlarged_again(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url, allowed="Failed to load resource")
    kept = requests_to(page, "/result?")
    page.route(
        "**/jobs/*/result?*",
        lambda route: route.continue_(url=re.sub("/jobs/[^/]+", f"/jobs/{'0' * 26}", route.request.url)),
    )
    give(page, "drop", "cup.png", PICTURE, "image/png")
    done(page)
    page.get_by_label("Save as").select_option("webp")
    expect(page.locator("#detail")).to_have_text(re.compile("^WebP, .* KB"))
    _, data = downloaded(page, done(page))
    assert data == server.upscale(PICTURE, format="webp").content
    assert len(kept) == 1


def test_a_quality_that_the_format_has_not_converts_nothing(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    converted = requests_to(page, "/result")
    page.get_by_label("Quality").select_option("80")
    give(page, "drop", "cup.png", PICTURE, "image/png")
    assert downloaded(page, done(page)) == ("cup-enlarged.png", server.upscale(PICTURE, quality="80").content)
    assert converted == []


@pytest.mark.parametrize("keeps", [True, False])
def test_the_usual_quality_again(server: Server, storeless: Server, open_page: OpenPage, keeps: bool) -> None:
    """After another one was chosen for the request."""
    service = server if keeps else storeless
    picture = (SAMPLES / "face.jpg").read_bytes()
    page = open_page(service.url)
    enlarged = requests_to(page, "/upscale")
    page.get_by_label("Quality").select_option("40")
    page.set_input_files("#file", SAMPLES / "face.jpg")
    assert downloaded(page, done(page))[1] == service.upscale(picture, quality="40").content
    page.get_by_label("Quality").select_option("usual")
    if not keeps:
        expect(page.locator("#headline")).to_have_text("JPEG takes another run")
    _, data = downloaded(
        page, page.get_by_role("button", name="Download" if keeps else "Enlarge and download", exact=True)
    )
    assert data == service.upscale(picture).content
    assert len(enlarged) == (1 if keeps else 2)
