"""Each kind of metadata, through the service, to each format: as the table in docs/formats.md says."""

import re
import struct

import pytest
from conftest import ROOT, Server, encoded
from metadata_files import KINDS
from pictures import GREY, IMAGE, PALETTE, RGB
from test_avif_heic import avif, heic

from superscaling.format_name import FormatName
from superscaling.pictures import Limits, decode

LIMITS = Limits(pixels=1_000_000, frames=10)


def table() -> list[tuple[str, str, str]]:
    """Kind, format and what becomes of the kind there."""
    text = (ROOT / "docs" / "formats.md").read_text()
    rows = re.findall(r"^\| (.+) \|$", text[text.index("## Metadata") :].partition("\n- ")[0], re.MULTILINE)
    (_, *formats), *kinds = (row.split(" | ") for row in rows)
    return [(kind, name, cell) for kind, *cells in kinds for name, cell in zip(formats, cells, strict=True)]


def test_the_table_is_complete() -> None:
    assert {(kind, name) for kind, name, _ in table()} == {(kind, name) for kind in KINDS for name in FormatName}


@pytest.mark.parametrize(("kind", "name", "fate"), table())
def test_the_table(server: Server, kind: str, name: str, fate: str) -> None:
    sent = KINDS[kind]
    answer = server.upscale(sent.data, format=name)
    assert answer.status_code == 200, answer.text
    notes = answer.headers.get("X-Upscaler-Notes", "")
    assert fate in ("carried", "named")
    assert sent.is_in(answer.content) == (fate == "carried")
    assert (sent.word in notes) == (fate == "named"), notes


WEBP, BMP = encoded(RGB, "WEBP"), encoded(RGB, "BMP")
MORE = b"something else " * 50
BEHIND = {
    "jpeg": encoded(RGB, "JPEG"),
    "png": encoded(RGB),
    "webp": WEBP,
    "animated webp": encoded(IMAGE, "WEBP", save_all=True, append_images=[IMAGE.rotate(90)], duration=50),
    "gif": encoded(PALETTE, "GIF"),
    "animated gif": encoded(IMAGE, "GIF", save_all=True, append_images=[IMAGE.rotate(90)], duration=50),
    "bmp": BMP,
    "bmp without a length": BMP[:2] + bytes(4) + BMP[6:],
    "bmp with too small a length": BMP[:2] + struct.pack("<I", 100) + BMP[6:],
}


def lost(data: bytes) -> tuple[str, ...]:
    return decode(data, LIMITS).frames[0].metadata.lost


@pytest.mark.parametrize("kind", BEHIND)
def test_data_behind_a_picture(kind: str) -> None:
    assert lost(BEHIND[kind] + MORE) == ("750 bytes behind the picture",)
    for padding in (b"", b"\n", bytes(1000)):
        assert lost(BEHIND[kind] + padding) == ()


def webp_with(name: bytes, content: bytes) -> bytes:
    """An extended WebP with another chunk."""
    data = encoded(RGB, "WEBP", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0", lossless=True)
    chunk = name + struct.pack("<I", len(content)) + content
    return data[:4] + struct.pack("<I", len(data) - 8 + len(chunk)) + data[8:] + chunk


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


CREDENTIALS = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (webp_with(b"C2PA", b"jumb" * 10), ("WebP chunks (C2PA)",)),
        (webp_with(b"C2PA", b"jumb" * 10) + MORE, ("WebP chunks (C2PA)", "750 bytes behind the picture")),
        (avif(IMAGE), ()),
        (avif(IMAGE) + bytes(100), ()),
        (avif(IMAGE) + box(b"free", MORE), ()),
        (avif(IMAGE) + box(b"uuid", CREDENTIALS + MORE), ("Content Credentials",)),
        (avif(IMAGE) + box(b"uuid", bytes(16) + MORE) + box(b"abcd", MORE), ("boxes (uuid, abcd)",)),
        (heic(GREY), ()),
        (heic(GREY) + box(b"uuid", CREDENTIALS + MORE), ("Content Credentials",)),
        (heic(GREY) + box(b"mpvd", MORE), ("the motion photo's video",)),
    ],
    ids=["webp", "webp+", "avif", "zeros", "free", "avif c2pa", "other boxes", "heic", "heic c2pa", "heic video"],
)
def test_unknown_parts_are_named(data: bytes, words: tuple[str, ...]) -> None:
    assert lost(data) == words
