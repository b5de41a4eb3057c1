"""What a client sees of a real server process."""

import base64
import json
import re
import threading

import httpx
import numpy as np
import pytest
from conftest import SAMPLES, Server, encoded, opened, photograph, psnr
from PIL import Image, ImageCms

JPEG = (SAMPLES / "face.jpg").read_bytes()
TINY = encoded(photograph(3, 5, 1))


def post_json(server: Server, message: object, **headers: str) -> httpx.Response:
    return httpx.post(f"{server.url}/upscale", json=message, headers=headers, timeout=60)


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_ping(server: Server) -> None:
    response = httpx.get(f"{server.url}/ping")
    assert (response.status_code, response.json()) == (200, {"success": True})


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_probes(server: Server, path: str) -> None:
    assert httpx.get(server.url + path).status_code == 200


def test_readyz_says_what_serves(server: Server) -> None:
    ready = httpx.get(f"{server.url}/readyz").json()
    assert ready["ready"] is True
    assert ready["model"] == "noise-cancel-plain"
    assert ready["engine"] == "openvino"
    assert ready["precision"] in ("fp32", "bf16", "int8")
    assert ready["threads"] >= 1


def test_the_tutorials_message(server: Server) -> None:
    """What the tutorial's Java client sends and reads. The answer must have no other members."""
    response = post_json(server, {"imageBase64": base64_of(JPEG)}, Accept="application/json")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    assert set(response.json()) == {"imageBase64"}
    image = opened(base64.b64decode(response.json()["imageBase64"], validate=True))
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (512, 512))


def test_bytes(server: Server) -> None:
    response = httpx.post(f"{server.url}/upscale", content=JPEG, headers={"Content-Type": "image/jpeg"}, timeout=60)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "image/jpeg"
    image = opened(response.content)
    assert (image.format, image.size) == ("JPEG", (512, 512))


def test_both_forms_give_the_same_file(server: Server) -> None:
    from_json = base64.b64decode(post_json(server, {"imageBase64": base64_of(TINY)}).json()["imageBase64"])
    assert from_json == server.upscale(TINY).content


@pytest.mark.parametrize("text", ["data:image/png;base64,{}", "{}\n", " {} "])
def test_accepted_spellings_of_base64(server: Server, text: str) -> None:
    response = post_json(server, {"imageBase64": text.format(base64_of(TINY))})
    assert response.status_code == 200


def test_base64_with_line_breaks(server: Server) -> None:
    response = post_json(server, {"imageBase64": base64.encodebytes(TINY).decode()})
    assert response.status_code == 200


def test_headers(server: Server) -> None:
    response = httpx.post(
        f"{server.url}/upscale",
        content=TINY,
        headers={"Content-Type": "image/png", "X-Request-ID": "my-id_7"},
    )
    headers = response.headers
    assert headers["X-Request-ID"] == "my-id_7"
    assert (headers["X-Result-Width"], headers["X-Result-Height"]) == ("10", "6")
    assert headers["X-Upscaler-Model"].startswith("noise-cancel-plain openvino ")
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    spans = re.findall(r"(\w+);dur=([0-9.]+)", headers["Server-Timing"])
    assert [name for name, _ in spans] == ["queue", "decode", "infer", "encode"]
    assert float(dict(spans)["infer"]) > 0


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "<script>"])
def test_a_foreign_request_id_is_replaced(server: Server, given: str) -> None:
    response = httpx.get(f"{server.url}/ping", headers={"X-Request-ID": given})
    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["X-Request-ID"])


@pytest.mark.parametrize("name", ["jpeg", "png", "webp"])
def test_format(server: Server, name: str) -> None:
    from_bytes = server.upscale(JPEG, format=name)
    assert from_bytes.headers["Content-Type"] == f"image/{name}"
    assert opened(from_bytes.content).format == name.upper()
    from_json = post_json(server, {"imageBase64": base64_of(JPEG), "format": name}).json()["imageBase64"]
    assert opened(base64.b64decode(from_json)).format == name.upper()


@pytest.mark.parametrize("name", ["jpeg", "webp"])
def test_quality(server: Server, name: str) -> None:
    sizes = [len(server.upscale(JPEG, format=name, quality=quality).content) for quality in ("1", "50", "100")]
    assert sizes == sorted(sizes)
    assert sizes[0] * 3 < sizes[2]


