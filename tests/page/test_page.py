"""What a visitor does: drop an image, watch, compare, save. `make test-page` runs this."""

import base64
import re

import httpx
import numpy as np
import pytest
from browsers import OpenPage, done, downloaded, give, wait_for_progress, wait_until
from conftest import SAMPLES, Server, encoded, opened, photograph
from PIL import Image
from playwright.sync_api import Page, expect

WATCH = """() => {
  const progress = document.getElementById("progress");
  const canvas = document.getElementById("canvas");
  window.seen = [];
  new MutationObserver(() => {
    if (!progress.hasAttribute("value")) return;
    window.seen.push(progress.value);
    if (progress.value > 0.4 && !window.halfway) window.halfway = canvas.toDataURL();
  }).observe(progress, {attributes: true, attributeFilter: ["value"]});
}"""


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(opened(data).convert("RGBA"))


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Mean, in levels."""
    return float(np.abs(one.astype(float) - other).mean())


def seen_at(page: Page) -> np.ndarray:
    """Return the pixels that the comparison shows."""
    return np.asarray(opened(page.locator("#viewer").screenshot()).convert("RGB"))


@pytest.mark.firefox
def test_dropped_and_sharpened_tile_by_tile(tiles: Server, open_page: OpenPage) -> None:
    page = open_page(tiles.url)
    page.evaluate(WATCH)
    picture = encoded(photograph(120, 160))
    expected = pixels(tiles.upscale(picture).content)
    give(page, "drop", "cup.png", picture, "image/png")
    button = done(page)
    seen = page.evaluate("window.seen")
    assert seen == sorted(seen)
    assert len(seen) > 5
    assert seen[-1] == 1
    halfway = pixels(base64.b64decode(page.evaluate("window.halfway").partition(",")[2]))
    assert halfway.shape == expected.shape
    plain = pixels(encoded(opened(picture).resize((320, 240), Image.Resampling.BICUBIC)))
    assert distance(halfway[:32], expected[:32]) < distance(halfway[:32], plain[:32]), "what is done is sharp"
    assert distance(halfway[-32:], expected[-32:]) > 2 * distance(halfway[-32:], plain[-32:]), "what is not, is not"
    name, data = downloaded(page, button)
    assert name == "cup-enlarged.png"
    assert np.array_equal(pixels(data), expected)


@pytest.mark.firefox
def test_pasted(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    give(page, "paste", "image.png", encoded(photograph(20, 30)), "image/png")
    done(page)
    expect(page.locator("#headline")).to_have_text("30 × 20 px became 60 × 40 px")


@pytest.mark.firefox
def test_saved_in_the_format_chosen_before(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    page.get_by_label("Save as").select_option("webp")
    page.set_input_files("#file", SAMPLES / "face.jpg")
    name, data = downloaded(page, done(page))
    assert name == "face-enlarged.webp"
    expected = server.upscale((SAMPLES / "face.jpg").read_bytes(), format="webp").content
    assert np.array_equal(pixels(data), pixels(expected))


def test_saved_in_a_format_chosen_after(storeless: Server, open_page: OpenPage) -> None:
    page = open_page(storeless.url)
    page.get_by_role("button", name="Face").click()
    done(page)
    page.get_by_label("Save as").select_option("png")
    expect(page.locator("#headline")).to_have_text("PNG takes another run")
    name, data = downloaded(page, page.get_by_role("button", name="Enlarge and download"))
    assert name == "face-enlarged.png"
    expected = storeless.upscale((SAMPLES / "face.jpg").read_bytes(), format="png").content
    assert np.array_equal(pixels(data), pixels(expected))
    name, _ = downloaded(page, done(page))  # now it is there
    assert name == "face-enlarged.png"


@pytest.mark.firefox
def test_the_divider(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    picture = encoded(photograph(150, 200))
    give(page, "drop", "cup.png", picture, "image/png")
    done(page)
    divider = page.get_by_role("slider")
    place = divider.bounding_box()
    assert place is not None
    assert (place["width"], place["height"]) == (400, 300)
    # By mouse, from anywhere.
    page.mouse.move(place["x"] + 300, place["y"] + 20)
    page.mouse.down()
    page.mouse.move(place["x"] + 100, place["y"] + 60, steps=5)
    page.mouse.up()
    expect(divider).to_have_attribute("aria-valuenow", "25")
    # By keys.
    divider.press("ArrowRight", delay=300)
    value = int(divider.get_attribute("aria-valuenow") or 0)
    assert value > 30
    divider.press("End")
    expect(divider).to_have_attribute("aria-valuetext", "100 % before, 0 % after")
    page.wait_for_timeout(300)  # the divider's way there
    before = seen_at(page)[:, :350]
    divider.press("Home")
    page.wait_for_timeout(300)
    after = seen_at(page)[:, 50:]
    expected = pixels(server.upscale(picture).content)[:, :, :3]
    assert np.array_equal(after, expected[:, 50:])
    plain = np.asarray(opened(picture).resize((400, 300), Image.Resampling.BICUBIC))[:, :350]
    assert distance(before, plain) < distance(before, expected[:, :350])


@pytest.mark.firefox
def test_zoom_to_pixels_and_move(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    page.get_by_role("button", name="Coffee").click()
    done(page)
    page.get_by_role("button", name="400 %").click()
    viewer = page.locator("#viewer")
    place = viewer.bounding_box()
    assert place is not None
    x, y = place["x"] + place["width"] / 4, place["y"] + place["height"] / 4
    middle = viewer.evaluate("(viewer) => viewer.scrollLeft")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 40, steps=4)
    page.mouse.up()
    assert viewer.evaluate("(viewer) => viewer.scrollLeft") == middle - 60
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuenow", "50")
    viewer.evaluate("(viewer) => viewer.scrollTo(0, 0)")
    page.get_by_role("slider").press("Home")
    page.wait_for_timeout(300)
    shown = seen_at(page)[100:140, 200:240]
    result = server.upscale((SAMPLES / "coffee-artefacts.jpg").read_bytes()).content
    part = np.asarray(opened(result).convert("RGB"))[25:35, 50:60]
    assert np.array_equal(shown, part.repeat(4, axis=0).repeat(4, axis=1))
    viewer.press("0")
    expect(page.get_by_role("button", name="Fit")).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("how", ["button", "Escape"])
def test_cancel(tiles: Server, open_page: OpenPage, how: str) -> None:
    page = open_page(tiles.url)
    give(page, "drop", "large.png", encoded(photograph(1200, 1600)), "image/png")
    wait_for_progress(page)
    expect(page.locator("#detail")).to_have_text(re.compile(r"^To 3,200 × 2,400 px, about \d+ (seconds|minutes) left"))
    if how == "button":
        page.get_by_role("button", name="Cancel").click()
    else:
        page.keyboard.press("Escape")
    expect(page.locator("#headline")).to_have_text("Cancelled")
    expect(page.locator("#drop")).to_be_visible()
    estimate = f"{tiles.url}/estimate?width=10&height=10"
    wait_until(lambda: httpx.get(estimate).json()["ahead"] == 0, 20)
    page.get_by_role("button", name="Logo").click()  # and the page goes on
    done(page)


def test_a_tiff_is_shown_by_its_tiles(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    picture = encoded(photograph(100, 140), "TIFF")
    give(page, "drop", "scan.tiff", picture, "image/tiff")
    button = done(page)
    expect(page.locator("#detail")).to_contain_text("this browser can’t show TIFF")
    expected = pixels(server.upscale(picture).content)
    page.get_by_role("slider").press("Home")
    page.wait_for_timeout(300)
    assert distance(seen_at(page)[:, 50:], expected[:, 50:, :3]) < 1.5, "tiles come as JPEG"
    name, data = downloaded(page, button)
    assert name == "scan-enlarged.tiff"
    assert np.array_equal(pixels(data), expected)


def test_what_can_not_be_shown_can_be_saved(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    picture = encoded(Image.fromarray(np.arange(0, 60_000, 100, dtype=np.uint16).reshape(20, 30)), "TIFF")
    give(page, "drop", "depth.tiff", picture, "image/tiff")
    name, data = downloaded(page, done(page))
    expect(page.get_by_role("slider")).to_be_hidden()
    assert (name, opened(data).mode) == ("depth-enlarged.tiff", "I;16")


def test_an_animation_stays_one(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    page.get_by_role("button", name="Animation").click()
    _, data = downloaded(page, done(page))
    assert data == server.upscale((SAMPLES / "bouncing-ball.gif").read_bytes()).content
    assert page.locator(".pane img").count() == 2, "both sides move"


def test_events_come_in_any_pieces(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    wire = ': heartbeat\n\nevent: tile\ndata: {"text": "é€"}\n\nevent: two\r\ndata: [1,\r\ndata: 2]\r\n\r\n'
    code = """async ([bytes, size]) => {
      const {readEvents} = await import("/web/events.js");
      const stream = new ReadableStream({start(sink) {
        for (let at = 0; at < bytes.length; at += size) sink.enqueue(new Uint8Array(bytes.slice(at, at + size)));
        sink.close();
      }});
      const events = [];
      for await (const event of readEvents(stream)) events.push(event);
      return events;
    }"""
    for size in (1, 2, 7, 1000):
        events = page.evaluate(code, [list(wire.encode()), size])
        assert events == [{"name": "tile", "data": {"text": "é€"}}, {"name": "two", "data": [1, 2]}]
