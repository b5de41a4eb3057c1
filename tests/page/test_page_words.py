"""The page's words stand in one file for each language. `make test-page` runs this."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from axe import check
from browsers import PHONE, OpenPage, done, finished, give, give_all, row
from conftest import ROOT, Server, StartServer, encoded, photograph
from playwright.sync_api import Page, Route, expect

from http_edge.pages import OFFERED, WEB

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
    families = ("title-", "detail-", "advice-", "kind-", "row-", "sample-")
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


# Codes of the service that the page does not meet, and why.
NEVER_MET = {
    "unauthorized": "it asks for a key",
    "method_not_allowed": "it uses each route as it is meant",
    "not_acceptable": "it accepts what each route answers with",
    "request_timeout": "browsers send the head of a request at once",
    "not_finished": "it asks for results of jobs that are done",
    "job_failed": "the same",
    "job_cancelled": "the same",
    "precondition_failed": "it sends no If-Match",
    "range_not_satisfiable": "it sends no Range",
    "strength_not_offered": "it offers no strength",
    "idempotency_mismatch": "each of its keys is of one request",
    "webhook_not_allowed": "it names no webhook",
    "group_too_large": "it makes no groups",
}
TELLING = {"format_cannot_hold", "malformed_message", "unsupported_image_format", "unsupported_image_mode"}


def declared() -> dict[str, int]:
    """The codes of docs/http-api.md with their statuses. Another test looks there for all that the service raises."""
    rows = re.findall(r"^\| (\d{3}) \| (.*?) \|", (ROOT / "docs/http-api.md").read_text(), re.MULTILINE)
    return {code: int(status) for status, codes in rows for code in re.findall(r"`(\w+)`", codes)}


def test_every_code_has_words() -> None:
    """What went wrong, and what to do; `other` is for codes that come later."""
    english = messages("en")
    met = set(declared()) - set(NEVER_MET)
    assert set(NEVER_MET) < set(declared())
    for family in ("title", "advice"):
        assert {code for code in met if f"{family}-{code}" not in english} == set(), family
    own = {"progress", "done", "other"}
    said = {key.partition("-")[2] for key in english if re.match("(title|detail|advice)-", key)} - own
    assert {re.sub("-.*", "", code) for code in said} <= met


def wait_for_words(page: Page, language: str) -> None:
    """Only then the page listens to what is dropped."""
    expect(page.locator("#drop strong.for-pointers")).to_have_text(messages(language)["drop-here"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_problem_is_told_in_the_visitors_language(server: Server, open_page: OpenPage, language: str) -> None:
    """The service's own words stand below, marked as English, and only where they say more."""
    own, english = messages(language), "What the service says"
    page = open_page(server.url, allowed="Failed to load resource", locale=language)
    problem: dict[str, Any] = {}
    numbers = {"limit": 25_000_000, "actual": 60_000_000, "setting": "UPSCALER_MAX_PIXELS"}

    def refuse(route: Route) -> None:
        body = json.dumps({"title": "A title", "detail": english, "requestId": "0a1b", **numbers, **problem})
        route.fulfill(status=problem["status"], content_type="application/problem+json", body=body)

    page.route("**/upscale?*", refuse)
    wait_for_words(page, language)
    alert = page.get_by_role("alert")
    met = {code: status for code, status in declared().items() if code not in NEVER_MET}
    for code, status in {**met, "a_later_one": 422}.items():
        problem.update(code=code, status=status)
        give(page, "drop", "cup.png", PICTURE, "image/png")
        known = code if code in met else "other"
        expect(alert.get_by_role("heading")).to_have_text(own[f"title-{known}"])
        lines = alert.locator("p:not([lang])").all_inner_texts()
        assert sum(own[f"advice-{known}"] in line for line in lines) == 1, code
        assert ("0a1b" in " ".join(lines)) == (status >= 500), code
        assert not re.search(r"undefined|NaN|[{}]|A title|000", " ".join(lines)), lines
        said = [f"{english}."] if code in TELLING or code not in met else []
        assert alert.locator("p[lang=en]").all_inner_texts() == said, code
        page.keyboard.press("Escape")
        expect(page.locator("#problem")).to_be_hidden()


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (("image_too_large", 25e6, 60e6, "MAX_PIXELS"), "Es hat 60 MP; angenommen werden bis zu 25 MP."),
        (("image_too_large", 64e6, 64_144_128, "MAX_PIXELS"), "Es hat 64,1 MP; angenommen werden bis zu 64 MP."),
        (("image_too_large", 75e6, 90e6, "QUEUE_PIXELS"), "Speicher wie eines mit 90 MP; Platz ist für 75 MP."),
        (("result_too_large", 256e6, 1.6e9, "MAX_RESULT_PIXELS"), "Es hätte 1.600 MP; möglich sind bis zu 256 MP."),
        (("body_too_large", 20e6, 31e6, "MAX_BODY_BYTES"), "Sie hat 31 MB; dieser Dienst nimmt bis zu 20 MB an."),
        (("estimate_over_deadline", 90, 95.4, "TIMEOUT"), "etwa 95 Sekunden dauern; möglich sind bis zu 90 Sekunden."),
        (("deadline_passed", 600, None, "STREAM_TIMEOUT"), "nicht innerhalb von 10 Minuten fertig."),
        (("too_many_frames", 1000, None, "MAX_FRAMES"), "Angenommen werden bis zu 1.000."),
        (("result_too_small", 3e5, 4.2e5, "MAX_PIXELS"), "nur Bilder bis 0,3 MP; dieses hat 0,42 MP."),
        (("size_out_of_range", 320, 100_000, None), "höchstens 320 px möglich; gewählt sind 100.000 px."),
    ],
)
def test_numbers_are_in_peoples_units(
    server: Server, open_page: OpenPage, problem: tuple[str, float, float | None, str | None], text: str
) -> None:
    code, limit, actual, setting = problem
    document = {"title": "no", "detail": "no", "status": 422, "code": code, "limit": limit, "actual": actual}
    named = {"setting": f"UPSCALER_{setting}"} if setting else {}
    page = open_page(server.url, allowed="Failed to load resource", locale="de")
    page.route("**/upscale?*", lambda route: route.fulfill(status=422, body=json.dumps(document | named)))
    wait_for_words(page, "de")
    give(page, "drop", "cup.png", PICTURE, "image/png")
    expect(page.get_by_role("alert")).to_contain_text(text)
    expect(page.get_by_role("alert").locator("[lang]")).to_have_count(0)


