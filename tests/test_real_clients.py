"""Requests as libraries, browsers and people really send them, to a real server."""

import base64
import json
from typing import Any

import httpx
import pytest
from conftest import SAMPLES, Server, encoded, opened, photograph
from PIL import Image

TINY = encoded(photograph(3, 5))
JPEG = encoded(photograph(3, 5), "JPEG")
TEXT = base64.b64encode(TINY).decode()
MESSAGE = json.dumps({"imageBase64": TEXT, "format": "png"})
FORM = "multipart/form-data; boundary=XbX"


def form(*parts: tuple[str | bytes, bytes], boundary: str = "XbX", line: str = "\r\n") -> bytes:
    """A form of parts, each with its Content-Disposition's parameters, or more lines of head, and its content."""
    body = b""
    for head, content in parts:
        head = head if isinstance(head, bytes) else head.encode()
        start = f"--{boundary}{line}Content-Disposition: form-data; ".encode()
        body += start + head + 2 * line.encode() + content + line.encode()
    return body + f"--{boundary}--{line}".encode()


def post(server: Server, body: bytes, content_type: str | None, query: str = "", **headers: str) -> httpx.Response:
    given = headers if content_type is None else {"Content-Type": content_type, **headers}
    return httpx.post(f"{server.url}/upscale{query}", content=body, headers=given, timeout=60)


def post_json(server: Server, **members: Any) -> httpx.Response:
    return httpx.post(f"{server.url}/upscale", json=members, timeout=60)


def assert_refused(response: httpx.Response, status: int, *words: str) -> None:
    assert response.status_code == status, response.text
    detail = response.json()["detail"]
    assert all(word in detail for word in words), detail
    assert len(detail) < 500


# --- JSON


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"])
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", None])
def test_json_in_any_unicode_encoding(server: Server, encoding: str, content_type: str | None) -> None:
    answer = post(server, MESSAGE.encode(encoding), content_type)
    assert answer.status_code == 200, answer.text
    assert opened(base64.b64decode(answer.json()["imageBase64"])).size == (10, 6)


@pytest.mark.parametrize(
    ("text", "is_right"),
    [
        ("data:image/png;base64,{}", True),
        ("data:;base64,{}", True),
        ("data:application/octet-stream;base64,{}", True),
        ("data:image/png;charset=utf-8;base64,{}", True),
        ("data:image/png;name=a%20b.png;base64,{}", True),
        ("data:image/svg+xml;base64,{}", True),
        ("data:x;base64,{}", True),
        ("DATA:IMAGE/PNG;BASE64,{}", True),
        (" \n data:image/png;base64 , {} ", True),
        ("data:image/png;base64;charset=utf-8,{}", True),
        ("data:image/png,{}", False),
        ("data:,{}", False),
        ("data:base64,{}", False),
        ("data:image/png;base64{}", False),
    ],
)
def test_data_urls(server: Server, text: str, is_right: bool) -> None:
    answer = post_json(server, imageBase64=text.format(TEXT))
    if is_right:
        assert answer.status_code == 200, answer.text
    else:
        assert_refused(answer, 400, "imageBase64 is a data URL", "base64" if "," in text else "without a comma")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("+", "%2B").replace("/", "%2f").replace("=", "%3D"),
        lambda text: "%0D%0A".join(text[start : start + 20] for start in range(0, len(text), 20)),
        lambda text: "\r\n".join(text[start : start + 20] for start in range(0, len(text), 20)),
        lambda text: text.replace("A", "A%20"),
    ],
)
def test_data_urls_with_escapes_and_line_breaks(server: Server, change: Any) -> None:
    answer = post_json(server, imageBase64="data:image/png;base64," + change(TEXT))
    assert base64.b64decode(answer.json()["imageBase64"]) == server.upscale(TINY).content


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("-" + TEXT[1:], ("URL-safe base64", "standard base64")),
        ("_" + TEXT[1:], ("URL-safe base64", "standard base64")),
        ("AAA", ("without its padding", "'='")),
        ("AA", ("without its padding", "'=='")),
        ("AA=", ("without its padding", "'=='")),
        ("AAAAA", ("cut off", "5 characters")),
        ("AAA==", ("1 '=' too many",)),
        ("AA==AAAA", ("goes on after the padding",)),
        ("AAA%", ("has the character '%'",)),
        ("AAA\u00c4", ("outside ASCII",)),
        ("https://example.org/a.png", ("a URL", "send it as imageUrl")),
        ("b'AAAA'", ("has quotes in it",)),
        ("data:image/png;base64,AA%41A", ("has the character '%'",)),
    ],
)
def test_what_is_wrong_with_base64_is_named(server: Server, text: str, words: tuple[str, ...]) -> None:
    assert_refused(post_json(server, imageBase64=text), 400, *words)


