"""Bad input, sent to a real server: each has its status, code and message, and the next request is answered."""

import base64
import struct
import threading
import time
import zlib

import httpx
import pytest
from conftest import SAMPLES, Server, StartServer, encoded, infer_seconds, opened, photograph, png_chunk, wait_for
from PIL import Image
from test_stream import streamed

TINY = encoded(photograph(3, 5))
JPEG = (SAMPLES / "face.jpg").read_bytes()


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and has no pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(b"\0"))


def progressive_bomb() -> bytes:
    """A small JPEG with sixty thousand scans."""
    data = encoded(Image.new("L", (4000, 4000), 128), "JPEG", progressive=True)
    end = data.rindex(b"\xff\xd9")
    return data[:end] + b"\xff\xda\x00\x08\x01\x01\x00\x01\x3f\x00\x00" * 60_000 + data[end:]


def exif_bomb() -> bytes:
    """A JPEG with two megabytes of EXIF."""
    return JPEG[:2] + 31 * (b"\xff\xe1\xff\xffExif\0\0" + b"x" * 65_527) + JPEG[2:]


def segment_bomb() -> bytes:
    """A JPEG with so many EXIF segments that joining them takes minutes."""
    return JPEG[:2] + b"\xff\xe1\x00\x09Exif\0\0x" * 1_300_000 + JPEG[2:]


@pytest.mark.parametrize("filling", [b"", b"\xff", b"\xff\xd0"])
def test_two_megabytes_of_exif_are_left_out(server: Server, filling: bytes) -> None:
    """Also behind bytes that decoders skip."""
    response = server.upscale(exif_bomb().replace(b"\xff\xe1", filling + b"\xff\xe1"))
    assert response.status_code == 200
    assert "EXIF" in response.headers["X-Upscaler-Notes"]


def wrong_crc(png: bytes) -> bytes:
    """A PNG whose pixel data has a wrong checksum."""
    end = png.index(b"IEND") - 4
    return png[: end - 4] + bytes(byte ^ 0xFF for byte in png[end - 4 : end]) + png[end:]


def assert_problem(response: httpx.Response, status: int, code: str, detail: str) -> None:
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert (problem["status"], problem["code"]) == (status, code)
    assert detail in problem["detail"]
    assert problem["type"] == f"urn:image-super-scaling:problem:{code}"
    assert problem["title"]
    assert problem["requestId"] == response.headers["X-Request-ID"]
    assert "Traceback" not in response.text


def assert_next_is_answered(server: Server) -> None:
    assert server.upscale(TINY).status_code == 200


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "the body is empty"),
        (b"not JSON", "the body is not JSON"),
        (b"\xff\xfea", "it starts like UTF-16, but is not"),
        (b'{"imageBase64": "', "the body is not JSON"),
        (b"[]", "must be a JSON object"),
        (b"7", "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
        (b"[" * 100_000, "the body is not JSON"),
        (b'{"a":' * 100_000, "the body is not JSON"),
        (b"{}", "imageBase64 is missing"),
        (b'{"image": "x"}', "'image' is unknown: the image belongs in 'imageBase64', in base64"),
        (b'{"imageBase64": null}', "imageBase64 must be a string"),
        (b'{"imageBase64": 7}', "imageBase64 must be a string"),
        (b'{"imageBase64": ["x"]}', "imageBase64 must be a string"),
        (b'{"imageBase64": ""}', "imageBase64 is empty"),
        (b'{"imageBase64": "  "}', "imageBase64 is empty"),
        (b'{"imageBase64": "data:image/png;base64,"}', "imageBase64 is empty"),
        (b'{"imageBase64": "AAAA", "size": 4}', "'size' is unknown; known are imageBase64, imageUrl, format, scale"),
        (b'{"imageBase64": "AAA%"}', "is not base64"),
        (b'{"imageBase64": "AA-_"}', "is URL-safe base64"),
        (b'{"imageBase64": "AAA\\u00c4"}', "is not base64"),
        (b'{"imageBase64": "AAAAA"}', "is not base64"),
        (b'{"imageBase64": "AAA"}', "is base64 without its padding: end it with '='"),
        (b'{"imageBase64": "AA==AAAA"}', "is not base64"),
        (b'{"imageBase64": "AAAA", "metadata": "all"}', "metadata must be keep, strip or colour"),
        (b'{"imageBase64": "AAAA", "quality": 0}', "quality must be a whole number from 1 to 100, not 0"),
        (b'{"imageBase64": "AAAA", "quality": 101}', "quality must be a whole number from 1 to 100, not 101"),
        (b'{"imageBase64": "AAAA", "quality": "high"}', "quality must be a whole number from 1 to 100"),
        (b'{"imageBase64": "AAAA", "quality": "90"}', "quality must be a whole number from 1 to 100"),
        (b'{"imageBase64": "AAAA", "quality": 90.5}', "quality must be a whole number from 1 to 100"),
        (b'{"imageBase64": "AAAA", "quality": true}', "quality must be a whole number from 1 to 100"),
        (
            b'{"imageBase64": "AAAA", "format": "exe"}',
            "format must be jpeg, png, webp, tiff, bmp, gif or avif",
        ),
        (
            b'{"imageBase64": "AAAA", "format": 7}',
            "format must be jpeg, png, webp, tiff, bmp, gif or avif",
        ),
    ],
)
def test_malformed_messages(server: Server, body: bytes, detail: str) -> None:
    response = httpx.post(f"{server.url}/upscale", content=body, headers={"Content-Type": "application/json"})
    assert_problem(response, 400, "malformed_message", detail)
    assert_next_is_answered(server)


