"""How much memory an image takes per pixel, from file to file, as docs/operations.md says (Memory)."""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from conftest import encoded, photograph
from fakes import models_with, patience, upscaler_with
from pictures import png_16
from PIL import Image

from benchmarks.service import MEGABYTE, memory_of
from message_protocol import UpscaleInput
from resource_upscale import ResourceUpscale
from superscaling.format_name import FormatName
from superscaling.isolation import InThisProcess
from superscaling.pictures import FORMATS, Limits, sniff
from superscaling.scheduling import Admission

# Bytes per px of the input, times `memory` of the output format: at the peak, and during inference.
BYTES_PER_PIXEL = 70
# Bytes that do not grow with the image: tables of encoders, and allocation granularity.
FIXED = 8_000_000

EDGE = 1200  # px
COLOUR = photograph(EDGE, EDGE)
ALPHA = np.dstack((COLOUR, COLOUR[:, :, 0]))
NOISE = np.random.default_rng(0).integers(0, 256, (EDGE, EDGE, 4), np.uint8)
NOISY = [Image.fromarray(NOISE[row : row + 500, :500]) for row in range(6)]
FRAMES = [Image.fromarray(COLOUR[row : row + 400, :400]) for row in range(9)]
CASES = [
    (encoded(COLOUR, "JPEG"), FormatName.JPEG),
    (encoded(COLOUR, "JPEG"), FormatName.BMP),
    (encoded(COLOUR, "JPEG"), FormatName.WEBP),
    (encoded(ALPHA, "PNG"), FormatName.PNG),
    (encoded(ALPHA, "PNG"), FormatName.WEBP),
    (encoded(COLOUR, "JPEG"), FormatName.AVIF),
    (encoded(ALPHA, "AVIF"), FormatName.AVIF),
    (encoded(COLOUR, "JPEG")[:-2], FormatName.JPEG),
    (encoded(ALPHA, "WEBP", lossless=True, method=0), FormatName.WEBP),
    (encoded(Image.fromarray(COLOUR).convert("CMYK"), "TIFF"), FormatName.BMP),
    (encoded(Image.fromarray(COLOUR).convert("CMYK"), "TIFF"), FormatName.GIF),
    (encoded(Image.fromarray(COLOUR[:, :, 0].astype(np.uint16) * 257), "PNG"), FormatName.TIFF),
    (png_16(ALPHA.astype(np.uint16) * 257), FormatName.PNG),
    (png_16(ALPHA.astype(np.uint16) * 257), FormatName.TIFF),
    (png_16(ALPHA.astype(np.uint16) * 257), FormatName.WEBP),
    (png_16(COLOUR.astype(np.uint16) * 257), FormatName.PNG),
    (encoded(NOISY[0], "PNG", save_all=True, append_images=NOISY[1:]), FormatName.PNG),
    (encoded(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:]), FormatName.PNG),
]


@pytest.mark.parametrize(("data", "target"), CASES, ids=[f"{sniff(data)}-{target}" for data, target in CASES])
def test_memory_for_each_pixel(data: bytes, target: FormatName) -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        peak = process.submit(peak_of, data, target).result()
    assert peak <= BYTES_PER_PIXEL * FORMATS[target].memory


@pytest.mark.parametrize(("options", "area"), [({"scale": "4"}, 4), ({"width": "100"}, 1)], ids=str)
def test_memory_of_any_size(options: dict[str, str], area: float) -> None:
    """A result counts as the picture of which it would be twice as high and wide."""
    data = encoded(ALPHA[:500, :500])
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        peak = process.submit(peak_of, data, FormatName.PNG, options).result()
    assert peak <= BYTES_PER_PIXEL * area


@pytest.mark.parametrize("factor", [4, 3])
def test_memory_beyond_input_and_output_does_not_grow(factor: int) -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        peak = process.submit(peak_beyond_result, 700, factor).result()
    assert peak < FIXED


def peak_beyond_result(edge: int, factor: int) -> float:
    """Bytes that a large picture takes beside the result and what a small one took. Runs in a child process."""
    upscaler, pixels = upscaler_with(tile=128), photograph(edge, edge)
    upscaler.enlarge(COLOUR[:200, :200], *patience(), size=(200 * factor, 200 * factor))
    before = memory_of(os.getpid(), "VmRSS") * MEGABYTE
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    enlarged = upscaler.enlarge(pixels, *patience(600), size=(edge * factor, edge * factor))
    return memory_of(os.getpid(), "VmHWM") * MEGABYTE - before - enlarged.nbytes


def peak_of(data: bytes, target: FormatName, options: dict[str, str] | None = None) -> float:
    """Bytes per px of the input above the baseline of the process. Runs in a child process."""
    upscaler = upscaler_with(tile=256)
    upscale = ResourceUpscale(models_with(upscaler), Admission(10**9), Limits(10**8, 100), 100, InThisProcess())
    options = {"format": str(target)} | (options or {})
    for _ in (1, 2):
        upscale.main(UpscaleInput.from_bytes(encoded(COLOUR[:64, :64], "PNG"), options), *patience())
    before = memory_of(os.getpid(), "VmRSS") * MEGABYTE
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    deadline, timings = patience(600)
    output = upscale.main(UpscaleInput.from_bytes(data, options), deadline, timings)
    assert output.image
    return (memory_of(os.getpid(), "VmHWM") * MEGABYTE - before - FIXED) / timings.pixels
