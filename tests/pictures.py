"""Files of every supported format and mode, and independent decoders for the answers of the service."""

import io
import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import tifffile
from conftest import ROOT, encoded, photograph, png_chunk
from numpy.typing import NDArray
from PIL import Image, ImageCms

from superscaling.format_name import FormatName
from superscaling.pictures import FORMATS, Samples

HEIGHT, WIDTH = 12, 20
RGB = photograph(HEIGHT, WIDTH)
ALPHA = np.linspace(0, 255, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.uint8)
GREY_16 = (RGB.astype(np.uint32) @ np.array([77, 150, 29], np.uint32)).astype(np.uint16)
RGB_16 = RGB.astype(np.uint16) * 256 + np.arange(RGB.size, dtype=np.uint16).reshape(RGB.shape) % 256
ALPHA_16 = np.linspace(0, 65_535, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.uint16)
RGBA_16 = np.dstack((RGB_16, ALPHA_16))
LA_16 = np.dstack((GREY_16, ALPHA_16))
IMAGE = Image.fromarray(RGB)
GREY = IMAGE.convert("L")
RGBA = Image.fromarray(np.dstack((RGB, ALPHA)))
PALETTE = IMAGE.quantize(16)
# As on an iPhone: primaries that differ clearly from those of sRGB.
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@dataclass(frozen=True)
class Sent:
    """A test file. `format`, `mode`: by the service's names; `colour`, `alpha`: its content, before any loss."""

    name: str
    data: bytes
    format: str
    mode: str
    colour: NDArray[Any]
    alpha: Samples | None = None


def _sent(name: str, data: bytes, mode: str) -> Sent:
    """A file whose content is what Pillow reads from it."""
    image = Image.open(io.BytesIO(data))
    image.load()
    file_format = {"MPO": "jpeg"}.get(str(image.format), str(image.format).lower())
    seen = image if mode in ("I;16", "CMYK") else image.convert(mode)
    channels = np.atleast_3d(np.asarray(seen))
    channels = channels.astype(channels.dtype.newbyteorder("="))
    if mode.endswith("A"):
        return Sent(name, data, file_format, mode, channels[:, :, :-1], channels[:, :, -1])
    return Sent(name, data, file_format, mode, channels)


def _tiff(pixels: NDArray[Any], **options: Any) -> bytes:
    """A file that Pillow can't write; by tifffile."""
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **options)
    return file.getvalue()


def png_16(pixels: Samples, *before_pixels: bytes) -> bytes:
    """A PNG of 16 bits from (h, w, c), without filters, with further chunks: Pillow can't write it."""
    height, width, channels = pixels.shape
    rows = pixels.astype(">u2").view(np.uint8).reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 16, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    content = zlib.compress(np.pad(rows, ((0, 0), (1, 0))).tobytes())
    chunks = (png_chunk(b"IHDR", header), *before_pixels, png_chunk(b"IDAT", content), png_chunk(b"IEND"))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _sent_16(name: str, data: bytes, channels: Samples) -> Sent:
    """A file of 16 bits, from channels (h, w, c)."""
    mode = {1: "I;16", 2: "LA;16", 3: "RGB;16", 4: "RGBA;16"}[channels.shape[2]]
    if channels.shape[2] % 2:
        return Sent(name, data, name.partition("-")[0], mode, channels)
    return Sent(name, data, name.partition("-")[0], mode, channels[:, :, :-1], channels[:, :, -1])


def _compressed(image: Image.Image, compression: str) -> bytes:
    return encoded(image, "TIFF", compression=compression)


LAB = Image.merge("LAB", [GREY, *(Image.new("L", GREY.size, 128) for _ in range(2))])

