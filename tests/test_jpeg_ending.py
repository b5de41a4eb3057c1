"""JPEGs that end early, and what follows a JPEG's picture in its file."""

import io
import itertools

import httpx
import numpy as np
import pytest
import pyvips
from conftest import Server, encoded, opened, photograph
from PIL import Image, ImageFile

from superscaling.errors import ImageCorrupt, ImageTooComplex, UnsupportedImage
from superscaling.pictures import Limits, decode
from superscaling.pictures.containers.jpeg_outline import outline_jpeg

LIMITS = Limits(pixels=1_000_000, frames=10)
PHOTO = Image.fromarray(photograph(160, 200))
KINDS = {
    "baseline": encoded(PHOTO, "JPEG", quality=90),
    "4:4:4": encoded(PHOTO, "JPEG", quality=95, subsampling=0),
    "restarts": encoded(PHOTO, "JPEG", quality=90, restart_marker_rows=1),
    "restarts-in-rows": encoded(PHOTO, "JPEG", quality=90, restart_marker_blocks=5),
    "grey": encoded(PHOTO.convert("L"), "JPEG", quality=90),
    "cmyk": encoded(PHOTO.convert("CMYK"), "JPEG", quality=90),
    "progressive": encoded(PHOTO, "JPEG", quality=90, progressive=True),
    "progressive-4:4:4": encoded(PHOTO, "JPEG", quality=95, subsampling=0, progressive=True),
    "progressive-grey": encoded(PHOTO.convert("L"), "JPEG", quality=90, progressive=True),
    "progressive-cmyk": encoded(PHOTO.convert("CMYK"), "JPEG", quality=90, progressive=True),
}
BASELINE = [name for name in KINDS if "progressive" not in name]
END = b"\xff\xd9"
SCAN = b"\xff\xda"


