"""Files that are made to cost time cost little: by the codec, in the processes that would pay."""

import contextlib
import struct
import time
import zlib
from collections.abc import Iterator

import numpy as np
import pytest
from conftest import encoded, photograph, png_chunk
from hostile_files import HOSTILE, LENGTH, PROFILE, bmp, claiming, gif, png
from metadata_files import PNG_HEAD, XMP_NAME, jpeg_with, png_with
from pictures import IMAGE, RGB
from PIL import Image
from test_avif_heic import box_at, heic

from http_edge import negotiation
from message_protocol import UpscaleInput
from superscaling.errors import ImageCorrupt, ImageTooComplex, ServiceError
from superscaling.format_name import FormatName
from superscaling.geometry import Box
from superscaling.pictures import Limits, answer_format, decode, encode, name_foreign_image
from superscaling.pictures.metadata import photoshop, xmp, xmp_geometry, xmp_regions, xmp_text
from superscaling.pictures.metadata.resizing import Resizing
from superscaling.pictures.metadata.turning import NO_TURN
from superscaling.recognition.bmff import read_heif

LIMITS = Limits(pixels=1_000_000, frames=100)
# s of CPU time, which no test here needs half of; without the limits, the fastest took 1.9.
MAX_SECONDS = 1.5


@contextlib.contextmanager
def soon() -> Iterator[None]:
    start = time.thread_time()
    yield
    assert time.thread_time() - start < MAX_SECONDS


def xmp_png(packet: bytes) -> bytes:
    return png_with(png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(packet)))


def with_prefixes(namespace: bytes, count: int, length: int = 0) -> bytes:
    declared = b" ".join(b'xmlns:p%d="%s" p%d:PixelXDimension="20"' % (at, namespace, at) for at in range(count))
    return b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a ' + declared + b"/>" + b" " * length + b"</x:xmpmeta>"


@pytest.mark.parametrize(
    "namespace", [xmp_geometry.EXIF, xmp_geometry.TIFF, xmp.CONTAINER, xmp_geometry.PANORAMA, xmp.ANNOUNCEMENTS[0][0]]
)
def test_xmp_with_many_prefixes(namespace: bytes) -> None:
    data = xmp_png(with_prefixes(namespace, 2500, 1_800_000))
    with soon():
        answer = encode(decode(data, LIMITS), FormatName.PNG, None, 92)
    assert answer.notes == ("left out: XMP that can't be read",)


def test_xmp_with_some_prefixes_is_corrected() -> None:
    count = xmp.MAX_PREFIXES
    data = xmp_png(with_prefixes(xmp_geometry.EXIF, count, 1_800_000).replace(b'"20"', b'"4"'))
    with soon():
        answer = encode(decode(data, LIMITS), FormatName.PNG, None, 92)
    assert answer.notes == ()
    assert answer.data.count(b':PixelXDimension="20"') == count


def test_a_very_long_packet_is_named() -> None:
    answer = encode(
        decode(xmp_png(with_prefixes(xmp_geometry.EXIF, 1, xmp_text.MAX_XMP)), LIMITS), FormatName.PNG, None, 92
    )
    assert answer.notes == ("left out: XMP of more than 2 MiB",)


def test_the_metadata_of_an_animation_is_fitted_once() -> None:
    frames = [IMAGE.rotate(3 * angle) for angle in range(100)]
    packet = with_prefixes(xmp_geometry.EXIF, xmp.MAX_PREFIXES, 1_000_000)
    data = encoded(frames[0], "PNG", save_all=True, append_images=frames[1:], duration=50)
    text = png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet)
    picture = decode(data[:PNG_HEAD] + text + data[PNG_HEAD:], LIMITS)
    assert len(picture.frames) > 90
    with soon():
        assert b"PixelXDimension" in encode(picture, FormatName.PNG, None, 92).data