@pytest.mark.parametrize(
    "name", ["image", "img", "file", "data", "base64", "image_base64", "imagebase64", "ImageBase64", "input_image"]
)
def test_the_right_member_is_named(server: Server, name: str) -> None:
    assert_refused(post_json(server, **{name: TEXT}), 400, f"'{name}' is unknown", "'imageBase64', in base64")


@pytest.mark.parametrize("name", ["url", "image_url", "imageURL", "image-uri", "src"])
def test_the_right_name_of_an_address_is_told(server: Server, name: str) -> None:
    answer = post_json(server, **{name: "https://example.org/a.png"})
    assert_refused(answer, 400, f"'{name}' is unknown", "'imageUrl'", "'imageBase64'")


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ('"qualty": 90', ("'qualty' is unknown", "did you mean 'quality'?")),
        ('"Format": "png"', ("'Format' is unknown", "did you mean 'format'?")),
        ('"quality": "90"', ("a whole number from 1 to 100", 'not "90"', "without quotes")),
        ('"tiles": "true"', ("tiles must be true or false", "without quotes")),
        ('"tiles": 1', ("tiles must be true or false, not 1",)),
        ('"quality": 101', ("a whole number from 1 to 100, not 101",)),
        ('"quality": 9.5', ("a whole number from 1 to 100, not 9.5",)),
        ('"scale": "3"', ("a number from 1 to 8", 'not "3"', "without quotes")),
        ('"scale": NaN', ("a number from 1 to 8, not NaN",)),
        ('"scale": 1e400', ("a number from 1 to 8, not Infinity",)),
        ('"scale": true', ("a number from 1 to 8, not true",)),
        ('"width": "800"', ("a whole number from 1", 'not "800"', "without quotes")),
        ('"width": 1e9', ("width must be a whole number from 1 to 2147483647, not 1000000000.0",)),
        ('"width": 800, "height": 600', ("'width' and 'height' together need 'fit'", "keep the ratio")),
        ('"width": 8, "height": 6, "fit": "contain"', ("fit must be inside, cover or fill",)),
        ('"model": 4', ("model must be a string, not 4",)),
        ('"quality": []', ("not a list",)),
        ('"format": {}', ("format must be jpeg,", "not an object")),
        ('"format": "exe"', ("format must be jpeg,", 'not "exe"')),
        ('"format": "png", "format": "jpeg"', ("format is given twice",)),
        (f'"imageBase64": "{TEXT}"', ("imageBase64 is given twice",)),
        # The same name, spelt in another way.
        (rf'"image\u0042ase64"	: "{TEXT}"', ("imageBase64 is given twice",)),
        (r'"\u0073cale": 2, "scal\u0065": 3', ("scale is given twice",)),
    ],
)
def test_options_in_plain_words(server: Server, members: str, words: tuple[str, ...]) -> None:
    body = f'{{"imageBase64": "{TEXT}", {members}}}'.encode()
    answer = post(server, body, "application/json")
    assert_refused(answer, 400, *words)
    assert not any(
        phrase in answer.text.lower() for phrase in ("input should", "should have", "validation", "pydantic")
    )


