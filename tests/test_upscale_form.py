"""`multipart/form-data`, sent to a real server."""

import httpx
import pytest
from conftest import Server, encoded, opened, photograph

TINY = encoded(photograph(3, 5))
BOUNDARY = "b0undary"
HEADERS = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def part(disposition: str, content: bytes) -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n"
    return head.encode() + content + b"\r\n"


NAMELESS = (
    "Content-Disposition: form-data",
    "Content-Disposition:",
    "Content-Disposition",
    "Content-Disposition: form-data; name",
    "Content-Disposition: form-data; name=",
    'Content-Disposition: form-data; name=""',
    'Content-Disposition: form-data; filename="a"',
    'Content-Disposition: form-data; filename="name=image"',
    "Content-Disposition: form-data; filename*=utf-8''a",
    "Content-Disposition: form-data; Xname=image",
    "Content-Disposition: attachment; =image",
    "Content-Type: text/plain; name=image",
    "X-Content-Disposition: form-data; name=image",
    ": form-data; name=image",
    "\xff\xfe",
)
IMAGE = part('name="image"; filename="a.png"', TINY)
END = f"--{BOUNDARY}--\r\n".encode()


def test_a_form(server: Server) -> None:
    """Options can be parts or query parameters; the answer is the file, or JSON if `Accept` prefers it."""
    files = {"image": ("in.png", TINY, "image/png")}
    plain = httpx.post(f"{server.url}/upscale", files=files)
    assert plain.headers["Content-Type"] == "image/png"
    assert plain.content == server.upscale(TINY).content
    with_options = httpx.post(f"{server.url}/upscale", files=files, data={"format": "jpeg"}, params={"quality": 50})
    assert opened(with_options.content).format == "JPEG"
    left_open = httpx.post(f"{server.url}/upscale", files=files, data={"format": "", "quality": ""})
    assert left_open.content == plain.content
    as_json = httpx.post(f"{server.url}/upscale", files=files, headers={"Accept": "application/json"})
    assert set(as_json.json()) == {"imageBase64"}


def test_sizes_and_models(server: Server) -> None:
    """The same as parts and as query parameters."""
    url, files = f"{server.url}/upscale", {"image": ("in.png", TINY)}
    options = {"width": "20", "height": "20", "fit": "cover", "model": "noise-cancel-plain"}
    parts, query = httpx.post(url, files=files, data=options), httpx.post(url, files=files, params=options)
    assert opened(parts.content).size == (20, 20)
    assert query.content == parts.content
    assert opened(httpx.post(url, files=files, data={"scale": "2.5", "width": ""}).content).size == (13, 8)
    unknown = httpx.post(url, files=files, data={"model": "../nonesuch"})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_model")
    assert "'../nonesuch' is not loaded; loaded are noise-cancel-plain" in unknown.json()["detail"]


def test_a_large_form(server: Server) -> None:
    """The size limit of other parts does not apply to files."""
    picture = encoded(photograph(1000, 900))
    assert len(picture) > 1_000_000
    response = httpx.post(f"{server.url}/upscale", files={"image": ("in.png", picture)}, timeout=60)
    assert opened(response.content).size == (1800, 2000)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "the body is empty"),
        (b"nonsense", "the body is not valid multipart/form-data"),
        (part('filename="x"', b"x") + END, "a part of the form has no name"),
        (IMAGE + part("", b"x") + END, "a part of the form has no name"),
        # Every way to have no name, with a file and without.
        *(
            (IMAGE + f"--{BOUNDARY}\r\n{head}\r\n\r\nx\r\n".encode("latin-1") + END, "a part of the form has no name")
            for head in NAMELESS
        ),
        (IMAGE + f"--{BOUNDARY}\r\n\r\nx\r\n".encode() + END, "a part of the form has no name"),
        (IMAGE + f"--{BOUNDARY}\r\n".encode() + END, "is not valid"),
        (IMAGE + f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=x".encode() + END, "is not valid"),
        (IMAGE + part(f'name="{"x" * 20_000}"', b"x") + END, "is not valid"),
        (IMAGE + part('name="\x00"', b"x") + END, "'\\x00' is unknown"),
        (END, "the form has no part 'image' or 'file'"),
        (part('name="format"', b"png") + END, "the form has no part 'image' or 'file'"),
        (IMAGE + IMAGE + END, "the form has 2 images, in 'image'"),
        (IMAGE + part('name="other"; filename="x"', b"x") + END, "file 'other' is unknown"),
        (
            IMAGE + part('name="zoom"', b"4") + END,
            "'zoom' is unknown; known are imageUrl, format, scale, width, height, fit, model",
        ),
        (IMAGE + part('name="scale"', b"big") + END, 'scale must be a number from 1 to 8, not "big"'),
        (IMAGE + part('name="width"', b"0") + END, "width must be a whole number from 1 to 2147483647, not 0"),
        (
            IMAGE + part('name="scale"', b"2") + part('name="width"', b"9") + END,
            "'scale' can't be combined with 'width'",
        ),
        (IMAGE + part('name="quality"', b"high") + END, 'quality must be a whole number from 1 to 100, not "high"'),
        (IMAGE + part('name="format"', b"exe") + END, "format must be jpeg, png"),
        (IMAGE + 2 * part('name="format"', b"png") + END, "option 'format' is given more than once"),
        (IMAGE + part('name="format"', b"x" * 600_000) + END, "has over 500000 bytes"),
        (IMAGE + 20 * part('name="x"', b"") + END, "more than 20 parts"),
        (part('name="image"; filename="a.png"', b"") + END, "part 'image' is empty"),
    ],
)
def test_bad_forms(server: Server, body: bytes, detail: str) -> None:
    response = httpx.post(f"{server.url}/upscale", content=body, headers=HEADERS)
    assert (response.status_code, response.json()["code"]) == (400, "malformed_message")
    assert detail in response.json()["detail"]
    assert server.upscale(TINY).status_code == 200


def test_an_option_twice_in_two_places(server: Server) -> None:
    body = IMAGE + part('name="format"', b"png") + END
    response = httpx.post(f"{server.url}/upscale?format=png", content=body, headers=HEADERS)
    assert response.status_code == 400
    assert "option 'format' is given more than once" in response.json()["detail"]


def test_a_long_preamble(server: Server) -> None:
    """What comes before the first boundary is ignored, line for line."""
    lines = b"x\r\n" * 15_000_000
    form = httpx.post(f"{server.url}/upscale", content=lines + IMAGE + END, headers=HEADERS, timeout=60)
    assert form.content == server.upscale(TINY).content