@pytest.mark.parametrize(
    "text",
    [
        b"<!---->" * 60,
        b"<!-- -->\n " * 300,
        b"<?a?>" * 700,
        b"<!DOCTYPE svg>" * 200,
        b" " * 4000,
        b"<!-- -- > " * 400,
    ],
)
@pytest.mark.parametrize("end", [b"", b"<sv", b"<htm", b"<svg>", b"<html>"])
def test_texts_with_many_comments(text: bytes, end: bytes) -> None:
    with soon():
        named = name_foreign_image(text + end)
    if end == b"<svg>" and not text.endswith(b"> "):
        assert named == "SVG"


def test_comments_before_svg_are_passed() -> None:
    assert name_foreign_image(b"<!-- a --> <!-- > --><!-- <svg -->\n<svg>") == "SVG"
    assert name_foreign_image(b"<!-- a --> <!-- > --><!-- <svg -->\n<html>") is None


def heif_with(kind: bytes, content: bytes) -> bytes:
    """An AVIF with another box of that kind."""
    data = encoded(RGB, "AVIF")
    path = (b"meta", b"iprp", b"ipma") if kind == b"ipma" else (b"meta", b"iloc")
    place = box_at(data, *path)
    meta = box_at(data, b"meta")
    changed = data[: place.start - 8] + struct.pack(">I4s", 8 + len(content), kind) + content + data[place.end :]
    more = len(content) - (place.end - place.start)
    for outer in (meta, *([box_at(data, b"meta", b"iprp")] if kind == b"ipma" else [])):
        size = struct.pack(">I", outer.end - outer.start + 8 + more)
        changed = changed[: outer.start - 8] + size + changed[outer.start - 4 :]
    return changed


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (b"ipma", struct.pack(">II", 0, 1_000_000) + bytes(3_000_000)),
        (b"iloc", struct.pack(">IHI", 2 << 24, 0x4400, 1_000_000) + bytes(10_000_000)),
    ],
)
def test_items_without_links(kind: bytes, content: bytes) -> None:
    data = heif_with(kind, content)
    with soon(), pytest.raises(ImageTooComplex, match="more than 4000"):
        read_heif(data)


def test_negotiation_looks_at_the_head_of_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = list[bytes]()

    def spy(data: bytes) -> FormatName | None:
        seen.append(data)
        return answer_format(data)

    monkeypatch.setattr(negotiation, "answer_format", spy)
    form = negotiation.negotiate("*/*").answer_form(sent_json=False)
    assert form.format_for(UpscaleInput.from_bytes(heic(IMAGE) + bytes(1_000_000), {})) is None
    assert [len(each) for each in seen] == [1 << 16]