@pytest.mark.parametrize(
    ("escape", "times", "is_accepted"),
    [(r"\u0041", 100_001, False), (r"A\n", 120_000, False), (r"\/", 90_000, True), (76 * "A" + r"\n", 120_000, True)],
)
def test_escapes_of_base64(server: Server, escape: str, times: int, is_accepted: bool) -> None:
    """Some writers escape slashes, or break lines; beyond that, escapes only keep the parser busy."""
    answer = post(server, f'{{"imageBase64": "{escape * times}"}}'.encode(), "application/json")
    assert ("too many escapes" not in answer.json()["detail"]) is is_accepted
    assert 400 <= answer.status_code < 500, "it is no image"


def test_null_is_not_given_for_all_options(server: Server) -> None:
    names = ("format", "quality", "metadata", "scale", "width", "height", "fit", "model", "strength", "tiles")
    answer = post_json(server, imageBase64=TEXT, **dict.fromkeys(names))
    assert answer.json() == post_json(server, imageBase64=TEXT).json()


# --- forms


@pytest.mark.parametrize(
    "head",
    [
        'name="image"',
        "name=image",
        'name="image"\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary',
        'name="image"; filename=""\r\nContent-Type: image/png',
        'name="image"; filename=',
        'name="image"; filename="C:\\new\\t.png"',
        'name="image"; filename="C:\\"',
        'name="image"; filename="a;b\\"c.png"',
        "name=\"image\"; filename*=UTF-8''na%C3%AFve.png",
        'name="image"; filename="naive.png"; filename*=utf-8\'en\'na%C3%AFve%20%E2%82%AC.png',
        "name=\"image\"; filename*=koi8-r''%F0.png",
        'name="image"; filename="\u00e4\u20ac\U0001f600.png"',
        'name="image"; filename="\u00e4.png"'.encode("latin-1"),
        'name="image"; filename="=?UTF-8?B?w6QucG5n?="',
        'name="image"; filename="\u65e5\u672c.png"'.encode("shift-jis"),
        'filename="a.png";\r\n name="image"',
        'name="file"; filename="a.png"',
        'name="file"',
    ],
)
@pytest.mark.parametrize("line", ["\r\n", "\n"])
def test_the_images_part(server: Server, head: str | bytes, line: str) -> None:
    head = head if isinstance(head, bytes) else head.replace("\r\n", line).encode()
    answer = post(server, form((head, TINY), line=line), FORM)
    assert answer.status_code == 200, answer.text
    assert answer.content == server.upscale(TINY).content


def test_every_byte_of_a_part_counts(server: Server) -> None:
    """Also line breaks and dashes at its ends, and lines that begin like the boundary."""
    jpeg = JPEG + b"\n--XbXtra\r\n\r\n--XbX \t-\n\r\n"
    assert post(server, form(('name="image"', jpeg)), FORM).content == server.upscale(jpeg).content


@pytest.mark.parametrize("boundary", ["a", "=_(1)'+,./:?", "x" * 70, "----WebKitFormBoundary7MA4YWxkTrZu0gW"])
@pytest.mark.parametrize(
    "content_type", ['multipart/form-data; boundary="{}"', "multipart/form-data", "text/plain", None]
)
def test_boundaries(server: Server, boundary: str, content_type: str | None) -> None:
    """A body that shows its boundary is read without one in Content-Type, too."""
    body = form(('name="image"', TINY), ('name="format"', b"jpg\r\n"), boundary=boundary)
    answer = post(server, body, content_type and content_type.format(boundary))
    assert answer.status_code == 200, answer.text
    assert opened(answer.content).format == "JPEG"


