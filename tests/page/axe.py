"""The accessibility checker axe."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def check(page: Page) -> None:
    """Assert that the page violates no rule."""
    report = Axe().run(page)
    assert report.violations_count == 0, report.generate_report()
