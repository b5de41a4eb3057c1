"""Files in formats that are not supported are named, over HTTP and by the command line."""

import struct
import subprocess
import sys
from pathlib import Path

import httpx
import numpy as np
import pytest
import tifffile
from conftest import ROOT, Server, encoded, photograph
from PIL import Image

from superscaling.errors import UnsupportedImage
from superscaling.pictures import Limits, decode, sniff

LIMITS = Limits(pixels=1_000_000, frames=10)
SMALL = photograph(6, 8)
IMAGE = Image.fromarray(SMALL)
PILLOW = ("JPEG2000", "TGA", "ICO", "PCX", "SGI", "PPM", "DDS", "EPS", "PDF", "ICNS", "QOI")
NAMES = {
    "JPEG2000": "JPEG 2000", "ICO": "an icon", "SGI": "SGI RGB", "PPM": "PNM or PAM", "DDS": "DirectDraw",
    "EPS": "PostScript", "ICNS": "an icon",
}  # fmt: skip
FILES = {
    "JPEG XL": b"\xff\x0a\xfa\x7f\x01\x90" + bytes(20),
    "JPEG XL ": b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl ",
    "Canon CR2": b"II*\0\x10\0\0\0CR\2\0" + bytes(20),
    "Canon CR3": b"\0\0\0\x18ftypcrx \0\0\0\1crx isom",
    "Fujifilm RAF": b"FUJIFILMCCD-RAW 0201FF383501",
    "Olympus ORF": b"IIRO\x08\0\0\0" + bytes(20),
    "Panasonic RW2": b"IIU\0\x18\0\0\0" + bytes(20),
    "Photoshop": b"8BPS\0\1" + bytes(6) + b"\0\3\0\0\0\1\0\0\0\1",
    "SVG": b'<?xml version="1.0"?>\n<!-- drawn -->\n<svg xmlns="http://www.w3.org/2000/svg"/>',
    "SVG ": b"\xef\xbb\xbf<svg width='4' height='4'></svg>",
    "OpenEXR": b"v/1\1\2\0\0\0channels\0chlist\0",
    "Radiance HDR": b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n",
    "FLIF": b"FLIF31\x11\x01\x01" + bytes(9),
    "XCF": b"gimp xcf v011\0" + bytes(20),
    "WMF": b"\xd7\xcd\xc6\x9a" + bytes(30),
    "EMF": b"\1\0\0\0" + bytes(36) + b" EMF" + bytes(20),
    "MP4 video": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom",
    "QuickTime video": b"\0\0\0\x14ftypqt  \0\0\0\0qt  ",
    "WebM": b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2",
    "DICOM": bytes(128) + b"DICM\2\0\0\0",
    "FITS": b"SIMPLE  =                    T / file does conform",
    "HTML": b"<!DOCTYPE html>\n<html><body>404 Not Found</body></html>",
    "plain text": b"This is a text, not an image.\n",
    "ZIP": b"PK\3\4\x14\0\0\0\x08\0" + bytes(20),
    "gzip": b"\x1f\x8b\x08" + bytes(20),
    "only 5 bytes": b"\1\2\3\4\5",
}


@pytest.mark.parametrize("name", FILES)
def test_the_format_is_named(server: Server, name: str) -> None:
    problem = server.upscale(FILES[name])
    assert (problem.status_code, problem.json()["code"]) == (415, "unsupported_image_format")
    detail = problem.json()["detail"]
    assert name.strip() in detail
    assert "send jpeg, png, webp, tiff, bmp, gif, avif or heic" in detail


@pytest.mark.parametrize("pillow", PILLOW)
def test_files_of_pillow_are_named(pillow: str) -> None:
    data = encoded(Image.fromarray(photograph(32, 32)), pillow)
    with pytest.raises(UnsupportedImage, match=NAMES.get(pillow, pillow)):
        decode(data, LIMITS)


def test_what_is_unknown_is_not_named(server: Server) -> None:
    detail = server.upscale(b"\0" * 1000).json()["detail"]
    assert detail == ("the file is not an image in a supported format (jpeg, png, webp, tiff, bmp, gif, avif, heic)")