@pytest.mark.parametrize(
    "hostile",
    [
        b"<rdf:li>",
        b'<rdf:li stArea:x="0.5" stArea:y="0.5"/>',
        b"<tiff:XResolution>1/3",
        b"<exif:SubjectArea/>",
        b'<rdf:li r:Rectangle="0.11111111111111111111, 0.11111111111111111111, 0.1' + b" " * 1000,
    ],
)
def test_places_in_a_large_packet(hostile: bytes) -> None:
    """As they are read where the result shows a part of the picture."""
    names = b'xmlns:rs="%s" xmlns:stArea="%s" xmlns:r="%s" xmlns:exif="%s" xmlns:tiff="%s"' % (
        xmp_regions.MWG, xmp_regions.AREA, xmp_regions.MICROSOFT_REGION, xmp_geometry.EXIF, xmp_geometry.TIFF
    )  # fmt: skip
    content = hostile * (1_000_000 // len(hostile))
    packet = b"<a %s><rs:Regions><rdf:Bag>%s</rdf:Bag></rs:Regions></a>" % (names, content)
    with soon(), contextlib.suppress(ValueError):
        xmp_geometry.resize(packet, Resizing((12, 20), Box(0, 4, 12, 16), (24, 24)))


def test_a_large_path_of_photoshop() -> None:
    path = b"8BIM\x07\xd0\0\0" + struct.pack(">I", 7_800_000) + struct.pack(">H6i", 1, *[1 << 20] * 6) * 300_000
    with soon():
        resized, lost = photoshop.resize(path, Resizing((12, 20), Box(0, 4, 12, 16), (24, 24)))
    assert (len(resized or b""), lost) == (len(path), ())


def test_large_resources_of_photoshop() -> None:
    resource = b"8BIM\x04\x0a\0\0" + struct.pack(">I", 60_000) + bytes(60_000)
    data = resource * 1000
    with soon():
        read = photoshop.read_resources(data, NO_TURN)
    assert read.others == data


def test_xmp_of_a_jpeg_with_many_prefixes() -> None:
    packet = with_prefixes(xmp_geometry.TIFF, 900)
    with soon():
        answer = encode(decode(jpeg_with((0xE1, XMP_NAME + packet)), LIMITS), FormatName.JPEG, 92, 92)
    assert answer.notes == ("left out: XMP that can't be read",)


# Any size that a service takes by default, as that is what files claim.
ALL = Limits(pixels=64_000_000, frames=1000)


@pytest.mark.parametrize("name", HOSTILE)
def test_repetitive_files(name: str) -> None:
    data = HOSTILE[name](LENGTH)
    with soon(), contextlib.suppress(ServiceError):
        picture = decode(data, ALL)
        encode(picture, picture.format, None, 92)


def test_extensions_of_a_gif_are_counted() -> None:
    most = b"!\xfe\0" * 20_000
    frame = encoded(IMAGE, "GIF")
    place = frame.index(b",")
    assert decode(frame[:place] + most + frame[place:], LIMITS).sizes == [(IMAGE.height, IMAGE.width)]
    with pytest.raises(ImageTooComplex, match="more than 20000 extensions"):
        decode(gif(most + b"!\xfe\0"), LIMITS)


def test_one_profile_of_a_png_is_unpacked() -> None:
    first = png_chunk(b"iCCP", b"a\0\0" + zlib.compress(b"the first"))
    (frame,) = decode(png(first + 1900 * PROFILE), LIMITS).frames
    assert frame.metadata.icc == b"the first"
    assert frame.metadata.lost == ("damaged PNG chunks (iCCP)",)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"optimize": True, "progressive": True}], ids=str)
@pytest.mark.parametrize("sampling", ["4:4:4", "4:2:0"])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_flat_jpegs_have_the_least_data(mode: str, sampling: str, options: dict[str, bool]) -> None:
    """Each is the smallest of its kind, and whole."""
    flat = np.asarray(IMAGE.resize((1, 1)).convert(mode).resize((1003, 501)))
    data = encoded(Image.fromarray(flat, mode), "JPEG", subsampling=sampling, **options)
    assert decode(data, LIMITS).notes == ()
    with pytest.raises(ImageCorrupt, match="its data suffice for"):
        decode(claiming(data, 5000, 5000), ALL)


def test_a_jpeg_may_still_lack_a_quarter() -> None:
    data = encoded(photograph(400, 400), "JPEG")
    (note,) = decode(data[: len(data) * 9 // 10], LIMITS).notes
    assert "rows are missing" in note


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\3\1\0\0\3\2\0\0\0\1", [[2, 2, 2], [1, 1, 1]]),
        (b"\1\1\1\2\1\3\0\0\1\1\1\2\1\3\0\0\0\1", [[1, 2, 3], [1, 2, 3]]),
        (b"\0\3\1\2\3\0\0\0\0\3\1\2\3\0\0\0\0\1", [[1, 2, 3], [1, 2, 3]]),
        (b"\0\2\1\0\0\2\1\0\1\3\0\0\0\2\1\0\0\2\1\0\1\3\0\1", [[0, 0, 3], [0, 0, 3]]),
    ],
    ids=["runs", "runs of one", "as they are", "moves"],
)
@pytest.mark.parametrize("behind", [0, 100_000])
def test_runs_of_a_bmp(data: bytes, expected: list[list[int]], behind: int) -> None:
    """Also in the longest way of writing them, and before other bytes."""
    file = bytearray(bmp(3, 2, 1, data + bytes(behind)))
    file[54 : 54 + 16] = bytes(level for index in range(4) for level in (index, index, index, 0))
    (frame,) = decode(bytes(file), LIMITS).frames
    assert frame.colour[:, :, 0].tolist() == expected
