"""Folders, chosen and dropped, with real files of the disk. `make test-page` runs this."""

from collections.abc import Callable
from pathlib import Path

import pytest
from browsers import Gate, OpenPage, finished
from conftest import Server, encoded, photograph
from playwright.sync_api import Page, expect

FIRST, SECOND = encoded(photograph(30, 40)), encoded(photograph(24, 36, 1))


def choose(page: Page, folder: Path) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a folder").click()
    chooser.value.set_files(folder)


def drop(page: Page, *paths: Path) -> None:
    """Drop files and folders of the disk. A script can't make a folder to drop; the browser's own protocol can."""
    browser = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        browser.send("Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 300, "data": data})


def fill(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def names(page: Page) -> list[str]:
    return page.locator("#queue li strong").all_inner_texts()


@pytest.mark.parametrize("give", [choose, drop])
def test_pictures_in_folders_inside(
    server: Server, open_page: OpenPage, tmp_path: Path, give: Callable[..., None]
) -> None:
    """What is no picture is counted; what is hidden is not even that."""
    folder = fill(tmp_path / "holiday", {"cup.png": FIRST, "notes.txt": b"text", ".DS_Store": b"Bud1", ".a.png": FIRST})
    fill(folder / "inside" / "deep", {"other.png": SECOND, "list.csv": b"1,2", "photo.heic": b"no picture"})
    fill(folder / ".thumbnails", {"cup.png": FIRST})
    page = open_page(server.url, allowed="Failed to load resource")
    give(page, folder)
    finished(page, "2 pictures are enlarged")
    assert sorted(names(page)) == ["cup.png", "other.png", "photo.heic"]
    expect(page.locator("#detail")).to_have_text("1 failed; 2 files are not pictures")


def test_more_than_the_browser_reads_at_once(server: Server, open_page: OpenPage, tmp_path: Path) -> None:
    """It gives 100 entries of a folder at a time."""
    folder = fill(tmp_path / "many", {f"{number:03}.png": FIRST for number in range(230)})
    page = open_page(server.url)
    gate = Gate(page)
    drop(page, folder)
    gate.wait_for(2)
    assert names(page) == [f"{number:03}.png" for number in range(230)]
    expect(page.locator("#headline")).to_have_text("0 of 230 pictures")
    page.get_by_role("button", name="Start over").click()


def test_folders_and_files_together(server: Server, open_page: OpenPage, tmp_path: Path) -> None:
    """In the order of their names."""
    folders = [fill(tmp_path / name, {f"{name}.png": SECOND}) for name in ("one", "three")]
    fill(tmp_path, {"two.png": FIRST})
    page = open_page(server.url)
    drop(page, *folders, tmp_path / "two.png")
    finished(page, "3 pictures are enlarged")
    assert names(page) == ["one.png", "three.png", "two.png"]


@pytest.mark.parametrize("files", [{}, {"notes.txt": b"text", ".cup.png": FIRST}], ids=["empty", "no pictures"])
@pytest.mark.parametrize("give", [choose, drop])
def test_nothing_to_enlarge(
    server: Server, open_page: OpenPage, tmp_path: Path, give: Callable[..., None], files: dict[str, bytes]
) -> None:
    """It is said, with what to do."""
    if give is choose and not files:
        files = {".keep": b""}  # a browser tells the page nothing of an empty folder that is chosen
    page = open_page(server.url)
    give(page, fill(tmp_path / "folder", files))
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("There are no pictures in the folder")
    expect(alert).to_contain_text("Choose or drop a folder with pictures in it")
    page.get_by_role("button", name="Choose another picture").click()
    expect(page.locator("#drop")).to_be_visible()