@pytest.mark.parametrize(
    ("sent", "accept", "format_wanted", "answered"),
    [
        ("json", "*/*", None, "application/json"),
        ("json", "application/json", None, "application/json"),
        ("json", "image/*", None, "image/png"),
        ("json", "image/jpeg", None, "image/jpeg"),
        ("json", "image/*, application/json", None, "application/json"),
        ("json", "image/*, application/json;q=0.5", "webp", "image/webp"),
        ("json", "image/webp;q=0.5, application/json", None, "application/json"),
        ("bytes", "*/*", None, "image/png"),
        ("bytes", "application/json", None, "application/json"),
        ("bytes", "application/json, image/*;q=0.9", None, "application/json"),
        ("bytes", "image/jpeg", None, "image/jpeg"),
        ("bytes", "image/jpeg, image/webp;q=0.5", None, "image/jpeg"),
        ("bytes", "image/jpeg, image/png", None, "image/png"),
        ("bytes", "image/avif,image/webp,image/*,*/*;q=0.8", None, "image/png"),
        ("bytes", "image/avif", None, "image/avif"),
        ("bytes", "image/webp,*/*;q=0.8", None, "image/webp"),
        ("bytes", "image/png", "png", "image/png"),
        ("bytes", "image/png", "jpeg", 406),
        ("bytes", "text/html", None, 406),
        ("json", "text/html", None, 406),
        ("json", "image/jxl", None, 406),
        ("json", "application/json;q=0", None, 406),
        ("json", "application/json; charset=utf-8", None, "application/json"),
        ("bytes", "image/webp,image/png,image/*;q=0.8,*/*;q=0.5", "jpeg", "image/jpeg"),
        ("bytes", "image/jpeg;q=0.1, image/webp;q=0", "webp", 406),
        # Defaults of Java's HttpURLConnection (from 17 on, and before) and of browser forms; not preferences of a user.
        ("json", "text/html, image/gif, image/jpeg, */*; q=0.2", None, "application/json"),
        ("bytes", "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", None, "image/png"),
        ("bytes", "text/html,application/xml;q=0.9,image/webp,*/*;q=0.8", None, "image/png"),
        ("json", "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", None, "application/json"),
        ("bytes", "text/html, text/plain", None, 406),
        ("bytes", "text/html, image/webp", None, "image/webp"),
        ("bytes", "text/html;q=0, image/webp, */*;q=0.1", None, "image/webp"),
        ("bytes", "text/html, application/json", None, "application/json"),
    ],
)
def test_negotiation(server: Server, sent: str, accept: str, format_wanted: str | None, answered: str | int) -> None:
    options = {"format": format_wanted} if format_wanted else {}
    if sent == "json":
        response = post_json(server, {"imageBase64": base64_of(TINY), **options}, Accept=accept)
    else:
        headers = {"Content-Type": "image/png", "Accept": accept}
        response = httpx.post(f"{server.url}/upscale", content=TINY, params=options, headers=headers)
    if isinstance(answered, int):
        assert response.status_code == answered
        assert response.json()["code"] == "not_acceptable"
    else:
        assert response.status_code == 200
        assert response.headers["Content-Type"] == answered


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.iterdir() if path.suffix != ".md"))
def test_every_sample_picture(server: Server, name: str) -> None:
    """The output is twice as large, has the same format and mode, and looks the same."""
    data = (SAMPLES / name).read_bytes()
    given, response = opened(data), server.upscale(data)
    assert response.status_code == 200
    image = opened(response.content)
    assert (image.format, image.mode) == (given.format, given.mode)
    assert image.size == (2 * given.width, 2 * given.height)
    white = Image.new("RGBA", image.size, "white")
    seen = Image.alpha_composite(white, image.convert("RGBA")).resize(given.size, Image.Resampling.BOX)
    expected = Image.alpha_composite(white.resize(given.size), given.convert("RGBA"))
    assert psnr(np.asarray(seen), np.asarray(expected)) > 27


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (2, 3), (257, 255), (289, 17)])
def test_sizes(server: Server, size: tuple[int, int]) -> None:
    width, height = size
    image = opened(server.upscale(encoded(photograph(height, width))).content)
    assert image.size == (2 * width, 2 * height)


def test_metadata_comes_along(server: Server) -> None:
    """The orientation is applied and reset; the colour profile is kept byte for byte, and so are other tags."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x0100] = 6, "The Maker", 30
    pixels = photograph(20, 30)
    given = encoded(pixels, "JPEG", quality=95, exif=exif, icc_profile=profile, dpi=(300, 300))
    image = opened(server.upscale(given).content)
    assert image.size == (40, 60)
    assert image.info["icc_profile"] == profile
    assert image.info["dpi"] == (600, 600)
    assert dict(image.getexif()) | {0x0112: 1, 0x010F: "The Maker", 0x0100: 40} == dict(image.getexif())
    upright = np.rot90(pixels, -1)
    assert psnr(np.asarray(image.resize((20, 30), Image.Resampling.BOX)), upright) > 25


def test_each_client_gets_its_own_picture(server: Server) -> None:
    """Sixteen requests at once, each in its own colour: no answer has pixels of another request."""
    colours = [(16 * index, 255 - 16 * index, 8 * index) for index in range(16)]
    answers: dict[int, httpx.Response] = {}

    def ask(index: int) -> None:
        flat = np.full((40 + index, 300, 3), colours[index], np.uint8)
        answers[index] = server.upscale(encoded(flat))

    threads = [threading.Thread(target=ask, args=(index,)) for index in range(len(colours))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index, colour in enumerate(colours):
        assert answers[index].status_code == 200
        pixels = np.asarray(opened(answers[index].content)).astype(int)
        assert pixels.shape == (2 * (40 + index), 600, 3)
        assert np.abs(pixels[20:-20, 20:-20] - colour).max() <= 12


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/upscale/", 404, None),
        ("POST", "/nothing", 404, None),
        ("GET", "/upscale", 405, {"POST", "OPTIONS"}),
        ("DELETE", "/upscale", 405, {"POST", "OPTIONS"}),
        ("POST", "/ping", 405, {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_wrong_paths_and_methods(server: Server, method: str, path: str, status: int, allow: set[str] | None) -> None:
    response = httpx.request(method, server.url + path)
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["status"] == status
    assert response.json()["requestId"] == response.headers["X-Request-ID"]
    if allow:
        assert set(response.headers["Allow"].split(", ")) == allow


def test_json_deeper_than_any_parser(server: Server) -> None:
    body = "[" * 100_000 + "]" * 100_000
    response = httpx.post(f"{server.url}/upscale", content=body, headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json()["code"]) == (400, "malformed_message")
    assert json.loads(response.text)["detail"].startswith("the body is not JSON")
