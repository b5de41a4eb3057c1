"""AVIF, read and written, and HEIC, read: through the service, with independent encoders and decoders."""

import base64
import contextlib
import io
import struct
from collections.abc import Callable

import httpx
import numpy as np
import piexif
import pillow_heif
import pytest
import pyvips
from conftest import Server, encoded, opened, photograph, psnr
from pictures import ALPHA, GREY, IMAGE, PROFILE, RGB, RGBA, SECOND_DECODERS
from PIL import Image, ImageOps
from test_metadata import DISPLAY_P3, XMP

from superscaling.errors import (
    FormatCannotHold,
    ImageCorrupt,
    ImageTooComplex,
    ImageTooLarge,
    Unprocessable,
    UnsupportedImage,
    UnsupportedMode,
)
from superscaling.format_name import FormatName
from superscaling.pictures import Limits, answer_format, check_can_hold, decode, encode, inspect
from superscaling.recognition.bmff import Box, boxes

LIMITS = Limits(pixels=1_000_000, frames=100)
EXIF = piexif.dump({"0th": {piexif.ImageIFD.Make: b"Us", piexif.ImageIFD.Orientation: 6}, "Exif": {}})
LARGE = Image.fromarray(photograph(48, 80))


def heic(image: Image.Image, *others: Image.Image, **options: object) -> bytes:
    """A HEIC file; by pillow-heif, whose encoder the service does not have."""
    file = pillow_heif.from_pillow(image)
    for other in others:
        file.add_from_pillow(other)
    data = io.BytesIO()
    file.save(data, quality=95, chroma=444, **options)
    return data.getvalue()


def avif(image: Image.Image, **options: object) -> bytes:
    return encoded(image, "AVIF", quality=95, subsampling="4:4:4", **options)


def notes_of(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return str(answer.headers.get("X-Upscaler-Notes", ""))


Writer = Callable[..., bytes]
WRITERS: dict[str, Writer] = {"avif": avif, "heic": heic}


@pytest.fixture(params=WRITERS.values(), ids=list(WRITERS))
def write(request: pytest.FixtureRequest) -> Writer:
    writer: Writer = request.param
    return writer


def test_heic_is_answered_as_jpeg_with_a_note(server: Server) -> None:
    answer = server.upscale(heic(LARGE))
    assert notes_of(answer) == "HEIC can't be written; answered as JPEG"
    assert (opened(answer.content).format, opened(answer.content).size) == ("JPEG", (160, 96))
    reference = np.asarray(opened(server.upscale(encoded(LARGE), format="png").content))
    assert psnr(np.asarray(opened(answer.content)), reference) > 36


def test_transparent_heic_is_answered_as_png_with_a_note(server: Server) -> None:
    answer = server.upscale(heic(RGBA))
    assert notes_of(answer) == "HEIC can't be written; answered as PNG"
    assert opened(answer.content).mode == "RGBA"
    refused = server.upscale(heic(RGBA), format="jpeg")
    assert (refused.status_code, refused.json()["code"]) == (422, "format_cannot_hold")


@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "avif"])
def test_heic_is_answered_as_asked(server: Server, name: str) -> None:
    answer = server.upscale(heic(LARGE), format=name)
    assert notes_of(answer) == ""
    assert answer.headers["Content-Type"] == f"image/{name}"


@pytest.mark.parametrize(
    ("accept", "media_type", "is_noted"),
    [
        ("*/*", "image/jpeg", True),
        ("image/avif,image/webp,image/*,*/*;q=0.8", "image/jpeg", True),
        ("image/avif", "image/avif", False),
        ("image/png;q=0.5, image/webp", "image/webp", False),
    ],
)
def test_heic_and_accept(server: Server, accept: str, media_type: str, is_noted: bool) -> None:
    headers = {"Content-Type": "image/heic", "Accept": accept}
    answer = httpx.post(f"{server.url}/upscale", content=heic(IMAGE), headers=headers)
    assert answer.headers["Content-Type"] == media_type
    assert ("HEIC" in notes_of(answer)) == is_noted


def test_heic_in_json_is_told_about(server: Server) -> None:
    answer = httpx.post(f"{server.url}/upscale", json={"imageBase64": base64.b64encode(heic(IMAGE)).decode()})
    assert "HEIC" in notes_of(answer)


