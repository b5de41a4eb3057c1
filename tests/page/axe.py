"""What axe finds on a page."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def check(page: Page) -> None:
    """It finds no violation of any of its rules."""
    report = Axe().run(page)
    assert report.violations_count == 0, report.generate_report()