@pytest.mark.parametrize(
    ("code", "limit", "actual", "setting"),
    [
        ("image_too_large", 64_000_000, 64_000_001, "MAX_PIXELS"),
        ("body_too_large", 67_108_864, 67_108_865, "MAX_BODY_BYTES"),
        ("estimate_over_deadline", 90, 90.2, "TIMEOUT"),
    ],
)
def test_numbers_that_look_the_same_are_left_out(
    server: Server, open_page: OpenPage, code: str, limit: float, actual: float, setting: str
) -> None:
    numbers = {"limit": limit, "actual": actual, "setting": f"UPSCALER_{setting}"}
    document = json.dumps({"status": 422, "code": code, "detail": "no", **numbers})
    page = open_page(server.url, allowed="Failed to load resource")
    page.route("**/upscale?*", lambda route: route.fulfill(status=422, body=document))
    give(page, "drop", "cup.png", PICTURE, "image/png")
    expect(page.get_by_role("alert").locator("p")).to_have_text([messages("en")[f"advice-{code}"]])


def test_a_result_that_would_be_smaller(start_server: StartServer, open_page: OpenPage) -> None:
    """Of a picture that only the background takes."""
    page = open_page(start_server(UPSCALER_MAX_PIXELS="300000").url, allowed="Failed to load resource", locale="de")
    wait_for_words(page, "de")
    page.locator("#size").select_option("")
    page.get_by_label("Breite in px").fill("300")
    give(page, "drop", "large.png", encoded(photograph(700, 600)), "image/png")
    page.get_by_role("button", name="Im Hintergrund vergrößern").click()
    alert = page.get_by_role("alert")
    expect(alert.get_by_role("heading")).to_have_text("Das Ergebnis wäre kleiner als das Bild")
    expect(alert).to_contain_text("Verkleinern lassen sich nur Bilder bis 0,3 MP; dieses hat 0,42 MP.")
    expect(alert.locator("[lang]")).to_have_count(0)


def test_a_limit_of_another_kind_is_said_by_the_service(server: Server, open_page: OpenPage) -> None:
    """Only `detail` has its unit."""
    detail = "the image's longer side is 70000 px; at most 65500 px are accepted: cut it into pieces"
    document = {"status": 422, "code": "image_too_large", "detail": detail, "limit": 65500, "actual": 70000}
    page = open_page(server.url, allowed="Failed to load resource", locale="es")
    page.route("**/upscale?*", lambda route: route.fulfill(status=422, body=json.dumps(document)))
    wait_for_words(page, "es")
    give(page, "drop", "cup.png", PICTURE, "image/png")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("La imagen tiene demasiados píxeles")
    expect(alert.locator("p[lang=en]")).to_contain_text("longer side")
    expect(alert.locator("p:not([lang])")).to_have_count(1)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"UPSCALER_JOBS_STORE": ""}, "The service stores nothing: pictures are enlarged in memory."),
        (
            {"UPSCALER_KEEP_MINUTES": "0", "UPSCALER_JOBS_KEEP": "12"},
            "The service stores only what it enlarges in the background, and deletes the results after 12 hours.",
        ),
        (
            {},
            "The service keeps results for 15 minutes, so that you can save them in other formats, and then deletes"
            " them; those from the background after 24 hours.",
        ),
    ],
    ids=["nothing", "background", "results"],
)
def test_what_the_service_stores(
    start_server: StartServer, open_page: OpenPage, settings: dict[str, str], text: str
) -> None:
    """It is said once, with and without JavaScript, in any language."""
    url = start_server(**settings).url
    for has_scripts in (True, False):
        page = open_page(url, java_script_enabled=has_scripts)
        expect(page.locator("#choosable")).to_have_text(re.compile(f"{re.escape(text)}$"))
    german = open_page(url, locale="de")
    expect(german.locator("#choosable")).to_contain_text("Der Dienst")


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