def test_avif_there_and_back(server: Server) -> None:
    answer = server.upscale(avif(LARGE))
    assert answer.headers["Content-Type"] == "image/avif"
    assert notes_of(answer) == ""
    reference = np.asarray(opened(server.upscale(avif(LARGE), format="png").content))
    for seen in (
        SECOND_DECODERS["avif"](answer.content),
        pyvips.Image.new_from_buffer(answer.content, "").numpy(),
    ):
        assert psnr(seen[:, :, :3], reference) > 36


def test_quality_of_avif(server: Server) -> None:
    sizes = [
        len(server.upscale(encoded(LARGE), format="avif", quality=quality).content) for quality in ("20", "60", "95")
    ]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[2] / 3


def test_colour_of_avif_has_full_resolution() -> None:
    stripes = np.zeros((32, 32, 3), np.uint8)
    stripes[:, ::2, 0] = stripes[:, 1::2, 2] = 255
    for quality in (30, 92):
        data = encode(decode(encoded(stripes), LIMITS), FormatName.AVIF, quality, 92).data
        seen = np.asarray(opened(data)).astype(int)
        assert np.abs(seen[:, ::2, 0] - seen[:, 1::2, 0]).min() > 150


def test_grey_stays_grey_in_avif(server: Server) -> None:
    assert opened(server.upscale(encoded(GREY), format="avif").content).mode == "L"


def test_alpha_of_avif_is_exact(server: Server) -> None:
    png, other = (np.asarray(opened(server.upscale(encoded(RGBA), format=name).content)) for name in ("png", "avif"))
    assert (png[:, :, 3] == other[:, :, 3]).all()


def test_alpha_is_read(write: Writer) -> None:
    frame = decode(write(RGBA), LIMITS).frames[0]
    assert frame.alpha is not None
    assert np.abs(frame.alpha.astype(int) - ALPHA).max() < 12


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_turn_is_applied_once(server: Server, write: Writer, orientation: int) -> None:
    """By what the file says (irot, imir), which these writers make of the EXIF orientation."""
    exif = piexif.dump({"0th": {piexif.ImageIFD.Orientation: orientation}})
    data = write(LARGE, exif=exif)
    answer = opened(server.upscale(data, format="png").content)
    expected = ImageOps.exif_transpose(opened(encoded(LARGE, exif=exif)))
    assert answer.size == (2 * expected.width, 2 * expected.height)
    small = answer.resize(expected.size, Image.Resampling.BOX)
    assert psnr(np.asarray(small), np.asarray(expected)) > 25
    assert answer.getexif().get(0x0112, 1) == 1
    again = opened(server.upscale(data, format="avif").content)
    assert again.size == answer.size
    assert again.getexif().get(0x0112, 1) == 1
    vips = pyvips.Image.new_from_buffer(data, "")
    assert (vips.width, vips.height) == expected.size


def test_exif_alone_does_not_turn() -> None:
    """As in browsers and libvips: a file without irot is shown as it is, whatever its EXIF says."""
    data = avif(LARGE, exif=EXIF)
    place = data.index(b"irot")
    still = data[: place + 4] + b"\0" + data[place + 5 :]
    frame = decode(still, LIMITS).frames[0]
    assert (frame.height, frame.width) == (48, 80)
    assert opened(encoded(Image.new("RGB", (1, 1)), exif=frame.metadata.exif)).getexif().get(0x0112, 1) == 1


@pytest.mark.parametrize("target", ["jpeg", "png", "webp", "tiff", "avif"])
def test_metadata_is_kept(server: Server, write: Writer, target: str) -> None:
    answer = server.upscale(write(IMAGE, exif=EXIF, icc_profile=DISPLAY_P3, xmp=XMP), format=target)
    assert notes_of(answer) == ""
    image = opened(answer.content)
    assert image.info["icc_profile"] == DISPLAY_P3
    assert image.getexif()[0x010F] == "Us"
    xmp = image.tag_v2[700] if target == "tiff" else image.info["xmp"]  # type: ignore[attr-defined]
    assert b"<note>hello</note>" in xmp