@pytest.mark.parametrize(
    ("query", "body", "detail"),
    [
        ("", b"", "the body is empty"),
        ("?metadata=", TINY, "metadata must be keep, strip or colour"),
        ("?quality=0", TINY, "quality must be a whole number from 1 to 100, not 0"),
        ("?quality=101", TINY, "quality must be a whole number from 1 to 100, not 101"),
        ("?quality=high", TINY, "quality must be a whole number from 1 to 100"),
        ("?quality=", TINY, "quality must be a whole number from 1 to 100"),
        ("?quality=-1", TINY, "quality must be a whole number from 1 to 100"),
        ("?quality=1&quality=2", TINY, "option 'quality' is given more than once"),
        ("?format=exe", TINY, "format must be jpeg, png, webp, tiff, bmp, gif or avif"),
        ("?zoom=4", TINY, "'zoom' is unknown; known are imageUrl, format, scale"),
        ("?imageBase64=AAAA", TINY, "'imageBase64' is unknown as an option"),
        ("?image=AAAA", TINY, "'image' is unknown"),
    ],
)
def test_malformed_options(server: Server, query: str, body: bytes, detail: str) -> None:
    response = httpx.post(f"{server.url}/upscale{query}", content=body, headers={"Content-Type": "image/png"})
    assert_problem(response, 400, "malformed_message", detail)
    assert_next_is_answered(server)


@pytest.mark.alone
@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"{" + b",".join(b'"%x":1' % number for number in range(2_000_000)) + b"}", "too many members"),
        (b'{"imageBase64":[' + b"[]," * 10_000_000 + b"0]}", "too many members"),
        (b'{"' + b"x" * 30_000_000 + b'": 1}', "is unknown"),
        (b'{"imageBase64": "AAAA", "' + b"x" * 30_000_000 + b'": 1}', "is unknown"),
        (b'{"imageBase64": "' + b"\xc3\xa9" * 15_000_000 + b'"}', "it has a character outside ASCII"),
        (b'{"imageBase64": "' + b" " * 40_000_000 + b'"}', "imageBase64 is empty"),
    ],
    ids=["members", "list", "key", "another key", "not ASCII", "white space"],
)
def test_large_malformed_messages(server: Server, body: bytes, detail: str) -> None:
    """Rejected with a short answer, and without blocking other requests for long."""
    pings: list[float] = []
    done = threading.Event()

    def ping() -> None:
        while not done.is_set():
            start = time.monotonic()
            httpx.get(f"{server.url}/ping", timeout=30)
            pings.append(time.monotonic() - start)

    pinging = threading.Thread(target=ping)
    pinging.start()
    response = httpx.post(
        f"{server.url}/upscale", content=body, headers={"Content-Type": "application/json"}, timeout=30
    )
    done.set()
    pinging.join()
    assert_problem(response, 400, "malformed_message", detail)
    assert len(response.content) < 1000
    assert max(pings) < 3
    assert_next_is_answered(server)


