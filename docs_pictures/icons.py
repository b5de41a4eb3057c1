"""The icons of the page as an app, from its own icon.

make icons        (needs Debian's chromium; `make test-page` installs it)
"""

import re
import shutil

from playwright.sync_api import sync_playwright

from superscaling.settings import ROOT

TARGET = ROOT / "web" / "static"
SIZES = (192, 512)  # px
# A maskable icon may be cut to a circle of 80 % of its side (W3C, Web Application Manifest): its corners are filled,
# and what it shows is smaller.
MASKABLE, SHRUNK = 512, 0.8


def main() -> None:
    """Write web/static/app-icon-*.png."""
    icon = (TARGET / "icon.svg").read_text()
    field = re.sub(r' rx="8"', "", icon, count=1)
    inset = 16 * (1 - SHRUNK)
    start, rest = field.split("/>", 1)
    maskable = (
        f'{start}/><g transform="translate({inset} {inset}) scale({SHRUNK})">{rest.replace("</svg>", "</g></svg>")}'
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        pictures = {f"{size}": (icon, size) for size in SIZES} | {"maskable": (maskable, MASKABLE)}
        for name, (text, size) in pictures.items():
            page = browser.new_page(viewport={"width": size, "height": size})
            page.set_content(f"<style>body {{ margin: 0 }} svg {{ display: block; width: {size}px }}</style>{text}")
            target = TARGET / f"app-icon-{name}.png"
            page.screenshot(path=target, omit_background=True)
            print(target.relative_to(ROOT))
        browser.close()


if __name__ == "__main__":
    main()