def test_avif_keeps_a_camera_s_metadata(server: Server) -> None:
    exif = piexif.dump(
        {
            "0th": {piexif.ImageIFD.Artist: "Müller".encode(), piexif.ImageIFD.Orientation: 6},
            "Exif": {piexif.ExifIFD.MakerNote: b"\0\1\2", piexif.ExifIFD.ExposureTime: (1, 60)},
        }
    )
    answer = server.upscale(encoded(IMAGE, "JPEG", exif=exif, dpi=(300, 300), icc_profile=PROFILE), format="avif")
    image = opened(answer.content)
    assert image.size == (24, 40)
    kept = piexif.load(image.info["exif"])
    assert kept["0th"][piexif.ImageIFD.Artist] == "Müller".encode()
    assert kept["0th"][piexif.ImageIFD.XResolution] == (600, 1)
    assert kept["Exif"][piexif.ExifIFD.ExposureTime] == (1, 60)
    assert image.info["icc_profile"] == PROFILE
    assert opened(server.upscale(answer.content, format="png").content).info["dpi"] == pytest.approx(
        (1200, 1200), abs=0.1
    )


def test_ten_bits_are_read_as_eight_with_a_note(server: Server) -> None:
    wide = pillow_heif.from_bytes("RGB;16", (20, 12), (RGB.astype("<u2") * 257).tobytes())
    file = io.BytesIO()
    wide.save(file, quality=95)
    answer = server.upscale(file.getvalue(), format="png")
    assert notes_of(answer) == "10 bits were read as 8"
    vips = pyvips.Image.new_from_array(RGB.astype(np.uint16) * 257).copy(interpretation="rgb16")
    for bits in (10, 12):
        data = vips.heifsave_buffer(compression="av1", bitdepth=bits, Q=95, effort=1)
        assert notes_of(server.upscale(data, format="png")) == f"{bits} bits were read as 8"


def test_colours_by_numbers_are_kept_in_png_or_noted(server: Server) -> None:
    data = heic(IMAGE, color_primaries=12, transfer_characteristic=13)
    png = server.upscale(data, format="png")
    assert b"cICP\x0c\x0d\x00\x01" in png.content
    assert "the description of its colours" in notes_of(server.upscale(data, format="jpeg"))
    assert b"cICP" not in server.upscale(heic(IMAGE), format="png").content


def test_further_pictures_are_named(server: Server) -> None:
    answer = server.upscale(heic(IMAGE, IMAGE.rotate(180)), format="png")
    assert notes_of(answer) == "only the primary one of 2 pictures in the file was read"


def test_auxiliary_pictures_are_named(server: Server) -> None:
    """As a depth map: the alpha picture, with another purpose."""
    data = heic(RGBA).replace(b"urn:mpeg:hevc:2015:auxid:1", b"urn:mpeg:hevc:2015:auxid:2")
    assert notes_of(server.upscale(data, format="png")) == "left out: the depth map"


def test_an_animated_avif_is_refused_by_name(server: Server) -> None:
    data = avif(IMAGE, save_all=True, append_images=[IMAGE.rotate(180)], duration=100)
    answer = server.upscale(data)
    assert (answer.status_code, answer.json()["code"]) == (422, "unsupported_image_mode")
    assert "animated AVIF" in answer.json()["detail"]
    assert "as WebP" in answer.json()["detail"]


def test_a_sequence_without_a_still_is_refused_by_name() -> None:
    data = struct.pack(">I4s4sI4s", 20, b"ftyp", b"hevc", 0, b"hevc") + struct.pack(">I4s", 8, b"moov")
    with pytest.raises(UnsupportedMode, match="animated HEIC"):
        inspect(data, LIMITS)


@pytest.mark.parametrize(
    ("brands", "name"),
    [
        (b"heic", "heic"), (b"heix", "heic"), (b"heim", "heic"), (b"hevc", "heic"), (b"mif1", "heic"),
        (b"msf1" + bytes(4) + b"hevc", "heic"), (b"avif", "avif"), (b"avis", "avif"),
        (b"mif1" + bytes(4) + b"miafMA1Bavif", "avif"), (b"mif1" + bytes(4) + b"heicmiaf", "heic"),
        (b"crx ", None), (b"mp42", None), (b"qt  ", None), (b"isom", None),
    ],
)  # fmt: skip
def test_brands(brands: bytes, name: str | None) -> None:
    if len(brands) == 4:
        brands += bytes(4)
    data = struct.pack(">I4s", 8 + len(brands), b"ftyp") + brands + bytes(40)
    expected = {"heic": FormatName.JPEG, "avif": FormatName.AVIF, None: None}[name]
    assert answer_format(data) == expected


