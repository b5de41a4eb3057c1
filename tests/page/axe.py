"""The accessibility checker axe."""

from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

RUN = "(within) => axe.run(within ?? document, {resultTypes: ['violations']})"
# Media queries are heard of with the next frame; then colours may go over into others.
SETTLED = """() => new Promise(requestAnimationFrame).then(() => Promise.allSettled(
  document.getAnimations().filter((each) => each instanceof CSSTransition).map((each) => each.finished)
)).then(() => true)"""


def check(page: Page, within: str | None = None) -> None:
    """Assert that the page violates no rule; `within`: the selector of the only part that is looked at."""
    if not page.evaluate("'axe' in window"):  # half a megabyte
        page.evaluate(Axe().axe_script)
    report = AxeResults(page.evaluate(RUN, within))
    assert report.violations_count == 0, report.generate_report()


def check_light_and_dark(page: Page, within: str | None = None) -> None:
    """`check` in both colour schemes; ends with the light one."""
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        page.evaluate(SETTLED)
        check(page, within)
