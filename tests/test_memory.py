"""How much memory an image takes per pixel, from file to file, as docs/operations.md says (Memory)."""

import contextlib
import ctypes
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
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
from superscaling.isolation import Decoders, InThisProcess
from superscaling.pictures import FORMATS, Limits
from superscaling.scheduling import Admission

# Bytes per px of the input, times `memory` of the output format: at the peak, and during inference.
BYTES_PER_PIXEL = 70
# Of PNG and TIFF with 16 bits and transparency, whose results are as large in memory, and once more as a file.
DEEP_BYTES_PER_PIXEL = 100
# Bytes that do not grow with the image: tables of encoders, and allocation granularity.
FIXED = 8_000_000

M_MMAP_THRESHOLD = -3  # mallopt(3)

EDGE = 1000  # px
COLOUR = photograph(EDGE, EDGE)
ALPHA = np.dstack((COLOUR, COLOUR[:, :, 0]))
NOISE = np.random.default_rng(0).integers(0, 256, (EDGE, EDGE, 4), np.uint8)
NOISY = [Image.fromarray(NOISE[row : row + 500, :500]) for row in range(6)]
FRAMES = [Image.fromarray(COLOUR[row : row + 400, :400]) for row in range(9)]
CASES: dict[str, tuple[Callable[[], bytes], FormatName]] = {
    "jpeg-jpeg": (lambda: encoded(COLOUR, "JPEG"), FormatName.JPEG),
    "jpeg-bmp": (lambda: encoded(COLOUR, "JPEG"), FormatName.BMP),
    "jpeg-webp": (lambda: encoded(COLOUR, "JPEG"), FormatName.WEBP),
    "png-png": (lambda: encoded(ALPHA, "PNG"), FormatName.PNG),
    "png-webp": (lambda: encoded(ALPHA, "PNG"), FormatName.WEBP),
    "jpeg-avif": (lambda: encoded(COLOUR, "JPEG"), FormatName.AVIF),
    "avif-avif": (lambda: encoded(ALPHA, "AVIF"), FormatName.AVIF),
    "cut jpeg-jpeg": (lambda: encoded(COLOUR, "JPEG")[:-2], FormatName.JPEG),
    "webp-webp": (lambda: encoded(ALPHA, "WEBP", lossless=True, method=0), FormatName.WEBP),
    "tiff-bmp": (lambda: encoded(Image.fromarray(COLOUR).convert("CMYK"), "TIFF"), FormatName.BMP),
    "tiff-gif": (lambda: encoded(Image.fromarray(COLOUR).convert("CMYK"), "TIFF"), FormatName.GIF),
    "grey of 16 bits-tiff": (
        lambda: encoded(Image.fromarray(COLOUR[:, :, 0].astype(np.uint16) * 257), "PNG"),
        FormatName.TIFF,
    ),
    "16 bits-png": (lambda: png_16(ALPHA.astype(np.uint16) * 257), FormatName.PNG),
    "16 bits-tiff": (lambda: png_16(ALPHA.astype(np.uint16) * 257), FormatName.TIFF),
    "16 bits-webp": (lambda: png_16(ALPHA.astype(np.uint16) * 257), FormatName.WEBP),
    "opaque 16 bits-png": (lambda: png_16(COLOUR.astype(np.uint16) * 257), FormatName.PNG),
    "apng-png": (lambda: encoded(NOISY[0], "PNG", save_all=True, append_images=NOISY[1:]), FormatName.PNG),
    "gif-png": (lambda: encoded(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:]), FormatName.PNG),
}


