"""The page's words stand in one file for each language. `make test-page` runs this."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from axe import check
from browsers import PHONE, OpenPage, done, give
from conftest import Server, encoded, photograph
from playwright.sync_api import expect

from http_edge.pages import OFFERED, WEB
from superscaling import errors

STATIC = WEB / "static"
LANGUAGES = ("en", "de", "zh", "es")
PICTURE = encoded(photograph(30, 40))
# Names, which are the same in all languages, and what is read where nothing is translated.
UNTRANSLATED = {"Image super-scaling", "English", "Deutsch", "中文", "Español"}


STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`')
INSIDE = re.compile(r"\$\{.*?\}")  # code in a string of JavaScript


def messages(language: str) -> dict[str, Any]:
    text = (STATIC / f"messages/{language}.js").read_text()
    read: dict[str, Any] = json.loads(text.removeprefix("export default ").rstrip().removesuffix(";"))
    return read


def texts(message: str | dict[str, str]) -> list[str]:
    return [message] if isinstance(message, str) else list(message.values())


def placeholders(message: str | dict[str, str]) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", " ".join(texts(message))))


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_a_language_has_all_messages(language: str) -> None:
    english, own = messages("en"), messages(language)
    assert list(own) == list(english)
    for key, message in english.items():
        assert placeholders(own[key]) == placeholders(message), key
        assert isinstance(own[key], dict) == isinstance(message, dict), key
        assert all(texts(own[key])), key


def scripts() -> Iterator[tuple[str, str]]:
    """The page's scripts, without comments."""
    for path in sorted(STATIC.glob("*.js")):
        yield path.name, re.sub(r"/\*.*?\*/|(?<![:\"'])//[^\n]*", "", path.read_text(), flags=re.DOTALL)


def test_every_message_is_used_and_there() -> None:
    code = "\n".join(text for name, text in scripts() if name != "docs.js") + (WEB / "templates/index.html").read_text()
    used = set(re.findall(r"[\"'`](?:row-)?([\w-]+)[\"'`]", code)) | set(re.findall(r"[\"'`]([\w-]+)[\"'`]", code))
    # Families, of which the rest of the key is computed.
    families = ("title-", "detail-", "advice-", "kind-", "row-", "sample-", "size-times")
    english = messages("en")
    assert [key for key in english if key not in used and not key.startswith(families)] == []
    named = set(re.findall(r"\bt\(\"([\w-]+)\"", code)) | set(re.findall(r"data-(?:message|label)=\"([\w-]+)\"", code))
    assert sorted(named - set(english)) == []
    assert {f"sample-{title.lower()}" for title in OFFERED.values()} <= set(english)


def test_no_words_stand_in_scripts() -> None:
    """Two words in a row are a text. Errors of the page itself are for its authors."""
    for name, code in scripts():
        if name == "docs.js":
            continue
        code = re.sub(r"throw new Error\(.*\);|(querySelector(All)?|closest\?\.)\(.*?\)", "", code)
        found = [text for text in STRING.findall(code) if re.search("[A-Za-z]{2,} [A-Za-z]{2,}", INSIDE.sub("", text))]
        assert found == [], name


# Elements without content, which have no end tag, and shapes, whose end tag says nothing.
VOID = ("meta", "link", "img", "input", "br", "rect", "path", "circle")


class Words(HTMLParser):
    """Texts of the template, each with the message it has, if any."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str | None] = []
        self.found: list[tuple[str | None, str]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if "aria-label" in given:
            self.found.append((given.get("data-label"), given["aria-label"] or ""))
        if tag not in VOID:
            self.open.append("noscript" if tag in ("noscript", "script", "title") else given.get("data-message"))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if re.search(r"[^\W\d_]{2}", data) and "noscript" not in self.open:
            self.found.append((self.open[-1], data.strip()))


def test_the_template_says_in_english_what_its_messages_say(server: Server, open_page: OpenPage) -> None:
    """Without JavaScript it is read as it is."""
    page = open_page(server.url, java_script_enabled=False)
    english = messages("en")
    reader = Words()
    reader.feed(page.content())
    assert len(reader.found) > 50
    formats = {option.strip() for option in page.locator("#format option").all_inner_texts()}
    for key, text in reader.found:
        if key is None:
            assert text in UNTRANSLATED | formats, text
        elif not placeholders(english[key]):
            assert text == english[key]
    expect(page.locator(".noscript")).to_be_visible()


def test_titles_of_problems_are_the_services() -> None:
    """In English, the page says what the service says."""

    def below(kind: type[errors.ServiceError]) -> Iterator[type[errors.ServiceError]]:
        for each in kind.__subclasses__():
            yield each
            yield from below(each)

    kinds: list[type[errors.ServiceError]] = [errors.ServiceError, *below(errors.ServiceError)]
    titles = {kind.code: kind.title for kind in kinds}
    english = messages("en")
    said = {
        key.removeprefix("title-"): text for key, text in english.items() if re.match(r"title-\w*_|title-expired", key)
    }
    assert len(said) > 15
    assert said == {code: titles[code] for code in said}


@pytest.mark.parametrize(
    ("locale", "drop", "became"),
    [
        ("de-AT", "Bilder hier ablegen", "Aus 40 × 30 px wurden 80 × 60 px"),
        ("zh-CN", "将图片拖到这里", "40 × 30 px 变为 80 × 60 px"),
        ("es-MX", "Suelta imágenes aquí", "40 × 30 px pasaron a 80 × 60 px"),
        ("fi-FI", "Drop pictures here", "40 × 30 px became 80 × 60 px"),
    ],
)
def test_the_browsers_language(server: Server, open_page: OpenPage, locale: str, drop: str, became: str) -> None:
    page = open_page(server.url, locale=locale, viewport=PHONE)
    expect(page.get_by_text(drop)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    check(page)
    give(page, "drop", "cup.png", PICTURE, "image/png")
    expect(page.locator("#headline")).to_have_text(became)


@pytest.mark.firefox
def test_another_language_is_chosen(server: Server, open_page: OpenPage) -> None:
    """What is shown changes at once; the choice is kept."""
    page = open_page(server.url)
    give(page, "drop", "cup.png", PICTURE, "image/png")
    done(page)
    page.get_by_label("Language").select_option("de")
    expect(page.locator("#headline")).to_have_text("Aus 40 × 30 px wurden 80 × 60 px")
    expect(page.get_by_role("button", name="Herunterladen")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Bilder hier ablegen")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "de")


def test_a_failure_in_another_language(small_server: Server, open_page: OpenPage) -> None:
    """Pixels are counted in millions; what only the service can say is marked as English."""
    page = open_page(small_server.url, allowed="Failed to load resource", locale="de-DE")
    give(page, "drop", "large.png", encoded(photograph(200, 300)), "image/png")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Das Bild hat zu viele Pixel")
    expect(alert).to_contain_text("Das Bild hat 0,06 MP; angenommen werden bis zu 0,01 MP.")
    expect(page.locator("#headline")).to_have_text("large.png")
    page.get_by_role("button", name="Anderes Bild auswählen").click()
    give(page, "drop", "cut.png", PICTURE[:100], "image/png")
    expect(alert).to_contain_text("Das Bild ist unvollständig oder beschädigt")
    expect(alert.locator("p[lang=en]")).to_be_visible()