SENT = [
    _sent("jpeg-L", encoded(GREY, "JPEG", quality=95), "L"),
    _sent("jpeg-RGB", encoded(RGB, "JPEG", quality=95), "RGB"),
    _sent("jpeg-progressive", encoded(RGB, "JPEG", progressive=True), "RGB"),
    _sent("jpeg-CMYK", encoded(IMAGE.convert("CMYK"), "JPEG", quality=95), "CMYK"),
    _sent("mpo", encoded(RGB, "MPO", save_all=True, append_images=[GREY.convert("RGB")]), "RGB"),
    _sent("png-1", encoded(IMAGE.convert("1")), "L"),
    _sent("png-L", encoded(GREY), "L"),
    _sent("png-L-transparent", encoded(GREY, transparency=int(np.asarray(GREY)[3, 3])), "LA"),
    _sent("png-LA", encoded(RGBA.convert("LA")), "LA"),
    _sent("png-P", encoded(PALETTE), "RGB"),
    _sent("png-P-transparent", encoded(PALETTE, transparency=bytes([0, 128] + [255] * 14)), "RGBA"),
    _sent("png-RGB", encoded(RGB), "RGB"),
    _sent("png-RGBA", encoded(RGBA), "RGBA"),
    _sent("png-I;16", encoded(Image.fromarray(GREY_16)), "I;16"),
    _sent_16("png-LA;16", png_16(LA_16), LA_16),
    _sent_16("png-RGB;16", png_16(RGB_16), RGB_16),
    _sent_16("png-RGBA;16", png_16(RGBA_16), RGBA_16),
    _sent("webp-RGB", encoded(RGB, "WEBP", quality=95), "RGB"),
    _sent("webp-RGB-lossless", encoded(RGB, "WEBP", lossless=True), "RGB"),
    _sent("webp-RGBA-lossless", encoded(RGBA, "WEBP", lossless=True, exact=True), "RGBA"),
    _sent("tiff-1-group4", _compressed(IMAGE.convert("1"), "group4"), "L"),
    _sent("tiff-L-packbits", _compressed(GREY, "packbits"), "L"),
    _sent("tiff-LA", encoded(RGBA.convert("LA"), "TIFF"), "LA"),
    _sent("tiff-P-lzw", _compressed(PALETTE, "tiff_lzw"), "RGB"),
    _sent("tiff-RGB", encoded(RGB, "TIFF"), "RGB"),
    _sent("tiff-RGB-lzw", _compressed(IMAGE, "tiff_lzw"), "RGB"),
    _sent("tiff-RGB-deflate", _compressed(IMAGE, "tiff_adobe_deflate"), "RGB"),
    _sent("tiff-RGB-jpeg", _compressed(IMAGE, "jpeg"), "RGB"),
    _sent("tiff-RGB-zstd", _compressed(IMAGE, "zstd"), "RGB"),
    _sent("tiff-RGB-planes", _tiff(np.moveaxis(RGB, 2, 0), photometric="rgb", planarconfig="separate"), "RGB"),
    _sent("tiff-RGB-tiles", _tiff(RGB, photometric="rgb", tile=(16, 16)), "RGB"),
    _sent("tiff-RGB-big", _tiff(RGB, photometric="rgb", bigtiff=True), "RGB"),
    _sent("tiff-YCbCr", encoded(IMAGE.convert("YCbCr"), "TIFF"), "RGB"),
    _sent("tiff-LAB", encoded(LAB, "TIFF"), "RGB"),
    _sent("tiff-RGBA", encoded(RGBA, "TIFF"), "RGBA"),
    _sent("tiff-CMYK-lzw", _compressed(IMAGE.convert("CMYK"), "tiff_lzw"), "CMYK"),
    _sent("tiff-I;16", encoded(Image.fromarray(GREY_16), "TIFF"), "I;16"),
    _sent("tiff-I;16-big-endian", _tiff(GREY_16, byteorder=">"), "I;16"),
    _sent_16("tiff-LA;16", _tiff(LA_16, photometric="minisblack", extrasamples=[2], planarconfig="contig"), LA_16),
    _sent_16("tiff-RGB;16", _tiff(RGB_16, photometric="rgb", compression="zlib", predictor=True), RGB_16),
    _sent_16("tiff-RGBA;16", _tiff(RGBA_16, photometric="rgb", extrasamples=[2], byteorder=">"), RGBA_16),
    _sent("bmp-1", encoded(IMAGE.convert("1"), "BMP"), "L"),
    _sent("bmp-L", encoded(GREY, "BMP"), "L"),
    _sent("bmp-P", encoded(PALETTE, "BMP"), "RGB"),
    _sent("bmp-RGB", encoded(RGB, "BMP"), "RGB"),
    _sent("bmp-RGBA", cv2.imencode(".bmp", np.asarray(RGBA)[:, :, [2, 1, 0, 3]])[1].tobytes(), "RGBA"),
    _sent("avif-L", encoded(GREY, "AVIF", quality=95), "L"),
    _sent("avif-RGB", encoded(RGB, "AVIF", quality=95, subsampling="4:4:4"), "RGB"),
    _sent("avif-RGBA", encoded(RGBA, "AVIF", quality=95), "RGBA"),
    _sent("gif-L", encoded(GREY, "GIF"), "L"),
    _sent("gif-P", encoded(PALETTE, "GIF"), "RGB"),
    _sent("gif-P-transparent", encoded(PALETTE, "GIF", transparency=3), "RGBA"),
]


def _opencv(data: bytes) -> NDArray[Any]:
    seen = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert seen is not None, "OpenCV can't read it"
    channels = np.atleast_3d(seen)
    return channels if channels.shape[2] == 1 else channels[:, :, [2, 1, 0, 3][: channels.shape[2]]]


def _tifffile(data: bytes) -> NDArray[Any]:
    return np.atleast_3d(tifffile.imread(io.BytesIO(data)))


# Decoders by output format; they return (h, w, c), alpha last.
SECOND_DECODERS: dict[str, Callable[[bytes], NDArray[Any]]] = {
    "jpeg": _opencv,
    "png": _opencv,
    "webp": _opencv,
    "tiff": _tifffile,
    "bmp": _opencv,
    "gif": _opencv,
    "avif": _opencv,
}


def modes_table() -> dict[str, dict[FormatName, str]]:
    """The table of docs/formats.md: mode of the picture -> format -> mode in the file, or what else its cell says."""
    text = (ROOT / "docs" / "formats.md").read_text()
    rows = [row for row in re.findall(r"^\| (.*) \|$", text, re.MULTILINE) if row.count("|") == len(FORMATS) + 1]
    head, *body = [[cell.strip(" `") for cell in row.split("|")] for row in rows]
    assert head[2:] == [f"as {name}" for name in FORMATS]
    return {mode: dict(zip(FORMATS, cells, strict=True)) for mode, _, *cells in body}
