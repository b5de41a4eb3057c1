"""Several pictures at once: a queue, and all results as one ZIP. `make test-page` runs this."""

import io
import zipfile

import pytest
from axe import check_light_and_dark
from browsers import PHONE, Gate, OpenPage, as_base64, done, downloaded, finished, give, give_all, row
from conftest import SAMPLES, Server, encoded, opened, photograph
from playwright.sync_api import expect

FIRST, SECOND = encoded(photograph(30, 40)), encoded(photograph(24, 36, 1))


@pytest.mark.firefox
def test_all_results_in_one_zip(server: Server, open_page: OpenPage) -> None:
    """Pictures of the same name have different names there; what is no picture takes nothing away."""
    page = open_page(server.url, allowed="Failed to load resource")
    broken = FIRST[: len(FIRST) // 2]
    give_all(page, ("cup.png", FIRST), ("cup.png", SECOND), ("Übung 1.png", FIRST), ("broken.png", broken))
    finished(page, "3 pictures are enlarged")
    expect(page.locator("#detail")).to_have_text("1 failed")
    expect(page).to_have_title("Done – Image super-scaling")
    assert "The picture is truncated or corrupt." in row(page, "broken.png").inner_text()
    name, data = downloaded(page, page.get_by_role("button", name="Download all"))
    assert name == "enlarged.zip"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["cup-enlarged.png", "cup-enlarged (2).png", "Übung 1-enlarged.png"]
        expected = [server.upscale(picture).content for picture in (FIRST, SECOND, FIRST)]
        assert [archive.read(each) for each in archive.infolist()] == expected
    name, data = downloaded(page, row(page, "Übung").get_by_role("button", name="Save"))
    assert (name, data) == ("Übung 1-enlarged.png", expected[2])


def test_a_row_is_compared_and_the_list_is_still_there(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    give_all(page, ("cup.png", FIRST), ("other.png", SECOND), kind="paste")
    finished(page, "2 pictures are enlarged")
    page.get_by_role("button", name="Compare other.png").click()
    expect(page.locator("#headline")).to_have_text("36 × 24 px became 72 × 48 px")
    assert downloaded(page, done(page))[0] == "other-enlarged.png"
    page.keyboard.press("Escape")
    expect(page.locator("#queue li")).to_have_count(2)
    give(page, "drop", "third.png", FIRST, "image/png")  # joins them
    finished(page, "3 pictures are enlarged")
    page.get_by_role("button", name="Start over").click()
    expect(page).to_have_title("Image super-scaling")
    page.locator("#recent").get_by_role("button", name="cup.png").click()  # the results of this tab
    expect(page.locator("#headline")).to_have_text("40 × 30 px became 80 × 60 px")
    expect(page.get_by_role("button", name="Back to the list")).to_be_hidden()


@pytest.mark.firefox
def test_two_at_a_time_and_cancel_and_retry(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    gate = Gate(page)
    give_all(page, *((f"{number}.png", FIRST) for number in range(4)))
    gate.wait_for(2)
    expect(row(page, "2.png")).to_contain_text("Waiting")
    page.get_by_role("button", name="Cancel 2.png").click()
    expect(row(page, "2.png")).to_contain_text("Cancelled")
    page.get_by_role("button", name="Cancel 0.png").click()  # its place is free
    gate.wait_for(3)
    expect(row(page, "3.png")).to_contain_text("Being enlarged")
    assert page.title() == "50 % – Image super-scaling"
    gate.open()
    finished(page, "2 pictures are enlarged")
    page.get_by_role("button", name="Try 0.png again").click()
    finished(page, "3 pictures are enlarged")


def test_options_apply_to_what_begins_afterwards(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    page.get_by_label("Size").select_option("3")
    page.get_by_label("Save as").select_option("jpeg")
    page.get_by_label("Quality").select_option("60")
    give_all(page, ("cup.png", FIRST), ("other.png", SECOND))
    finished(page, "2 pictures are enlarged")
    page.get_by_label("Size").select_option("")
    page.get_by_label("Width in px").press_sequentially("50")  # instead of what is there, which is selected
    page.keyboard.press("Tab")
    page.get_by_label("Save as").select_option("png")
    give(page, "drop", "third.png", FIRST, "image/png")
    finished(page, "3 pictures are enlarged")
    name, data = downloaded(page, page.get_by_role("button", name="Save cup.png"))
    assert (name, data) == ("cup-enlarged.jpg", server.upscale(FIRST, scale="3", format="jpeg", quality="60").content)
    _, data = downloaded(page, page.get_by_role("button", name="Save third.png"))
    assert opened(data).size == (50, 38)
    expect(page.get_by_label("Quality")).to_be_hidden()


def test_comparing_changes_nothing_for_those_that_wait(server: Server, open_page: OpenPage) -> None:
    """The format menu then has the format of the result; the others are still saved in their own."""
    page = open_page(server.url)
    gate = Gate(page)
    jpeg = (SAMPLES / "face.jpg").read_bytes()
    give_all(page, ("cup.png", FIRST), ("other.png", SECOND), ("face.jpg", jpeg))
    gate.wait_for(2)
    gate.held[0].continue_()
    page.get_by_role("button", name="Compare").first.click()
    expect(page.get_by_label("Save as")).to_have_value("png")
    gate.wait_for(3)
    assert "format" not in gate.held[2].request.url
    page.get_by_role("button", name="Back to the list").click()
    gate.held[1].continue_()
    gate.held[2].continue_()
    finished(page, "3 pictures are enlarged")
    assert downloaded(page, page.get_by_role("button", name="Save face.jpg"))[0] == "face-enlarged.jpg"


def test_the_menus_of_a_comparison_are_its_own(server: Server, open_page: OpenPage) -> None:
    """They say how the picture was saved; what is chosen there does not change what was chosen for the list."""
    page = open_page(server.url)
    format_, quality = page.get_by_label("Save as"), page.get_by_label("Quality")
    format_.select_option("jpeg")
    quality.select_option("60")
    give_all(page, ("cup.png", FIRST), ("other.png", SECOND))
    finished(page, "2 pictures are enlarged")
    format_.select_option("webp")
    quality.select_option("90")
    page.get_by_role("button", name="Compare cup.png").click()
    expect(format_).to_have_value("jpeg")
    expect(quality).to_have_value("60")
    name, data = downloaded(page, done(page))
    assert (name, data) == ("cup-enlarged.jpg", server.upscale(FIRST, format="jpeg", quality="60").content)
    quality.select_option("40")
    done(page)
    format_.select_option("png")
    done(page)
    page.get_by_role("button", name="Back to the list").click()
    expect(format_).to_have_value("webp")
    expect(quality).to_have_value("90")
    give(page, "drop", "third.png", FIRST, "image/png")
    finished(page, "3 pictures are enlarged")
    name, data = downloaded(page, page.get_by_role("button", name="Save third.png"))
    assert (name, data) == ("third-enlarged.webp", server.upscale(FIRST, format="webp", quality="90").content)


def test_axe_finds_nothing(server: Server, open_page: OpenPage) -> None:
    """On a phone, where it is narrowest: waiting, running, done, failed, and the results of the tab."""
    page = open_page(server.url, allowed="Failed", viewport=PHONE, has_touch=True, is_mobile=True)
    gate = Gate(page)
    give_all(page, *((f"{number}-{'long' * 20}.png", FIRST) for number in range(3)), ("broken.png", FIRST[:99]))
    gate.wait_for(2)
    check_light_and_dark(page)
    gate.open()
    finished(page, "3 pictures are enlarged")
    check_light_and_dark(page)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    page.get_by_role("button", name="Start over").click()
    check_light_and_dark(page)


def test_a_single_picture_of_several_ways(server: Server, open_page: OpenPage) -> None:
    """A file of an app that shares it is taken as a dropped one."""
    page = open_page(server.url)
    data = (SAMPLES / "face.jpg").read_bytes()
    code = """base64 => document.dispatchEvent(new CustomEvent("share", {detail: {files: [
      new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], "face.jpg", {type: "image/jpeg"})]}}))"""
    page.evaluate(code, as_base64(data))
    assert downloaded(page, done(page))[0] == "face-enlarged.jpg"