PNG_PART = ('name="image"; filename="a.png"', TINY)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([PNG_PART, ('name="file"; filename="b.png"', TINY)], ("2 images", "'file' and 'image'")),
        ([PNG_PART, PNG_PART], ("2 images", "'image'")),
        ([('name="image"', TEXT.encode())], ("part 'image' is an image in base64", "send the file itself")),
        ([('name="file"', base64.urlsafe_b64encode(JPEG))], ("part 'file' is an image in base64",)),
        ([('name="image"', b"data:image/png;base64," + TEXT.encode())], ("is a data URL", "send the file itself")),
        ([('name="imageBase64"', TEXT.encode())], ("'imageBase64' is for JSON", "as 'image'")),
        ([('name="img"; filename="a.png"', TINY)], ("file 'img' is unknown", "the part 'image'")),
        ([PNG_PART, ('name="url"', b"http://a")], ("'url' is unknown", "'imageUrl'")),
        ([PNG_PART, ('name="qualty"', b"9")], ("did you mean 'quality'?",)),
        ([PNG_PART, ('name=""', b"9")], ("has no name",)),
        ([('name="image"; filename=""', b"")], ("part 'image' is empty",)),
    ],
)
def test_forms_that_are_not_clear(server: Server, parts: list[tuple[str, bytes]], words: tuple[str, ...]) -> None:
    assert_refused(post(server, form(*parts), FORM), 400, *words)


def test_a_file_input_that_was_left_open_does_not_count(server: Server) -> None:
    body = form(('name="file"; filename=""', b""), PNG_PART)
    assert post(server, body, FORM).content == server.upscale(TINY).content


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (form(PNG_PART).replace(b"XbX", b"YbY"), "boundary in Content-Type is not that of the body"),
        (form(PNG_PART)[:-9], "not valid multipart/form-data"),
        (b"--XbX\r\n" + TINY + b"\r\n--XbX--\r\n", "not valid multipart/form-data"),
        (b"\n--XbX" * 5_000_000, "not valid multipart/form-data"),
        (b"\n--XbX\n" * 5_000_000, "a part of the form has no name"),
        (b"--XbX\n" + b"a" * 40_000_000, "not valid multipart/form-data"),
        (b"--XbX\n" + b"a: b\n" * 8_000_000 + b"\n--XbX--", "not valid multipart/form-data"),
    ],
    ids=["other boundary", "cut off", "no heads", "false boundaries", "empty parts", "endless", "long head"],
)
def test_broken_forms(server: Server, body: bytes, words: str) -> None:
    answer = post(server, body, FORM)
    assert answer.status_code == 400
    assert answer.elapsed.total_seconds() < 10
    assert words in answer.json()["detail"]


# --- bodies and their content types


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "text/plain; charset=utf-8",
        "application/x-www-form-urlencoded",
        "binary/octet-stream",
        "application/octetstream",
        "application/octet-stream",
        "application/x-binary",
        "*/*",
        "nonsense",
    ],
)
def test_without_a_useful_content_type(server: Server, content_type: str | None) -> None:
    """The body is read by what it is, and the answer has its form."""
    image = post(server, TINY, content_type, "?format=jpg")
    assert (image.status_code, image.headers["Content-Type"]) == (200, "image/jpeg")
    message = post(server, b"\r\n\t " + MESSAGE.encode(), content_type)
    assert (message.status_code, message.headers["Content-Type"]) == (200, "application/json")
    sent_form = post(server, form(PNG_PART), content_type)
    assert (sent_form.status_code, sent_form.headers["Content-Type"]) == (200, "image/png")


@pytest.mark.parametrize("content_type", [None, "", "text/plain", "application/x-www-form-urlencoded", "text/html"])
def test_text_of_no_known_kind(server: Server, content_type: str | None) -> None:
    answer = post(server, b"image=just+text", content_type)
    assert_refused(answer, 415, content_type or "missing", "application/json", "multipart/form-data", "image/png")
    assert answer.json()["code"] == "unsupported_media_type"


@pytest.mark.parametrize("content_type", [None, "application/x-unknown", "application/octet-stream", "image/png"])
def test_bytes_of_no_known_kind(server: Server, content_type: str | None) -> None:
    answer = post(server, bytes(range(200)), content_type)
    assert_refused(answer, 415, "not an image in a supported format")