def test_a_major_brand_of_the_container_is_enough(write: Writer) -> None:
    data = write(LARGE)
    frame = decode(data[:8] + b"mif1" + data[12:], LIMITS).frames[0]
    assert psnr(frame.colour, np.asarray(LARGE)) > 35


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.9, 0.99])
def test_a_cut_file_is_corrupt(write: Writer, share: float) -> None:
    data = write(LARGE)
    with pytest.raises(ImageCorrupt):
        decode(data[: int(share * len(data))], LIMITS)


def test_the_limit_holds_before_decoding(server: Server, write: Writer) -> None:
    data = write(LARGE)
    with pytest.raises(ImageTooLarge):
        inspect(data, Limits(pixels=48 * 80 - 1, frames=1))
    inspect(data, Limits(pixels=48 * 80, frames=1))


def box_at(data: bytes, *path: bytes) -> Box:
    """The first box below that path; `meta` has four bytes before its boxes."""
    start, end = 0, len(data)
    for kind in path:
        found = next(box for box in boxes(data, start, end) if box.kind == kind)
        start, end = found.start + (4 if kind == b"meta" else 0), found.end
    return found


def test_the_limit_names_width_and_height() -> None:
    with pytest.raises(ImageTooLarge, match="80 x 48"):
        inspect(heic(LARGE), Limits(pixels=48 * 80 - 1, frames=1))


def test_a_size_in_the_code_counts(write: Writer) -> None:
    """The directory says 1 x 1 px; the code has as many as before."""
    written = write(LARGE)
    data = bytearray(written)
    place = box_at(written, b"meta", b"iprp", b"ipco", b"ispe").start
    data[place + 4 : place + 12] = struct.pack(">II", 1, 1)
    with pytest.raises(ImageTooLarge, match="coded pictures"):
        inspect(bytes(data), Limits(pixels=48 * 80 // 3, frames=1))


def with_count(data: bytes, kind: bytes, offset: int, layout: str, count: int) -> bytes:
    place = box_at(data, b"meta", kind).start + offset
    return data[:place] + struct.pack(layout, count) + data[place + struct.calcsize(layout) :]


@pytest.mark.parametrize("damage", [(b"iinf", 4, ">H", 5000), (b"iloc", 6, ">H", 65_535), (b"pitm", 4, ">H", 77)])
def test_a_directory_that_lies_is_refused(write: Writer, damage: tuple[bytes, int, str, int]) -> None:
    with pytest.raises((ImageCorrupt, ImageTooComplex)):
        decode(with_count(write(IMAGE), *damage), LIMITS)


def test_damage_is_a_clear_refusal_or_a_picture(write: Writer) -> None:
    random = np.random.default_rng(0)
    for data in (write(IMAGE, exif=EXIF, xmp=XMP), write(RGBA)):
        for _ in range(300):
            damaged = bytearray(data)
            for place in random.integers(0, 700, 3):
                damaged[min(place, len(data) - 1)] = random.integers(0, 256)
            with contextlib.suppress(Unprocessable, UnsupportedImage):
                decode(bytes(damaged), LIMITS)


def test_the_longest_side_of_avif() -> None:
    wide = decode(encoded(Image.new("RGB", (16_384, 1))), LIMITS)
    data = encode(decode(encoded(Image.new("RGB", (32_768, 1))), LIMITS), FormatName.AVIF, 50, 92).data
    assert opened(data).size == (32_768, 1)
    check_can_hold(wide, [(2, 32_768)], FormatName.AVIF)
    with pytest.raises(FormatCannotHold, match="32768"):
        check_can_hold(wide, [(2, 32_769)], FormatName.AVIF)


def test_names_beyond_ascii_do_no_harm() -> None:
    """pi-heif would crash, and the whole process with it."""
    data = heic(IMAGE, exif=EXIF, xmp=XMP)
    frame = decode(data.replace(b"application/rdf+xml", b"appl\xe4cation/rdf+xml"), LIMITS).frames[0]
    assert frame.colour.shape == (20, 12, 3)