def tiff(tmp_path: Path, samples: int, **tags: object) -> bytes:
    path = tmp_path / "raw.tif"
    extra = [(code, kind, count, value, True) for code, kind, count, value in tags.get("extra", [])]  # type: ignore[attr-defined]
    pixels = SMALL if samples == 34_892 else SMALL[:, :, 0]  # linear raw has colour
    tifffile.imwrite(path, pixels, photometric=samples, extratags=extra)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("samples", "extra", "name"),
    [
        (32_803, [(50706, 1, 4, (1, 4, 0, 0))], "DNG"),
        (34_892, [(50706, 1, 4, (1, 4, 0, 0))], "DNG"),
        (32_803, [(271, 2, 0, "NIKON CORPORATION")], "Nikon NEF"),
        (32_803, [(271, 2, 0, "SONY")], "Sony ARW"),
        (32_803, [(271, 2, 0, "Unheard of")], "TIFF/EP"),
    ],
)
def test_raw_files_in_a_tiff_are_named(
    tmp_path: Path, samples: int, extra: list[tuple[int, int, int, object]], name: str
) -> None:
    data = tiff(tmp_path, samples, extra=extra)
    assert sniff(data) == "tiff"
    with pytest.raises(UnsupportedImage, match=f"raw file \\({name}\\)"):
        decode(data, LIMITS)


def test_a_raw_file_is_not_its_preview(server: Server) -> None:
    """As a NEF and a DNG: the first directory is a preview, and points to the directory of the samples."""
    preview = encoded(IMAGE, "TIFF")
    (first,) = struct.unpack_from("<I", preview, 4)
    (count,) = struct.unpack_from("<H", preview, first)
    entries = [preview[first + 2 + 12 * index : first + 14 + 12 * index] for index in range(count)]
    own = len(preview)
    samples = struct.pack("<HHHIHHI", 1, 262, 3, 1, 32_803, 0, 0)
    entries.append(struct.pack("<HHII", 330, 4, 1, own))
    entries.sort(key=lambda entry: struct.unpack("<H", entry[:2]))
    directory = struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)
    data = preview[:4] + struct.pack("<I", own + len(samples)) + preview[8:] + samples + directory
    answer = server.upscale(data)
    assert answer.status_code == 415
    assert "raw file" in answer.json()["detail"]


def test_a_dng_of_a_finished_picture_is_a_tiff(tmp_path: Path) -> None:
    path = tmp_path / "scan.tif"
    tifffile.imwrite(path, SMALL, photometric="rgb", extratags=[(50706, 1, 4, (1, 4, 0, 0), True)])
    assert (decode(path.read_bytes(), LIMITS).frames[0].colour == SMALL).all()


def test_pixels_that_look_like_a_signature_are_pixels() -> None:
    grey = np.full((40, 40), ord("I"), np.uint8)
    assert (decode(encoded(grey, "TIFF"), LIMITS).frames[0].colour[:, :, 0] == grey).all()


@pytest.mark.parametrize("content_type", ["image/jxl", "image/svg+xml", "application/octet-stream"])
def test_the_content_type_does_not_matter(server: Server, content_type: str) -> None:
    answer = httpx.post(f"{server.url}/upscale", content=FILES["JPEG XL"], headers={"Content-Type": content_type})
    assert "JPEG XL" in answer.json()["detail"]


def upscale(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "upscale", *arguments]
    return subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": str(ROOT), "PATH": ""}, capture_output=True, text=True, timeout=60
    )


def test_the_command_line_names_it_as_well(tmp_path: Path) -> None:
    (tmp_path / "photo.jxl").write_bytes(FILES["JPEG XL"])
    (tmp_path / "empty.jpg").write_bytes(b"")
    done = upscale(tmp_path, "photo.jxl", "empty.jpg")
    assert done.returncode == 1
    assert "photo.jxl: the file is JPEG XL, which is not supported: send jpeg" in done.stderr
    assert "empty.jpg: the file is empty" in done.stderr


def test_the_command_line_names_what_it_skips_in_folders(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.jxl").write_bytes(FILES["JPEG XL"])
    (tmp_path / "photos" / "notes.txt").write_bytes(FILES["plain text"])
    done = upscale(tmp_path, "photos")
    assert "skipped in folders: JPEG XL, not supported (1), not an image (1)" in done.stderr