@pytest.fixture(scope="module")
def nursery() -> Iterator[ProcessPoolExecutor]:
    """A process of this module alone, which has never seen an image. Each measurement has a child of it to itself."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        yield process


def in_a_child(function: Callable[..., float], *arguments: object) -> float:
    """Call a function in a fork of this process."""
    context = get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=lambda: sender.send(function(*arguments)))
    child.start()
    sender.close()  # so that a child that fails is the end of the pipe
    peak: float = receiver.recv()
    child.join()
    return peak


@pytest.mark.parametrize("case", CASES)
def test_memory_for_each_pixel(nursery: ProcessPoolExecutor, case: str) -> None:
    encode, target = CASES[case]
    peak = nursery.submit(in_a_child, peak_of, encode(), target).result()
    assert peak <= most_of(case)


@pytest.mark.parametrize("case", ["tiff-gif", "16 bits-png", "png-webp"])
def test_memory_of_all_processes(nursery: ProcessPoolExecutor, case: str) -> None:
    """Of the service, of the processes that decode and encode, and of what they share."""
    encode, target = CASES[case]
    peak = nursery.submit(in_a_child, peak_of_all, encode(), target).result()
    assert peak <= most_of(case)


def most_of(case: str) -> int:
    """Bytes per px of the input, as the documents say."""
    most = DEEP_BYTES_PER_PIXEL if case in ("16 bits-png", "16 bits-tiff") else BYTES_PER_PIXEL
    return most * FORMATS[CASES[case][1]].memory


@pytest.mark.parametrize(("options", "area"), [({"scale": "4"}, 4), ({"width": "100"}, 1)], ids=str)
def test_memory_of_any_size(nursery: ProcessPoolExecutor, options: dict[str, str], area: float) -> None:
    """A result counts as the picture of which it would be twice as high and wide."""
    data = encoded(ALPHA[:500, :500])
    peak = nursery.submit(in_a_child, peak_of, data, FormatName.PNG, options).result()
    assert peak <= BYTES_PER_PIXEL * area


@pytest.mark.parametrize("factor", [4, 3])
def test_memory_beyond_input_and_output_does_not_grow(nursery: ProcessPoolExecutor, factor: int) -> None:
    assert nursery.submit(in_a_child, peak_beyond_result, 500, factor).result() < 2 * FIXED


def peak_beyond_result(edge: int, factor: int) -> float:
    """Bytes that a large picture takes beside the result and what a small one took. Runs in a child process."""
    upscaler, pixels = upscaler_with(tile=128), photograph(edge, edge)
    upscaler.enlarge(COLOUR[:200, :200], *patience(), size=(200 * factor, 200 * factor))
    growth = Growth()
    enlarged = upscaler.enlarge(pixels, *patience(600), size=(edge * factor, edge * factor))
    return growth.bytes() - enlarged.nbytes


def peak_of(data: bytes, target: FormatName, options: dict[str, str] | None = None) -> float:
    """Bytes per px of the input above the baseline of the process. Runs in a child process."""
    upscaler = upscaler_with(tile=256)
    upscale = ResourceUpscale(models_with(upscaler), Admission(10**9), Limits(10**8, 100), 100, InThisProcess())
    options = {"format": str(target)} | (options or {})
    for _ in (1, 2):
        upscale.main(UpscaleInput.from_bytes(encoded(COLOUR[:64, :64], "PNG"), options), *patience())
    growth = Growth()
    deadline, timings = patience(600)
    output = upscale.main(UpscaleInput.from_bytes(data, options), deadline, timings)
    assert output.image
    return (growth.bytes() - FIXED) / timings.pixels


def peak_of_all(data: bytes, target: FormatName) -> float:
    """As `peak_of`, with the decoder processes of a service."""
    # What is freed goes back to the system at once, as it does where pictures are large.
    ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, 1 << 20)
    os.environ["MALLOC_MMAP_THRESHOLD_"] = str(1 << 20)
    decoders = Decoders(60)
    decoders.start()
    upscaler = upscaler_with(tile=256)
    upscale = ResourceUpscale(models_with(upscaler), Admission(10**9), Limits(10**8, 100), 100, decoders)
    options = {"format": str(target)}
    for _ in (1, 2):
        upscale.main(UpscaleInput.from_bytes(encoded(COLOUR[:64, :64], "PNG"), options), *patience())
    ended, sizes = threading.Event(), [proportional_bytes(decoders)]

    def watch() -> None:
        while not ended.wait(0.005):
            sizes.append(proportional_bytes(decoders))

    deadline, timings = patience(600)
    with ThreadPoolExecutor(1) as threads:
        watching = threads.submit(watch)
        try:
            assert upscale.main(UpscaleInput.from_bytes(data, options), deadline, timings).image
        finally:
            ended.set()
        watching.result()
    decoders.close()
    return (max(sizes) - sizes[0] - FIXED) / timings.pixels


def proportional_bytes(decoders: Decoders) -> int:
    """Memory of this process and of its decoders; what they share counts once."""
    total = 0
    for pid in (os.getpid(), *decoders.pids):
        with contextlib.suppress(OSError):  # it has ended
            rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            total += sum(int(row.split()[1]) << 10 for row in rows if row.startswith("Pss:"))
    return total


class Growth:
    """By how much this process grows from now on, without the pages of files: a fork maps libraries anew."""

    def __init__(self) -> None:
        ctypes.CDLL(None).malloc_trim(0)  # what is free must not hide what is needed
        self._before = self._without_files("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew

    def bytes(self) -> float:
        """At the peak."""
        return self._without_files("VmHWM") - self._before

    def _without_files(self, name: str) -> float:
        return (memory_of(os.getpid(), name) - memory_of(os.getpid(), "RssFile")) * MEGABYTE