@pytest.mark.parametrize(
    ("content_type", "body", "words"),
    [
        ("application/json", TINY, ("application/json, but the body is a png file",)),
        ("application/json", form(PNG_PART), ("but the body is a form: send it as multipart/form-data",)),
        ("image/png", MESSAGE.encode(), ("but the body is JSON: send it as application/json",)),
        ("image/png", form(PNG_PART), ("image/png, but the body is a form",)),
        (FORM, TINY, ("multipart/form-data, but the body is a png file",)),
        (FORM, MESSAGE.encode(), ("multipart/form-data, but the body is JSON",)),
        ("image/png", TEXT.encode(), ("the body is an image in base64: send the file itself",)),
        (None, TEXT.encode(), ("the body is an image in base64: send the file itself",)),
        ("text/plain", b"data:image/png;base64," + TEXT.encode(), ("the body is a data URL",)),
    ],
)
def test_content_types_that_are_wrong(
    server: Server, content_type: str | None, body: bytes, words: tuple[str, ...]
) -> None:
    assert_refused(post(server, body, content_type), 415, *words)


def test_a_long_content_type_is_not_sent_back(server: Server) -> None:
    answer = post(server, MESSAGE.encode(), f"image/{'x' * 8000}")
    assert_refused(answer, 415, "Content-Type is image/xxx", "but the body is JSON")
    assert len(answer.text) < 1000


def test_another_image_than_the_content_type_says(server: Server) -> None:
    assert post(server, JPEG, "image/png").headers["Content-Type"] == "image/jpeg"


# --- formats and quality


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("jpg", "image/jpeg"),
        ("JPG", "image/jpeg"),
        ("Jpeg", "image/jpeg"),
        ("tif", "image/tiff"),
        ("PNG", "image/png"),
        ("image/jpeg", "image/jpeg"),
        ("image/jpg", "image/jpeg"),
    ],
)
def test_names_of_formats(server: Server, name: str, media_type: str) -> None:
    """In a query, a form, JSON and an estimate."""
    assert server.upscale(TINY, format=name).headers["Content-Type"] == media_type
    body = form(PNG_PART, ('name="format"', name.encode()))
    assert post(server, body, FORM).headers["Content-Type"] == media_type
    result = base64.b64decode(post_json(server, imageBase64=TEXT, format=name).json()["imageBase64"])
    assert Image.MIME[str(opened(result).format)] == media_type
    estimate = httpx.get(f"{server.url}/estimate", params={"width": 9, "height": 9, "format": name})
    assert estimate.status_code == 200


@pytest.mark.parametrize("accept", ["image/jpg", "IMAGE/JPG;q=0.5", "image/jpeg"])
def test_accept_by_other_names(server: Server, accept: str) -> None:
    assert post(server, TINY, "image/png", Accept=accept).headers["Content-Type"] == "image/jpeg"


@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "tiff", "bmp", "gif"])
def test_quality_that_does_nothing_is_noted(server: Server, name: str) -> None:
    answer = server.upscale(TINY, format=name, quality="80")
    noted = f"'quality' was ignored, as {name} has none" in answer.headers.get("X-Upscaler-Notes", "")
    other = server.upscale(TINY, format=name, quality="20")
    assert noted == (answer.content == other.content)
    assert "quality" not in server.upscale(TINY, format=name).headers.get("X-Upscaler-Notes", "")


@pytest.mark.parametrize("name", ["jpeg", "webp"])
def test_the_default_quality(server: Server, name: str) -> None:
    face = (SAMPLES / "face.jpg").read_bytes()
    plain = server.upscale(face, format=name)
    assert plain.content == server.upscale(face, format=name, quality="92").content
    assert len(plain.content) < 0.6 * len(server.upscale(face, format=name, quality="100").content)


# --- a long animation


def test_frames_up_to_a_thousand(server: Server) -> None:
    frames = [photograph(8, 8, seed) for seed in range(3)]
    images = [opened(encoded(frames[index % 3])) for index in range(1001)]
    long, longer = (
        encoded(images[0], "GIF", save_all=True, append_images=images[1:count], duration=20) for count in (1000, 1001)
    )
    answer = server.upscale(long)
    assert answer.status_code == 200, answer.text
    assert getattr(opened(answer.content), "n_frames", 1) == 1000
    refused = server.upscale(longer)
    assert_refused(refused, 422, "more than 1000 frames")
    assert refused.json()["setting"] == "UPSCALER_MAX_FRAMES"