def notes_of(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return str(answer.headers.get("X-Upscaler-Notes", ""))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cut", [1, 2])
def test_without_the_end_mark(server: Server, kind: str, cut: int) -> None:
    sound = server.upscale(KINDS[kind], format="tiff")
    answer = server.upscale(KINDS[kind][:-cut], format="tiff")
    assert notes_of(sound) == ""
    assert notes_of(answer) == "the file lacks its end mark; the picture is complete"
    assert answer.content == sound.content


@pytest.mark.parametrize("ending", [b"", END, bytes(3000)], ids=["cut", "with-end-mark", "reserved"])
@pytest.mark.parametrize("kind", BASELINE)
def test_without_the_last_rows(kind: str, ending: bytes) -> None:
    """What is left is as in the whole file, and as libvips shows it; the note says how much is missing."""
    data = KINDS[kind]
    whole, cut = decode(data, LIMITS), decode(data[: len(data) * 92 // 100] + ending, LIMITS)
    (note,) = cut.notes
    words = note.split()
    missing = int(words[words.index("last") + 1])
    assert "missing" in note
    assert 0 < missing <= 40
    left = 160 - missing - 1  # where colours have half resolution, the row above is blended with the grey
    assert (cut.frames[0].colour[:left] == whole.frames[0].colour[:left]).all()
    assert (cut.frames[0].colour[left + 1 :] != whole.frames[0].colour[left + 1 :]).any()
    if kind in ("baseline", "4:4:4"):
        seen = pyvips.Image.new_from_buffer(data[: len(data) * 92 // 100], "", fail_on="none").numpy()
        assert np.abs(seen[:left].astype(int) - cut.frames[0].colour[:left]).mean() < 2


@pytest.mark.parametrize("kind", [name for name in KINDS if "progressive" in name])
def test_without_the_last_bits(kind: str) -> None:
    data = KINDS[kind]
    whole, cut = decode(data, LIMITS), decode(data[: len(data) * 99 // 100], LIMITS)
    assert cut.notes == ("the file ends early: its finest details are incomplete",)
    assert np.abs(whole.frames[0].colour.astype(int) - cut.frames[0].colour).mean() < 3


@pytest.mark.parametrize("ending", [b"", bytes(5000)], ids=["cut", "reserved"])
@pytest.mark.parametrize("kind", KINDS)
def test_half_a_file_is_corrupt(server: Server, kind: str, ending: bytes) -> None:
    answer = server.upscale(KINDS[kind][: len(KINDS[kind]) // 2] + ending)
    assert (answer.status_code, answer.json()["code"]) == (422, "image_corrupt")


@pytest.mark.parametrize("kind", BASELINE)
def test_half_a_file_with_an_end_mark_is_corrupt(kind: str) -> None:
    with pytest.raises(ImageCorrupt, match="rows are missing"):
        decode(KINDS[kind][: len(KINDS[kind]) // 2] + END, LIMITS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_cut_is_a_refusal_or_noted(kind: str) -> None:
    data, shares = KINDS[kind], []
    for length in range(20, len(data), len(data) // 40):
        try:
            assert decode(data[:length], LIMITS).notes
            shares.append(length / len(data))
        except (ImageCorrupt, UnsupportedImage):  # within the header it is not known to be one
            assert not shares, "a shorter file was accepted"
    assert not shares or shares[0] > 0.6


def test_a_grey_picture_is_no_missing_one() -> None:
    assert decode(encoded(Image.new("RGB", (50, 40), (128, 128, 128)), "JPEG"), LIMITS).notes == ()


def test_low_pictures_may_lack_a_row_of_blocks() -> None:
    data = encoded(PHOTO.crop((0, 0, 200, 48)), "JPEG", quality=90)
    (note,) = decode(data[: len(data) * 85 // 100], LIMITS).notes
    assert "the last 16 of its 48 rows" in note


def test_early_scans_are_required() -> None:
    data = KINDS["progressive"]
    places = [place for place in range(len(data)) if data.startswith(SCAN, place)]
    for place in places[1:-3]:
        with pytest.raises(ImageCorrupt):
            decode(data[:place], LIMITS)


def mpo(count: int) -> bytes:
    pictures = [Image.fromarray(photograph(40, 40, seed)) for seed in range(count)]
    return encoded(pictures[0], "MPO", save_all=True, append_images=pictures[1:], progressive=True)


@pytest.mark.parametrize(
    "behind",
    [
        b"\0\0\0\x18ftypmp42\0\0\0\0isommp42" + (SCAN + bytes(7)) * 5000,
        b"PK\3\4" + KINDS["progressive"] * 60,
        (b"\xff\xe1\xff\xffExif\0\0" + bytes(100)) * 5000,
        b"\xff\xe1\0\x04" * 5000,
        np.random.default_rng(0).bytes(2_000_000),
    ],
    ids=["motion-photo", "appended-archive", "EXIF", "segments", "random"],
)
def test_what_follows_the_picture_does_not_count(server: Server, behind: bytes) -> None:
    answer = server.upscale(KINDS["baseline"] + behind, format="png")
    assert answer.content == server.upscale(KINDS["baseline"], format="png").content


def test_many_previews_are_fine() -> None:
    assert "60 images" in decode(mpo(60), LIMITS).notes[0]


def bomb(kind: str) -> bytes:
    """A progressive JPEG with its last scan a thousand times; without an end mark, too."""
    data = KINDS["progressive"]
    last = data[data.rindex(SCAN) : -2]
    return data[:-2] + last * 1000 + (END if kind == "ended" else b"")


@pytest.mark.parametrize("kind", ["ended", "cut"])
def test_scans_in_the_picture_count(server: Server, kind: str) -> None:
    answer = server.upscale(bomb(kind))
    assert (answer.status_code, answer.json()["code"]) == (422, "image_too_complex")


def test_segments_with_a_wrong_length() -> None:
    data = KINDS["baseline"]
    scan = data.index(SCAN)
    for length in (b"\0\0", b"\0\1", b"\xff\xff"):
        with pytest.raises(ImageCorrupt):
            decode(data[:scan] + b"\xff\xfe" + length, LIMITS)


SEGMENT = b"\xff\xfe\0\x06text"


@pytest.mark.parametrize(
    ("before", "comments"),
    [
        (SEGMENT, (b"text",)),
        (b"\xff\xfe\0\0" + SEGMENT, (b"text",)),
        (b"\xff\xfe\0\1" + SEGMENT, (b"text",)),
        (b"junk\xff\xff" + SEGMENT, (b"text",)),
    ],
    ids=["plain", "length 0", "length 1", "junk"],
)
def test_the_picture_and_its_description_come_from_one_walk(before: bytes, comments: tuple[bytes, ...]) -> None:
    data = KINDS["baseline"]
    frame = decode(data[:20] + before + data[20:], LIMITS).frames[0]
    assert frame.metadata.comments == comments
    assert (frame.colour == decode(data, LIMITS).frames[0].colour).all()


@pytest.mark.parametrize("mark", [END, b"\xff\xd8"], ids=["end", "start"])
def test_what_follows_an_end_in_the_head_is_no_picture(mark: bytes) -> None:
    data = KINDS["baseline"]
    outline = outline_jpeg(data[:20] + mark + SEGMENT + data[20:])
    assert [segment.marker for segment in outline.head] == [0xE0]
    with pytest.raises((ImageCorrupt, UnsupportedImage)):
        decode(data[:20] + mark + SEGMENT + data[20:], LIMITS)


@pytest.mark.parametrize("junk", [SEGMENT * 1001, bytes(1 << 17)], ids=["segments", "bytes"])
def test_the_head_is_bounded(junk: bytes) -> None:
    data = KINDS["baseline"]
    with pytest.raises(ImageTooComplex):
        decode(data[:20] + junk + data[20:], LIMITS)


def test_other_formats_that_lack_their_last_bytes() -> None:
    gif = encoded(PHOTO, "GIF")
    assert decode(gif[:-1], LIMITS).frames[0].width == 200
    webp = encoded(PHOTO, "WEBP")
    for data, garbage in itertools.product((gif, webp), (b"\0", b"garbage" * 100)):
        assert decode(data + garbage, LIMITS).frames[0].width == 200


def test_nothing_leaks_to_other_files() -> None:
    decode(KINDS["baseline"][:-2], LIMITS)
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
    with pytest.raises(OSError, match="truncated"):
        Image.open(io.BytesIO(KINDS["baseline"][:-2])).load()
    assert opened(KINDS["baseline"]).size == (200, 160)
