"""Pictures of the page for the documentation: animations of an enlargement and of four, and two screenshots.

make screenshots        (needs Debian's chromium; `make test-page` installs it)
"""

import io
import shutil
import time
from collections.abc import Sequence

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from benchmarks.service import running_service
from superscaling.settings import ROOT

TARGET = ROOT / "docs"
SIZE: ViewportSize = {"width": 960, "height": 640}  # of the window, px
PHONE: ViewportSize = {"width": 360, "height": 640}
FRAME = 60  # ms per frame of the animation
PAUSE = 1200  # ms, for frames to look at
DROPPED = ("coffee-artefacts.jpg", "face.jpg", "fur-texture.png", "text-and-lines.png")


def main() -> None:
    """Write docs/page.webp, docs/page-queue.webp, docs/page-compare.png and docs/page-phone.png."""
    with running_service(UPSCALER_TILE="48") as service, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        url = str(service.client.base_url)
        film(browser.new_page(viewport=SIZE), url)
        film_queue(browser.new_page(viewport=SIZE), url)
        compare(browser, url)
        browser.close()


def film(page: Page, url: str) -> None:
    """Record the empty page, an enlargement tile by tile, and the divider moving over the result."""
    page.goto(url)
    page.wait_for_timeout(500)
    frames = [(shot(page), PAUSE)]
    page.get_by_role("button", name="Coffee").click()
    download = page.get_by_role("button", name="Download")
    while not download.is_visible():
        frames.append((shot(page), FRAME))
    page.get_by_role("button", name="200 %").click()
    frames += compared(page)
    write(frames, "page.webp")


def film_queue(page: Page, url: str) -> None:
    """Record four pictures that are dropped at once, in real time, and one of the results: about 20 s."""
    page.goto(url)
    page.wait_for_timeout(500)
    frames = [(shot(page), 2 * PAUSE)]
    page.locator("#file").set_input_files([ROOT / "sample-images" / name for name in DROPPED])
    save = page.get_by_role("button", name="Download all")
    start = time.monotonic()
    while page.locator("#queue li[data-status=done]").count() < len(DROPPED):
        picture, end = shot(page), time.monotonic()
        frames.append((picture, round((end - start) * 1000)))
        start = end
    save.hover()
    frames.append((shot(page), 3 * PAUSE))
    page.get_by_role("button", name="Compare fur-texture.png").click()
    expect(page.get_by_role("slider")).to_be_visible()
    frames += compared(page, 2 * FRAME)
    page.get_by_role("button", name="Back to the list").click()
    page.wait_for_timeout(300)
    frames.append((shot(page), 3 * PAUSE))
    write(frames, "page-queue.webp")


def compared(page: Page, milliseconds: int = FRAME) -> list[tuple[Image.Image, int]]:
    """Frames of the divider that moves over the result, with their milliseconds."""
    slider = page.get_by_role("slider")
    frames = list[tuple[Image.Image, int]]()
    for share in (*range(50, 85, 3), *range(85, 15, -3), *range(15, 51, 3)):
        slider.evaluate("(slider, share) => { slider.value = share }", share)
        page.wait_for_timeout(120)  # for the transition
        frames.append((shot(page), milliseconds if share != 50 else PAUSE))
    return frames


def write(frames: Sequence[tuple[Image.Image, int]], name: str) -> None:
    """Write an animation."""
    pictures, milliseconds = zip(*frames, strict=True)
    target = TARGET / name
    pictures[0].save(
        target, save_all=True, append_images=pictures[1:], duration=milliseconds, loop=0, quality=60, method=6
    )
    report(target, pictures[0])


def compare(browser: Browser, url: str) -> None:
    """Take screenshots of comparisons: on a desktop at 400 %, and on a phone in dark mode."""
    desktop = browser.new_page(viewport=SIZE)
    phone = browser.new_page(viewport=PHONE, has_touch=True, is_mobile=True, color_scheme="dark")
    for page, name, zoom in ((desktop, "Fur", "400 %"), (phone, "Face", "Fit")):
        page.goto(url)
        page.get_by_role("button", name=name).click()
        expect(page.get_by_role("slider")).to_be_visible(timeout=60_000)
        page.get_by_role("button", name=zoom).click()
        page.evaluate("document.activeElement.blur()")
        page.mouse.move(0, 0)
        page.wait_for_timeout(500)
        picture = shot(page)
        target = TARGET / f"page-{'compare' if page is desktop else 'phone'}.png"
        picture.save(target, optimize=True)
        report(target, picture)


def shot(page: Page) -> Image.Image:
    """Take a screenshot of the window."""
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def report(target: object, picture: Image.Image) -> None:
    """Print the path and size of a written file."""
    print(f"{target}: {picture.width} x {picture.height} px")


if __name__ == "__main__":
    main()