@pytest.mark.firefox
def test_failures_follow_the_language(server: Server, open_page: OpenPage) -> None:
    """On the card, with its buttons, and in the rows of the queue, whether or not it is open at that moment."""
    page = open_page(server.url, allowed="Failed to load resource")
    language = page.get_by_label(re.compile("Language|Sprache|语言"))
    alert = page.get_by_role("alert")
    give(page, "drop", "drawing.psd", b"8BPS\0\1" + bytes(100), "")
    expect(alert).to_contain_text("The image format is not supported")
    language.select_option("de")
    expect(alert.get_by_role("heading")).to_have_text("Das Bildformat wird nicht unterstützt")
    expect(alert).to_contain_text("Speichern Sie es als JPEG oder PNG")
    expect(alert.locator("p[lang=en]")).to_contain_text("Photoshop")
    page.get_by_role("button", name="Anderes Bild auswählen").click()
    language.select_option("zh")
    give_all(page, ("cup.png", PICTURE), ("cut.png", PICTURE[:100]))
    finished(page, "已放大 1 张图片")
    text = row(page, "cut.png").locator(".words span")
    expect(text).to_have_text("图片不完整或已损坏。请尝试用其他程序打开并重新保存。")
    german = (
        "Das Bild ist unvollständig oder beschädigt. Öffnen Sie es in einem anderen Programm und speichern Sie es neu."
    )
    language.select_option("de")
    expect(text).to_have_text(german)
    page.get_by_role("button", name="cup.png vergleichen").click()
    expect(page.get_by_role("button", name="Zurück zur Liste")).to_be_visible()
    language.select_option("en")
    page.get_by_role("button", name="Back to the list").click()
    expect(text).to_contain_text("The picture is truncated or corrupt. Try to open it")


def test_a_failure_in_another_language(small_server: Server, open_page: OpenPage) -> None:
    """What is wrong is said once, in the visitor's language; what only the service can say is marked as English."""
    page = open_page(small_server.url, allowed="Failed to load resource", locale="de-DE")
    wait_for_words(page, "de")
    give(page, "drop", "large.png", encoded(photograph(200, 300)), "image/png")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Das Bild hat zu viele Pixel")
    expect(alert).to_contain_text("Es hat 0,06 MP; angenommen werden bis zu 0,01 MP.")
    expect(page.locator("#headline")).to_have_text("large.png")
    page.get_by_role("button", name="Anderes Bild auswählen").click()
    give(page, "drop", "cut.png", PICTURE[:100], "image/png")
    expect(alert).to_contain_text("Das Bild ist unvollständig oder beschädigt")
    expect(alert.locator("[lang=en]")).to_have_count(0)
    page.get_by_role("button", name="Anderes Bild auswählen").click()
    give(page, "drop", "drawing.psd", b"8BPS\0\1" + bytes(100), "")
    expect(alert).to_contain_text("Das Bildformat wird nicht unterstützt")
    expect(alert.locator("p[lang=en]")).to_contain_text("Photoshop")
    expect(alert.locator("p[lang=en]")).to_have_text(re.compile(r"\.$"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_menus_show_what_is_chosen_in_full(server: Server, open_page: OpenPage, language: str) -> None:
    """Each word of a menu has the room that it would take alone."""
    page = open_page(server.url, locale=language, viewport=PHONE, has_touch=True, is_mobile=True)
    expect(page.locator("html")).to_have_attribute("lang", language)
    clipped = page.evaluate(
        """() => [...document.querySelectorAll("#bar select")].filter((menu) => menu.checkVisibility())
          .flatMap((menu) => [...menu.options].map((option) => {
            const alone = menu.cloneNode();
            alone.style.width = "max-content";
            alone.append(option.cloneNode(true));
            menu.parentNode.append(alone);
            const {width} = alone.getBoundingClientRect();
            alone.remove();
            return width > menu.getBoundingClientRect().width ? option.textContent : "";
          })).filter(Boolean)"""
    )
    assert clipped == []
