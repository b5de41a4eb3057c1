"""Accessibility: keyboard, screen reader, phone, light and dark. `make test-page` runs this."""

import re

import numpy as np
import pytest
from axe import check_light_and_dark
from browsers import PHONE, OpenPage, done, give, wait_for_progress
from conftest import Server, encoded, opened, photograph
from playwright.sync_api import expect


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_axe_finds_nothing(tiles: Server, open_page: OpenPage, size: str) -> None:
    """Empty, working, done, zoomed, failed."""
    options = {"viewport": PHONE, "has_touch": True, "is_mobile": True} if size == "phone" else {}
    page = open_page(tiles.url, **options)
    check_light_and_dark(page)
    give(page, "drop", "large.png", encoded(photograph(1200, 1600)), "image/png")
    wait_for_progress(page)
    check_light_and_dark(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Fur").click()
    done(page)
    check_light_and_dark(page)
    page.get_by_role("button", name="400 %").click()
    check_light_and_dark(page)
    give(page, "drop", "notes.txt", b"text", "text/plain")
    expect(page.get_by_role("alert")).not_to_be_empty()
    check_light_and_dark(page)


def test_by_keys_alone(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)

    def reach(name: str) -> None:
        for _ in range(20):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.textContent.trim() || document.activeElement.id") == name:
                assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
                return
        raise AssertionError(f"{name} is not reached")

    reach("Face")
    page.keyboard.press("Enter")
    done(page)
    expect(page.get_by_role("button", name="Download")).to_be_focused()
    reach("200 %")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="200 %")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("slider")).to_be_focused()
    page.keyboard.press("+")
    expect(page.get_by_role("button", name="400 %")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("End")
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuenow", "100")
    reach("Another picture")
    page.keyboard.press("Enter")
    expect(page.locator("#file")).to_be_focused()


def test_what_a_screen_reader_says(tiles: Server, open_page: OpenPage) -> None:
    """Some steps, not every tile."""
    page = open_page(tiles.url)
    page.evaluate(
        """() => {
          window.said = [];
          const announcer = document.getElementById("announcer");
          new MutationObserver(() => window.said.push(announcer.textContent)).observe(announcer, {childList: true});
        }"""
    )
    give(page, "drop", "cup.png", encoded(photograph(450, 600)), "image/png")  # some 270 tiles
    done(page)
    said = page.evaluate("window.said")
    assert re.match(r"Sending cup\.png\. 600 × 450 px become 1,200 × 900 px, in about ", said[0])
    assert re.match(r"Enlarging cup\.png\. To 1,200 × 900 px, about ", said[1])
    assert said[-1].startswith("600 × 450 px became 1,200 × 900 px. PNG, ")
    assert [each for each in said[2:-1] if not re.match(r"\d{2,3} %, ", each)] == []
    assert len(said) <= 12


def test_on_a_phone(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url, viewport=PHONE, has_touch=True, is_mobile=True, device_scale_factor=2)

    def fits() -> None:
        assert page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]") == [
            PHONE["width"],
            PHONE["height"],
        ]
        # The samples scroll sideways.
        for button in page.locator(":is(button, label, select):visible:not(#samples *)").all():
            place = button.bounding_box()
            assert place is not None
            assert place["x"] >= 0
            assert place["x"] + place["width"] <= PHONE["width"]
            assert min(place["width"], place["height"]) >= 32

    fits()
    page.get_by_role("button", name="Coffee").tap()
    done(page)
    fits()
    # A finger takes the handle along.
    place = page.locator("svg.handle").bounding_box()
    assert place is not None
    x, y = place["x"] + 20, place["y"] + 20
    touch = page.context.new_cdp_session(page)
    for kind, points in (
        ("touchStart", [{"x": x, "y": y}]),
        ("touchMove", [{"x": x - 40, "y": y}]),
        ("touchMove", [{"x": x - 84, "y": y}]),
        ("touchEnd", []),
    ):
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuenow", "25")


LOW = [(375, 667, True), (360, 640, True), (360, 740, True), (360, 740, False), (1280, 560, False)]


@pytest.mark.parametrize(("width", "height", "has_touch"), LOW)
@pytest.mark.parametrize("language", ["en", "de", "zh", "es"])
def test_the_empty_page_is_seen_at_once(
    server: Server, open_page: OpenPage, width: int, height: int, has_touch: bool, language: str
) -> None:
    """On low screens the samples scroll sideways, and a part of one shows that they do."""
    size = {"width": width, "height": height}
    page = open_page(server.url, locale=language, viewport=size, has_touch=has_touch, is_mobile=has_touch)
    expect(page.locator("html")).to_have_attribute("lang", language)
    page.locator("#quality").scroll_into_view_if_needed()
    for part in ("#empty", "#samples"):
        assert page.locator(part).evaluate("(box) => box.scrollHeight - box.clientHeight") == 0
    assert page.evaluate("document.documentElement.scrollHeight") == height
    places = [button.bounding_box() for button in page.locator("#samples button").all()]
    assert len({place["y"] for place in places if place}) == 1
    if width < 700:
        assert [place for place in places if place and place["x"] < width - 30 < place["x"] + place["width"]]
    last = page.locator("#samples button").last
    last.scroll_into_view_if_needed()
    expect(last).to_be_in_viewport(ratio=1)


@pytest.mark.firefox
def test_dark_pages_have_no_white_scrollbars(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url, color_scheme="dark", viewport={"width": 360, "height": 500})
    empty = page.locator("#empty")
    assert empty.evaluate("(box) => box.scrollHeight > box.clientHeight")
    shown = np.asarray(opened(empty.screenshot()).convert("L"))
    assert shown[20:-20, -14:].max() < 200


def test_no_motion_for_those_who_want_none(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url, reduced_motion="reduce")
    assert page.evaluate("getComputedStyle(document.getElementById('drop')).transitionDuration") == "0s"