def test_options_of_json_belong_into_it(server: Server) -> None:
    response = httpx.post(f"{server.url}/upscale?quality=90", json={"imageBase64": base64_of(TINY)})
    assert_problem(response, 400, "malformed_message", "'quality': options belong in the JSON message")


def test_null_means_default(server: Server) -> None:
    message = {"imageBase64": base64_of(TINY), "format": None, "quality": None, "tiles": None}
    assert httpx.post(f"{server.url}/upscale", json=message).status_code == 200


def test_encodings(server: Server) -> None:
    headers = {"Content-Type": "image/png", "Content-Encoding": "gzip"}
    response = httpx.post(f"{server.url}/upscale", content=TINY, headers=headers)
    assert_problem(response, 415, "unsupported_media_type", "Content-Encoding gzip is not supported")


def tiff(*entries: tuple[int, int, int, int], pages: int = 1) -> bytes:
    """A TIFF of 16 x 1,000,000 px with `entries` (tag, type, count, value) in each directory, and its size."""
    size = [(256, 4, 1, 16), (257, 4, 1, 1_000_000)]
    data = b"II*\0"
    for _ in range(pages):
        table = b"".join(struct.pack("<HHII", *entry) for entry in sorted([*size, *entries]))
        start = len(data) + 4
        data += struct.pack("<IH", start, len(table) // 12) + table
    return data + bytes(4_000_000)


def strips_bomb(pages: int) -> bytes:
    """A TIFF of a million strips, or of many pages that share ten thousand. Pillow makes objects of each."""
    count = 1_000_000 if pages == 1 else 10_000
    return tiff((273, 4, count, 100), (279, 4, count, 100), pages=pages)


def tile_bomb() -> bytes:
    """A TIFF of 16 x 1,000,000 px in one tile of 1.6 gigapixels."""
    return tiff((322, 4, 1, 1600), (323, 4, 1, 1_000_000), (324, 4, 1, 100), (325, 4, 1, 100))


def twice_tiled_bomb() -> bytes:
    """The same, followed by harmless tags: decoders use the first ones."""
    return tiff((322, 4, 1, 1600), (322, 4, 1, 16), (323, 4, 1, 1_000_000), (323, 4, 1, 16), (324, 4, 1, 100))


def pointed_tile_bomb() -> bytes:
    """The same, with a width of eight bytes, which does not fit into the tag."""
    data = bytearray(tiff((322, 16, 1, 200), (323, 4, 1, 1_000_000), (324, 4, 1, 100)))
    data[200:208] = struct.pack("<Q", 1600)
    return bytes(data)


def short_pointer_bomb() -> bytes:
    """A TIFF whose large EXIF directory is referred to by an offset of two bytes."""
    data = bytearray(tiff((0x8769, 3, 1, 0xFFFF_0000 + 200)))
    data[200:214] = struct.pack("<HHHII", 1, 0x9300, 5, 300_000, 300)
    return bytes(data)


# Points beyond the end of the file; Pillow ignores it.
DANGLING = (0x8769, 4, 1, 0xFFFF_FFF0)


def dangling_strips_bomb() -> bytes:
    return tiff((273, 4, 1_000_000, 100), (279, 4, 1_000_000, 100), DANGLING)


def dangling_tile_bomb() -> bytes:
    return tiff((322, 4, 1, 1600), (323, 4, 1, 1_000_000), (324, 4, 1, 100), (325, 4, 1, 100), DANGLING)


def page(*entries: tuple[int, int, int, int], following: int = 0) -> bytes:
    """The directory of a TIFF page of 2 x 2 px, with more entries."""
    own = [(256, 3, 1, 2), (257, 3, 1, 2), (258, 3, 1, 8), (262, 3, 1, 1), (273, 4, 1, 8)]
    table = b"".join(struct.pack("<HHII", *entry) for entry in sorted([*own, *entries]))
    return struct.pack("<H", len(table) // 12) + table + struct.pack("<I", following)


def hidden_pages_bomb() -> bytes:
    """A TIFF whose EXIF pointer refers to its second page, which is followed by 1,500 more."""
    first, size = 16, len(page())
    second = first + len(page((0x8769, 4, 1, 0)))
    places = [second + size * index for index in range(1501)]
    pages = [page(following=place) for place in (*places[1:], 0)]
    return (
        b"II*\0"
        + struct.pack("<I", first)
        + bytes(8)
        + page((0x8769, 4, 1, second), following=second)
        + b"".join(pages)
    )


def signed_pointer_bomb() -> bytes:
    """A TIFF whose large EXIF directory is referred to by a signed offset."""
    start = 16 + len(page((0x8769, 9, 1, 0)))
    exif = struct.pack("<HHHII", 1, 0x9999, 5, 300_000, start + 20) + bytes(4)
    return b"II*\0" + struct.pack("<I", 16) + bytes(8) + page((0x8769, 9, 1, start)) + exif + bytes(8 * 300_000)


def shared_exif_bomb() -> bytes:
    """A TIFF of 20 pages that share an EXIF directory of 100,000 numbers."""
    exif = struct.pack("<HHHII", 1, 0x9999, 5, 100_000, 40) + bytes(8 + 8 * 100_000)
    start, size = 16 + len(exif), len(page((0x8769, 4, 1, 16)))
    pages = [
        page((0x8769, 4, 1, 16), following=0 if left == 0 else start + size * (20 - left)) for left in range(19, -1, -1)
    ]
    return b"II*\0" + struct.pack("<I", start) + bytes(8) + exif + b"".join(pages)


def preview_tile_bomb(kind: int, count: int) -> bytes:
    """A TIFF with a tile of 1.6 gigapixels, marked as a preview in a way that Pillow does not read."""
    return tiff((254, kind, count, 1), (322, 4, 1, 1600), (323, 4, 1, 1_000_000), (324, 4, 1, 100), (325, 4, 1, 100))


def same_strips_bomb(lengths: int = 300_000) -> bytes:
    """A TIFF of 20 Deflate strips that share the same 300 kB."""
    start = 16 + 300_000
    strips = [(259, 3, 1, 8), (273, 4, 20, start), (278, 3, 1, 1), (279, 4, 20, start + 80)]
    table = struct.pack("<20I", *[16] * 20) + struct.pack("<20I", *[lengths] * 20)
    own = [(256, 3, 1, 20), (257, 3, 1, 20), (258, 3, 1, 8), (262, 3, 1, 1), *strips]
    entries = b"".join(struct.pack("<HHII", *entry) for entry in sorted(own))
    directory = struct.pack("<H", len(own)) + entries + bytes(4)
    return b"II*\0" + struct.pack("<I", start + 160) + bytes(8) + bytes(300_000) + table + directory


def lengths_bomb() -> bytes:
    """A TIFF page with 1,900 lists of 250,000 lengths, all at the same offset."""
    return tiff((259, 3, 1, 8), *((279, 4, 250_000, 30_000) for _ in range(1900)))


def pointed_lengths_bomb() -> bytes:
    """The same, each in its own directory that the page points to."""
    first = 8 + len(page(*((0x8769, 4, 1, 0) for _ in range(900))))
    inner = struct.pack("<HHHII", 1, 279, 4, 250_000, 60_000) + bytes(4)
    pointers = ((0x8769, 4, 1, first + len(inner) * index) for index in range(900))
    return b"II*\0" + struct.pack("<I", 8) + page(*pointers) + inner * 900 + bytes(2_000_000)


def text_bomb() -> bytes:
    """A TIFF of many pages that share a text of several megabytes."""
    return tiff((270, 2, 3_000_000, 5000), pages=50)


def tags_bomb() -> bytes:
    """A TIFF whose tags each point to a directory of thousands more."""
    return tiff(*((0x8769, 4, 1, 8) for _ in range(2500)))


def blocks_bomb() -> bytes:
    """A GIF with a million data blocks of one byte."""
    return encoded(photograph(9, 9), "GIF")[:-1] + b"!\xfe" + b"\1x" * 1_000_000 + b"\0;"


@pytest.mark.parametrize(
    ("data", "status", "code", "detail"),
    [
        (
            b"just text, and more of it",
            415,
            "unsupported_image_format",
            "which is not supported: send jpeg, png, webp, tiff, bmp, gif, avif or heic",
        ),
        (
            b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n",
            415,
            "unsupported_image_format",
            "which is not supported: send jpeg, png, webp, tiff, bmp, gif, avif or heic",
        ),
        (
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            415,
            "unsupported_image_format",
            "which is not supported: send jpeg, png, webp, tiff, bmp, gif, avif or heic",
        ),
        (
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
            415,
            "unsupported_image_format",
            "which is not supported: send jpeg, png, webp, tiff, bmp, gif, avif or heic",
        ),
        (
            encoded(photograph(4, 4), "TGA"),
            415,
            "unsupported_image_format",
            "which is not supported: send jpeg, png, webp, tiff, bmp, gif, avif or heic",
        ),
        (
            encoded(photograph(4, 4), "JPEG2000"),
            415,
            "unsupported_image_format",
            "which is not supported: send jpeg, png, webp, tiff, bmp, gif, avif or heic",
        ),
        (b"\0" * 1000, 415, "unsupported_image_format", "(jpeg, png, webp, tiff, bmp, gif, avif, heic)"),
        (JPEG[: len(JPEG) // 2], 422, "image_corrupt", "the image is truncated or corrupt"),
        (TINY[: len(TINY) - 20], 422, "image_corrupt", "the image is truncated or corrupt"),
        (wrong_crc(TINY), 422, "image_corrupt", "the image is truncated or corrupt"),
        (encoded(photograph(9, 9), "WEBP")[:-30], 422, "image_corrupt", "the image is truncated or corrupt"),
        (png_header(50_000, 50_000), 422, "image_too_large", "50000 x 50000 = 2500000000 px; at most 64000000"),
        (png_header(100_000, 100_000), 422, "image_too_large", "at most 64000000"),
        (png_header(8001, 8000), 422, "image_too_large", "8001 x 8000 = 64008000 px; at most 64000000"),
        (png_header(8, 8), 422, "image_corrupt", "the image is truncated or corrupt"),
        (progressive_bomb(), 422, "image_too_complex", "more than 500 scans"),
        (segment_bomb(), 422, "image_too_complex", "more than 1000 segments"),
        (TINY[:33] + 300_000 * png_chunk(b"zzZz") + TINY[33:], 422, "image_too_complex", "more than 20000 chunks"),
        (strips_bomb(1), 422, "image_too_complex", "more than 250000 numbers in its tags"),
        (strips_bomb(40), 422, "image_too_complex", "more than 250000 numbers in its tags"),
        (tile_bomb(), 422, "image_too_large", "tiles of 1600000000 px; at most 64000000"),
        (twice_tiled_bomb(), 422, "image_too_large", "tiles of 1600000000 px; at most 64000000"),
        (pointed_tile_bomb(), 422, "image_too_large", "tiles of 1600000000 px; at most 64000000"),
        (tiff((322, 5, 1, 100), (323, 4, 1, 16)), 422, "image_corrupt", "tag 322 is not an integer"),
        (tiff((322, 16, 1, 0xFFFF_FFF0), (323, 4, 1, 16)), 422, "image_corrupt", "tag 322 points beyond the end"),
        (tiff((322, 16, 0, 0), (323, 4, 1, 16)), 422, "image_corrupt", "tag 322 points beyond the end"),
        (dangling_strips_bomb(), 422, "image_too_complex", "more than 250000 numbers in its tags"),
        (dangling_tile_bomb(), 422, "image_too_large", "tiles of 1600000000 px; at most 64000000"),
        (tiff(DANGLING, pages=1500), 422, "too_many_frames", "more than 1000 frames or pages"),
        (lengths_bomb(), 422, "image_too_complex", "more than 250000 numbers in its tags"),
        (pointed_lengths_bomb(), 422, "image_too_complex", "more than 250000 numbers in its tags"),
        (hidden_pages_bomb(), 422, "too_many_frames", "more than 1000 frames or pages"),
        (signed_pointer_bomb(), 422, "image_too_complex", "more than 250000 numbers in its tags"),
        (shared_exif_bomb(), 422, "image_too_complex", "more than 250000 numbers in its tags"),
        (preview_tile_bomb(18, 1), 422, "image_too_large", "tiles of 1600000000 px; at most 64000000"),
        (preview_tile_bomb(4, 0), 422, "image_too_large", "tiles of 1600000000 px; at most 64000000"),
        (same_strips_bomb(), 422, "image_too_complex", "bytes in its strips"),
        (same_strips_bomb(0), 422, "image_corrupt", "the lengths of its strips are missing"),
        (
            b"MM\0+" + struct.pack(">I", 16) + bytes(100),
            415,
            "unsupported_image_format",
            "the file starts like tiff, but is damaged",
        ),
        (short_pointer_bomb(), 422, "image_too_complex", "more than 250000 numbers in its tags"),
        (JPEG[:20] + b"x" * 70_000 + JPEG[20:], 422, "image_too_complex", "more than 65536 bytes between segments"),
        (JPEG[:2] + b"\xff" * 70_000 + JPEG[2:], 422, "image_too_complex", "more than 65536 bytes between segments"),
        (text_bomb(), 422, "image_too_complex", "bytes in its tags"),
        (tags_bomb(), 422, "image_too_complex", "more than 2000 tags"),
        (blocks_bomb(), 422, "image_too_complex", "more than 500000 data blocks"),
        (encoded(photograph(9, 9), "TIFF")[:-30], 422, "image_corrupt", "the image is truncated or corrupt"),
        (encoded(photograph(9, 9), "GIF")[:-30], 422, "image_corrupt", "the image is truncated or corrupt"),
        (encoded(photograph(9, 9), "BMP")[:-30], 422, "image_corrupt", "the image is truncated or corrupt"),
        (
            encoded(Image.new("F", (8, 8)), "TIFF"),
            422,
            "unsupported_image_mode",
            "TIFF with floating-point samples is not supported",
        ),
        (
            encoded(Image.new("I", (8, 8)), "TIFF"),
            422,
            "unsupported_image_mode",
            "TIFF with signed samples is not supported",
        ),
        (b"BM, as in text", 415, "unsupported_image_format", "the file starts like bmp, but is damaged"),
    ],
    ids=lambda value: value[:12].hex() if isinstance(value, bytes) else None,
)
@pytest.mark.parametrize("form", ["json", "bytes"])
def test_bad_images(server: Server, form: str, data: bytes, status: int, code: str, detail: str) -> None:
    if form == "json":
        response = httpx.post(f"{server.url}/upscale", json={"imageBase64": base64_of(data)})
    else:
        response = server.upscale(data)
    assert_problem(response, status, code, detail)
    assert_next_is_answered(server)


HALF_TRANSPARENT = encoded(Image.new("RGBA", (6, 4), (200, 10, 10, 128)))
OPAQUE = encoded(Image.new("RGBA", (6, 4), (200, 10, 10, 255)))


def test_jpeg_of_a_transparent_picture(server: Server) -> None:
    response = server.upscale(HALF_TRANSPARENT, format="jpeg")
    assert_problem(
        response,
        422,
        "format_cannot_hold",
        "transparent parts, which jpeg can't hold: ask for png, webp, tiff, gif or avif",
    )
    assert opened(server.upscale(OPAQUE, format="jpeg").content).mode == "RGB"


def test_a_side_that_the_format_cannot_hold(server: Server) -> None:
    response = server.upscale(encoded(Image.new("RGB", (8192, 1))), format="webp")
    assert_problem(response, 422, "format_cannot_hold", "16384 px; webp holds at most 16383 px")
    assert (response.json()["limit"], response.json()["actual"]) == (16_383, 16_384)


def test_the_pixel_limit(small_server: Server) -> None:
    """An image of exactly the limit is accepted, one more row of pixels is not."""
    assert small_server.upscale(encoded(photograph(100, 100))).status_code == 200
    response = small_server.upscale(encoded(photograph(101, 100)))
    assert_problem(response, 422, "image_too_large", "100 x 101 = 10100 px; at most 10000 px")
    problem = response.json()
    assert (problem["limit"], problem["actual"], problem["setting"]) == (10_000, 10_100, "UPSCALER_MAX_PIXELS")
    assert_next_is_answered(small_server)


def test_a_webp_that_would_take_too_much_memory(shared_server: StartServer) -> None:
    """Its pixels count three times, and all other formats' once. The estimate says the same."""
    server = shared_server(UPSCALER_MAX_PIXELS="6000", UPSCALER_QUEUE_PIXELS="9000")
    fits, large = encoded(photograph(50, 60)), encoded(photograph(51, 60))
    assert server.upscale(fits, format="webp").status_code == 200
    assert server.upscale(large, format="png").status_code == 200
    estimate = httpx.get(f"{server.url}/estimate?width=60&height=51&format=webp")
    for response in (server.upscale(large, format="webp"), estimate):
        assert_problem(response, 422, "image_too_large", "3060 px; at most 3000 px are accepted for webp")
        problem = response.json()
        assert (problem["limit"], problem["actual"], problem["setting"]) == (3000, 3060, "UPSCALER_QUEUE_PIXELS")
    assert httpx.get(f"{server.url}/estimate?width=60&height=51").json()["plain"] is True


def test_a_picture_that_would_take_too_long(shared_server: StartServer) -> None:
    server = shared_server(UPSCALER_TIMEOUT="1", UPSCALER_PRECISION="fp32")
    response = server.upscale(encoded(photograph(3000, 3000), "JPEG"))
    assert_problem(response, 422, "estimate_over_deadline", "3000 x 3000 px would take about")
    assert response.json()["detail"].endswith(
        ": send a smaller image, ask for a stream, which may take longer, or send it as a job, which may take any time"
    )
    problem = response.json()
    assert problem["limit"] == 1
    assert problem["actual"] > 1
    assert problem["setting"] == "UPSCALER_TIMEOUT"
    assert_next_is_answered(server)


@pytest.mark.alone
def test_a_picture_that_takes_too_long(start_server: StartServer) -> None:
    """The image would be finished in time, but the process is frozen meanwhile."""
    server = start_server(UPSCALER_PRECISION="fp32", UPSCALER_TIMEOUT="4", UPSCALER_TILE="16")
    answers: list[httpx.Response] = []
    ask = threading.Thread(target=lambda: answers.append(server.upscale(encoded(photograph(100, 100), "JPEG"))))
    ask.start()
    while ask.is_alive() and not httpx.get(f"{server.url}/estimate?width=1&height=1").json()["ahead"]:
        pass
    with server.frozen():
        time.sleep(4.5)
    ask.join()
    assert_problem(answers[0], 504, "deadline_passed", "was not finished within 4 s")
    assert answers[0].json()["hint"] == "raise UPSCALER_TIMEOUT on the server to give requests more time"
    assert_next_is_answered(server)


@pytest.mark.alone
def test_what_can_not_be_finished_in_time_is_refused_at_once(
    start_server: StartServer, shared_server: StartServer
) -> None:
    """Fourteen images when there is time for a few: admitted ones are finished, the others get a Retry-After."""
    picture = encoded(photograph(400, 400), "JPEG")
    unhurried = shared_server(UPSCALER_PRECISION="fp32")
    seconds = min(infer_seconds(unhurried.upscale(picture)) for _ in range(2))
    server = start_server(UPSCALER_PRECISION="fp32", UPSCALER_TIMEOUT=f"{4 * seconds:.3f}")
    answers: list[httpx.Response] = []
    threads = [threading.Thread(target=lambda: answers.append(server.upscale(picture))) for _ in range(14)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused = [answer for answer in answers if answer.status_code != 200]
    assert 1 <= 14 - len(refused) <= 4
    for answer in refused:
        assert_problem(answer, 429, "queue_full", "with the images in progress, not all could be finished in time")
        assert 1 <= int(answer.headers["Retry-After"]) <= 4 * seconds + 1
    assert_next_is_answered(server)


@pytest.mark.alone
def test_pictures_that_fill_the_memory_are_refused_before_they_are_decoded(start_server: StartServer) -> None:
    server = start_server(UPSCALER_QUEUE_PIXELS="1000000", UPSCALER_PRECISION="fp32", UPSCALER_TIMEOUT="600")
    with streamed(server, encoded(photograph(1500, 1500), "JPEG")) as working:
        assert working.status_code == 200
        cut_off = encoded(photograph(100, 200), "JPEG")[:-200]  # decoding would fail
        response = server.upscale(cut_off)
        assert_problem(
            response,
            429,
            "queue_full",
            "this image has 20000 px; together with the images in progress that makes 2270000 px",
        )
        problem = response.json()
        assert (problem["limit"], problem["actual"]) == (1_000_000, 2_270_000)
        assert problem["setting"] == "UPSCALER_QUEUE_PIXELS"
        assert int(response.headers["Retry-After"]) >= 1
    assert wait_for(lambda: server.upscale(TINY).status_code == 200)
    assert_next_is_answered(server)
