"""Pictures that are never in memory as a whole: to the pixel what `/upscale` makes, and in the same files."""

import ctypes
import errno
import functools
import io
import resource
import signal
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
import tifffile
from conftest import ROOT, encoded, photograph, png_chunk
from fakes import SetPace, models_with, patience, upscaler_with
from numpy.typing import NDArray
from pictures import PROFILE, png_16
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

import jobs.gigantic
import jobs.gigantic_files
from jobs.acceptance import add
from jobs.directory_store import DirectoryStore
from jobs.gigantic import GiganticSteps
from jobs.gigantic_files import GiganticFiles, GiganticLimits, InspectedGigantic
from jobs.ids import new_id
from jobs.ledger import Ledger
from jobs.records import End, Job
from jobs.step_time import PROCESS_SECONDS, STEP_SECONDS, most_pixels_cut, most_pixels_joined
from jobs.steps import Steps
from message_protocol import JobState
from superscaling.enlarging import FileUpscaler, LoadedModels
from superscaling.errors import ClientGone, ImageUndecodable, ResultTooSmall, ServiceError
from superscaling.format_name import FormatName
from superscaling.isolation import Handover, InThisProcess, run_isolated
from superscaling.metadata_choice import MetadataChoice
from superscaling.pictures import Limits, decode, gigantic
from superscaling.pictures.containers import bands
from superscaling.pictures.containers.bands import write_rows
from superscaling.pictures.metadata.exif import PREFIX
from superscaling.pictures.picture import Metadata
from superscaling.scheduling import Admission, Deadline
from superscaling.settings import Settings
from superscaling.size_choice import Fit, SizeChoice
from superscaling.upscale_options import UpscaleOptions

LIMITS = GiganticLimits(pixels=1_000_000, result_pixels=4_000_000, ordinary_pixels=5_000)
HEIGHT, WIDTH = 130, 70
RGB = photograph(HEIGHT, WIDTH)
RGB_16 = RGB.astype(np.uint16) * 100 + 3000  # a part of the range, which the network is shown stretched
GREY = RGB[:, :, :1]


def blurred(batch: NDArray[np.float32]) -> NDArray[np.float32]:
    """A network whose every pixel depends on those beside it, and on the end of the picture."""
    padded = np.pad(batch, ((0, 0), (1, 1), (1, 1), (0, 0)))
    height, width = batch.shape[1:3]
    total = sum(padded[:, y : y + height, x : x + width] for y in range(3) for x in range(3))
    return np.asarray(total / 9, np.float32).repeat(2, axis=1).repeat(2, axis=2)


def models(monkeypatch: pytest.MonkeyPatch | None = None, scale: int = 2) -> LoadedModels:
    upscaler = upscaler_with(blurred if scale == 2 else lambda _: None, tile=48, scale=scale)
    if monkeypatch:
        monkeypatch.setattr(upscaler, "check", lambda *_: None)  # it does not know the answer of this network
        monkeypatch.setattr(upscaler, "seconds_for", lambda cost: cost.area / 9000)
    return models_with(upscaler)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without other processes, whose starts take most of the time; and in pieces that are as small as the pictures."""
    monkeypatch.setattr(bands, "PIECE", 10_000)
    monkeypatch.setattr(gigantic, "TURNED_BYTES", 5_000)
    for module in (jobs.gigantic, jobs.gigantic_files):
        monkeypatch.setattr(module, "run_isolated", lambda task, seconds, check: task())


class Enlarging:
    """The jobs of one store."""

    def __init__(self, folder: Path, loaded: LoadedModels, limits: GiganticLimits = LIMITS) -> None:
        self.ledger = Ledger(DirectoryStore(folder), queue_pixels=1 << 40)
        self.files = GiganticFiles(loaded, limits)
        ordinary = FileUpscaler(loaded, Limits(limits.ordinary_pixels, 1), 90, InThisProcess())
        steps = GiganticSteps(self.ledger, self.files, 90, 1.0)
        self.steps = Steps(self.ledger, ordinary, 1.0, Admission(1 << 40), steps)

    def inspect(self, data: bytes, options: UpscaleOptions) -> InspectedGigantic:
        path = self.ledger.store.scratch / "sent"
        path.write_bytes(data)
        return self.files.inspect(path, options, *patience())

    def enlarge(self, data: bytes, options: UpscaleOptions) -> tuple[bytes, End]:
        file = self.inspect(data, options)
        job = Job(new_id(), "", 0.0, options, "queue", file.format, file.pixels, is_gigantic=True, notes=file.notes)
        add(self.ledger, job, data)
        plan = self.steps.plan(job.id, 1, Deadline())
        if plan:
            for number in reversed(range(len(plan.blocks))):
                self.steps.block(job.id, number, Deadline())
            self.steps.join(job.id, Deadline())
        end = self.ledger.end(job.id)
        assert end is not None
        assert not list(self.ledger.store.scratch.glob("gigantic-*"))
        return self.ledger.store.get(f"jobs/{job.id}/result") if end.result else b"", end


def ordinary(data: bytes, options: UpscaleOptions, loaded: LoadedModels) -> tuple[Any, bytes, tuple[str, ...]]:
    """What `/upscale` makes: the picture, the file, its notes."""
    files = FileUpscaler(loaded, Limits(1 << 30, 10), 90, InThisProcess())
    inspected = files.inspect(data, options, *patience())
    decoded = files.decode(inspected, patience()[1])
    picture = inspected.model.enlarge(decoded.picture, *patience(), results=decoded.results)
    file = files.encode(inspected, Handover(picture), *patience())
    return picture, file.data, file.notes


def pixels(data: bytes) -> NDArray[Any]:
    (frame,) = decode(data, Limits(1 << 30, 1)).frames
    return frame.colour


def tiff(samples: NDArray[Any], **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, samples, **options)
    return file.getvalue()


def scaled(scale: str, **more: Any) -> UpscaleOptions:
    return UpscaleOptions(SizeChoice(Fraction(scale)), **more)


PNG, TIFF, JPEG = FormatName.PNG, FormatName.TIFF, FormatName.JPEG
TURNED = Image.Exif()
TURNED[0x0112] = 6
SENT: dict[str, tuple[bytes, UpscaleOptions]] = {
    "x2": (encoded(RGB), scaled("2")),
    "x3": (encoded(RGB), scaled("3")),
    "x4, in two passes": (encoded(RGB[:80]), scaled("4")),
    "x1": (encoded(RGB), scaled("1")),
    "x1.7 as TIFF": (encoded(RGB), scaled("1.7", format=TIFF)),
    "grey": (encoded(Image.fromarray(GREY[:, :, 0])), scaled("2")),
    "grey, 16 bits": (png_16(RGB_16[:, :, :1]), scaled("3")),
    "16 bits": (png_16(RGB_16), scaled("2")),
    "16 bits of one level": (png_16(np.full_like(RGB_16, 777)), scaled("2")),
    "16 bits as TIFF": (tiff(RGB_16, photometric="rgb", compression="zlib", predictor=True), scaled("2")),
    "TIFF, big-endian": (tiff(RGB_16, photometric="rgb", byteorder=">"), scaled("2")),
    "TIFF in tiles": (tiff(RGB, photometric="rgb", tile=(16, 16)), scaled("2")),
    "TIFF in one strip": (tiff(RGB, photometric="rgb", compression="zlib", rowsperstrip=HEIGHT), scaled("2")),
    "TIFF with JPEG": (encoded(RGB, "TIFF", compression="jpeg"), scaled("2")),
    "TIFF, white is 0": (tiff(GREY[:, :, 0], photometric="miniswhite"), scaled("2")),
    "cover": (encoded(RGB), UpscaleOptions(SizeChoice(width=200, height=200, fit=Fit.COVER))),
    "fill": (encoded(RGB), UpscaleOptions(SizeChoice(width=333, height=200, fit=Fit.FILL))),
    "width": (encoded(RGB), UpscaleOptions(SizeChoice(width=123))),
    "JPEG to PNG": (encoded(RGB, "JPEG", quality=92), scaled("2", format=PNG)),
    "JPEG on its side": (encoded(RGB, "JPEG", exif=TURNED), scaled("2", format=PNG)),
    **{
        f"orientation {number}": (encoded(RGB, "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01"
                                          + struct.pack(">HHI", number, 0, 0)), scaled("2", format=TIFF))
        for number in (2, 3, 5, 8)
    },
}  # fmt: skip


@pytest.mark.parametrize("name", SENT)
def test_pixels_are_those_of_the_whole_picture(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: None
) -> None:
    data, options = SENT[name]
    loaded = models(monkeypatch)
    result, end = Enlarging(tmp_path, loaded).enlarge(data, options)
    picture, file, _ = ordinary(data, options, loaded)
    assert end.result is not None, end.failure
    assert (end.result.width, end.result.height, end.result.size) == (picture.width, picture.height, len(result))
    np.testing.assert_array_equal(pixels(result), picture.frames[0].colour)
    np.testing.assert_array_equal(pixels(result), pixels(file))


@pytest.mark.parametrize("choice", MetadataChoice)
@pytest.mark.parametrize("target", [JPEG, PNG, TIFF])
def test_metadata_is_carried_as_by_requests(
    target: FormatName, choice: MetadataChoice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: None
) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0112], exif[0x013B] = "Maker", 1, "Artist"
    exif.get_ifd(0x8769)[0x9003] = "2026:11:27 22:00:00"
    data = encoded(RGB[:40], "JPEG", exif=exif, icc_profile=PROFILE, dpi=(300, 300), comment=b"a comment")
    options = scaled("2", format=target, metadata=choice)
    loaded = models(monkeypatch)
    result, end = Enlarging(tmp_path, loaded).enlarge(data, options)
    _, file, notes = ordinary(data, options, loaded)
    (ours,), (theirs,) = (decode(each, Limits(1 << 30, 1)).frames for each in (result, file))
    assert ours.metadata == theirs.metadata
    assert end.result is not None
    assert set(end.result.notes) == set(notes)


@pytest.mark.parametrize("quality", [89, 90])
def test_jpegs_are_the_pixels_in_the_chroma_of_requests(
    quality: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: None
) -> None:
    options = scaled("2", format=JPEG, quality=quality)
    loaded = models(monkeypatch)
    result, end = Enlarging(tmp_path, loaded).enlarge(png_16(RGB_16[:60]), options)
    picture, file, notes = ordinary(png_16(RGB_16[:60]), options, loaded)
    levels = (picture.frames[0].colour.astype(np.uint32) + 128) // 257
    raw, whole = tmp_path / "raw", tmp_path / "whole.jpg"
    raw.write_bytes(levels.astype(np.uint8).tobytes())
    eight = np.dtype(np.uint8)
    write_rows(whole, [raw], picture.width, eight, 3, JPEG, quality, quality >= 90, Metadata())
    assert result == whole.read_bytes()
    written, plain = (JpegImageFile(io.BytesIO(each)) for each in (result, file))
    assert written.layers == plain.layers == 3
    assert written.layer == plain.layer
    assert end.result is not None
    assert end.result.notes == notes


@pytest.mark.parametrize("pixels_16", [False, True])
def test_large_tiffs_are_big(pixels_16: bool, tmp_path: Path) -> None:
    samples = RGB_16 if pixels_16 else RGB
    raw, path = tmp_path / "raw", tmp_path / "big.tif"
    raw.write_bytes(samples.tobytes())
    exif = Image.Exif()
    exif[0x013B] = "Artist"
    exif.get_ifd(0x8769)[0x9003] = "2026:11:27 22:00:00"
    metadata = Metadata(icc=PROFILE, exif=exif.tobytes().removeprefix(PREFIX), xmp=b"<x/>")
    write_rows(path, [raw], WIDTH, samples.dtype, 3, TIFF, 90, True, metadata, most_bytes=1000)
    data = path.read_bytes()
    assert data.startswith(b"II+\0")
    np.testing.assert_array_equal(tifffile.imread(io.BytesIO(data)), samples)
    (frame,) = decode(data, Limits(1 << 30, 1)).frames
    np.testing.assert_array_equal(frame.colour, samples)
    assert frame.metadata.icc == PROFILE
    assert frame.metadata.exif is not None
    assert b"2026:11:27" in frame.metadata.exif
    assert b"Artist" in frame.metadata.exif


@pytest.mark.parametrize("target", [JPEG, PNG, TIFF])
def test_a_full_disk_is_said(target: FormatName, tmp_path: Path) -> None:
    raw, path = tmp_path / "raw", tmp_path / "result"
    raw.write_bytes(photograph(1000, 700).tobytes())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(OSError, match="too large") as caught:
            write_rows(path, [raw], 700, np.dtype(np.uint8), 3, target, 90, True, Metadata())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert caught.value.errno == errno.EFBIG


LACK = """
import resource, sys
from pathlib import Path
import numpy as np
from superscaling.format_name import FormatName
from superscaling.pictures.containers.bands import write_rows
from superscaling.pictures.picture import Metadata
folder = Path(sys.argv[1])
(folder / "raw").write_bytes(bytes(200_000 * 3 * 27))
taken = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_DATA, (taken + 30_000_000, taken + 30_000_000))
try:
    pieces = [folder / "raw"] * 4
    write_rows(folder / "x", pieces, 200_000, np.dtype(np.uint8), 3, FormatName.TIFF, 90, True, Metadata())
except MemoryError as exc:
    print(exc)
"""


def test_memory_that_lacks_is_no_full_disk(tmp_path: Path) -> None:
    """Rows are so wide that they take more memory than there is."""
    program = [sys.executable, "-c", LACK, str(tmp_path)]
    said = subprocess.run(program, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True).stdout
    assert "out of memory" in said


@pytest.mark.parametrize(
    ("says", "raised"),
    [
        ("vips_tracked: out of memory -- size == 61MB", MemoryError),
        ("unable to mmap: Cannot allocate memory", MemoryError),
        ("no idea", pyvips.Error),
    ],
)
def test_what_libvips_says_is_no_full_disk(
    says: str, raised: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise pyvips.Error(says)

    raw = tmp_path / "raw"
    raw.write_bytes(RGB.tobytes())
    monkeypatch.setattr(pyvips.Image, "tiffsave_target", fail, raising=False)
    with pytest.raises(raised):
        write_rows(tmp_path / "result", [raw], WIDTH, np.dtype(np.uint8), 3, TIFF, 90, True, Metadata())


def test_a_process_that_lacks_memory_says_so() -> None:
    failing = functools.partial(exec, "import errno; raise OSError(errno.ENOMEM, 'Cannot allocate memory')")
    with pytest.raises(ImageUndecodable, match="memory"):
        run_isolated(failing, 60, lambda: None)


RGBA = np.dstack((RGB, np.full((HEIGHT, WIDTH), 255, np.uint8)))
HOLE = RGBA.copy()
HOLE[-1, -1, 3] = 254


def test_an_opaque_alpha_channel_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: None) -> None:
    loaded = models(monkeypatch)
    result, end = Enlarging(tmp_path, loaded).enlarge(encoded(Image.fromarray(RGBA)), scaled("2"))
    picture, *_ = ordinary(encoded(RGB), scaled("2"), loaded)
    np.testing.assert_array_equal(pixels(result), picture.frames[0].colour)
    assert end.result is not None
    assert "alpha channel" in end.result.notes[0]


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


SPOILED = {
    "transparent": (encoded(Image.fromarray(HOLE)), "transparent parts"),
    "a JPEG cut short": (cut(encoded(RGB, "JPEG", quality=95)), ""),
    "a PNG cut short": (cut(encoded(RGB)), ""),
    "a TIFF with damaged strips": (tiff(RGB, photometric="rgb", compression="zlib").replace(b"\x78\x9c", b"\0\0"), ""),
}


@pytest.mark.parametrize("name", SPOILED)
def test_what_only_decoding_tells_ends_the_job(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: None
) -> None:
    data, words = SPOILED[name]
    _, end = Enlarging(tmp_path, models(monkeypatch)).enlarge(data, scaled("2"))
    assert end.state is JobState.FAILED
    assert end.failure is not None
    assert end.failure.status == 422
    assert words in end.failure.detail


PAGES = encoded(RGB, "TIFF", save_all=True, append_images=[Image.fromarray(RGB)])
INTERLACED = struct.pack(">IIBBBBB", 60, 60, 8, 2, 0, 0, 1)
REFUSED: dict[str, tuple[bytes, UpscaleOptions, str]] = {
    "nothing": (b"", scaled("2"), "empty"),
    "text": (b"hello, world! " * 10, scaled("2"), "jpeg, png and tiff"),
    "WebP": (encoded(RGB, "WEBP"), scaled("2"), "WEBP"),
    "GIF": (encoded(RGB, "GIF"), scaled("2"), "GIF"),
    "progressive": (encoded(RGB, "JPEG", progressive=True), scaled("2"), "jpegtran"),
    "interlaced": (b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", INTERLACED) + png_chunk(b"IDAT", bytes(9))
                   + png_chunk(b"IEND"), scaled("2"), "interlaced"),
    "CMYK": (encoded(Image.fromarray(RGB).convert("CMYK"), "JPEG"), scaled("2"), "4 channels"),
    "CMYK TIFF": (encoded(Image.fromarray(RGB).convert("CMYK"), "TIFF"), scaled("2"), "grey or RGB"),
    "palette": (encoded(Image.fromarray(RGB).quantize(16)), scaled("2"), "palette"),
    "1 bit": (encoded(Image.fromarray(RGB).convert("1")), scaled("2"), "1 bits"),
    "transparent colour": (encoded(Image.fromarray(RGB), transparency=(1, 2, 3)), scaled("2"), "transparent colour"),
    "animated": (encoded(RGB, save_all=True, append_images=[Image.fromarray(RGB[::-1])]), scaled("2"), "animated"),
    "pages": (PAGES, scaled("2"), "2 pages"),
    "planes": (tiff(np.moveaxis(RGB, 2, 0), photometric="rgb", planarconfig="separate"), scaled("2"), "interleaved"),
    "floats": (tiff(RGB.astype(np.float32), photometric="rgb"), scaled("2"), "floating-point"),
    "4 channels": (tiff(RGBA, photometric="rgb", extrasamples=[0]), scaled("2"), "neither colour nor alpha"),
    "too large": (encoded(Image.new("L", (2000, 501))), scaled("1"), "at most 1000000 px"),
    "too large a result": (encoded(RGB), scaled("8", format=PNG), "at most 500000 px"),
    "as WebP": (encoded(RGB), scaled("2", format=FormatName.WEBP), "jpeg, png or tiff"),
    "smaller": (encoded(RGB), UpscaleOptions(SizeChoice(width=20)), "scale=1"),
    "an unknown model": (encoded(RGB), UpscaleOptions(model="x"), "not loaded"),
    "too long for JPEG": (encoded(Image.new("L", (8, 30_000))), scaled("3", format=JPEG), "65500"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_done_is_refused_when_it_is_sent(name: str, tmp_path: Path, here: None) -> None:
    data, options, words = REFUSED[name]
    limits = GiganticLimits(1_000_000, 500_000 if name == "too large a result" else 4_000_000, 5_000)
    with pytest.raises(ServiceError) as caught:
        Enlarging(tmp_path, models(), limits).inspect(data, options)
    assert words in caught.value.detail
    assert caught.value.status in (415, 422)


def test_a_result_that_is_smaller_names_the_pixels_up_to_which_that_is_done(tmp_path: Path, here: None) -> None:
    with pytest.raises(ResultTooSmall) as caught:
        Enlarging(tmp_path, models()).inspect(encoded(RGB), UpscaleOptions(SizeChoice(width=20)))
    assert (caught.value.setting, caught.value.limit) == ("max_pixels", LIMITS.ordinary_pixels)
    assert caught.value.actual == RGB.shape[0] * RGB.shape[1]


def test_what_is_refused_for_its_size_names_what_operators_can_raise(tmp_path: Path, here: None) -> None:
    with pytest.raises(ServiceError) as caught:
        Enlarging(tmp_path, models()).inspect(encoded(RGB, "JPEG", progressive=True), scaled("2"))
    assert (caught.value.setting, caught.value.limit) == ("max_pixels", LIMITS.ordinary_pixels)


@pytest.mark.parametrize(("limit", "words"), [("MAX_SIDE", "cut it into pieces"), ("MAX_ROW_BYTES", "at most 1 px")])
def test_sides_are_limited(limit: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: None) -> None:
    monkeypatch.setattr(jobs.gigantic_files, limit, 1000 if limit == "MAX_ROW_BYTES" else 100)
    with pytest.raises(ServiceError, match=words):
        Enlarging(tmp_path, models()).inspect(encoded(RGB), scaled("2"))


def test_what_is_taken_can_be_done_in_the_time_of_a_step() -> None:
    settings = Settings()
    assert settings.jobs_max_pixels <= most_pixels_cut()
    assert settings.jobs_max_result_pixels <= min(most_pixels_joined(name, True) for name in (JPEG, PNG, TIFF))
    assert PROCESS_SECONDS < STEP_SECONDS < 1800  # RabbitMQ's consumer_timeout


@pytest.mark.parametrize(
    ("data", "asked", "seconds", "words"),
    [
        (RGB, PNG, 0.01, "at most 33333 px can be written as png of 8 bits in the time that a step may take"),
        (RGB_16, TIFF, 0.01, "at most 16666 px can be written as tiff of 16 bits"),
        (RGB_16, PNG, 0.01, "or for format=jpeg"),
        (RGB, JPEG, 0.006, "at most 60000 px can be written as jpeg of 8 bits"),
        (RGB, JPEG, 0.001, "at most 1666 px can be decoded in the time that a step may take: cut it into pieces"),
    ],
)
def test_what_can_not_be_done_in_time_is_refused(
    data: NDArray[Any],
    asked: FormatName,
    seconds: float,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    here: None,
) -> None:
    monkeypatch.setattr("jobs.step_time.PROCESS_SECONDS", seconds)
    sent = png_16(data) if data.dtype == np.uint16 else encoded(data)
    with pytest.raises(ServiceError) as caught:
        Enlarging(tmp_path, models()).inspect(sent, scaled("3", format=asked))
    assert words in caught.value.detail


def submitted(enlarging: Enlarging, data: bytes, options: UpscaleOptions) -> Job:
    file = enlarging.inspect(data, options)
    job = Job(new_id(), "", 0.0, options, "queue", file.format, file.pixels, is_gigantic=True)
    add(enlarging.ledger, job, data)
    return job


def test_blocks_need_nothing_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: None) -> None:
    """Not even if jobs take turns."""
    enlarging = Enlarging(tmp_path, models(monkeypatch))
    job_ids = [submitted(enlarging, encoded(RGB), scaled("2")).id for _ in range(2)]
    plans = [enlarging.steps.plan(job_id, 1, Deadline()) for job_id in job_ids]
    fetched, inspected = Counting(enlarging.ledger.work.fetch_source), Counting(enlarging.files.inspect)
    monkeypatch.setattr(enlarging.ledger.work, "fetch_source", fetched)
    monkeypatch.setattr(enlarging.files, "inspect", inspected)
    assert plans[0] is not None
    for number in range(len(plans[0].blocks)):
        for job_id in job_ids:
            enlarging.steps.block(job_id, number, Deadline())
    assert fetched.calls == 0
    for job_id in job_ids:
        enlarging.steps.join(job_id, Deadline())
    assert fetched.calls == 2  # for the metadata
    assert inspected.calls == 0
    assert enlarging.ledger.store.get(f"jobs/{job_ids[0]}/result") == enlarging.ledger.store.get(
        f"jobs/{job_ids[1]}/result"
    )


class Counting:
    """Counts calls of a function."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.calls = 0
        self._function = function

    def __call__(self, *args: Any) -> Any:
        """Call it."""
        self.calls += 1
        return self._function(*args)


def test_pixels_of_another_decoder_are_not_mixed_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: None
) -> None:
    """Two workers plan at the same time, of which one reads other pixels of the same file."""
    loaded = models(monkeypatch)
    enlarging = Enlarging(tmp_path, loaded)
    job = submitted(enlarging, encoded(RGB), scaled("2"))
    plan = enlarging.steps.plan(job.id, 1, Deadline())
    assert plan is not None
    other = tmp_path / "other.png"
    other.write_bytes(encoded(RGB[::-1]))
    with monkeypatch.context() as patch:
        patch.setattr(enlarging.ledger.work, "fetch_source", lambda *_: other)
        late = GiganticSteps(enlarging.ledger, enlarging.files, 90, 1.0).plan(job, 1, Deadline())
    assert late.blocks == plan.blocks
    assert late.picture != plan.picture
    for number in range(len(plan.blocks)):
        enlarging.steps.block(job.id, number, Deadline())
    enlarging.steps.join(job.id, Deadline())
    picture, *_ = ordinary(encoded(RGB), scaled("2"), loaded)
    np.testing.assert_array_equal(pixels(enlarging.ledger.store.get(f"jobs/{job.id}/result")), picture.frames[0].colour)


def test_a_plan_for_other_parts_does_not_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: None) -> None:
    enlarging = Enlarging(tmp_path, models(monkeypatch))
    job = submitted(enlarging, encoded(RGB), scaled("2"))
    plan = enlarging.steps.plan(job.id, 1, Deadline())
    assert plan is not None
    assert plan.header is not None
    smaller = replace(plan, header=replace(plan.header, size=(20, WIDTH)))
    monkeypatch.setattr(enlarging.ledger, "plan", lambda _: smaller)
    enlarging.steps.block(job.id, 0, Deadline())
    end = enlarging.ledger.end(job.id)
    assert end is not None
    assert end.failure is not None
    assert end.failure.code == "block_failed"


def test_cancelling_is_noticed_between_bands_and_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: None
) -> None:
    enlarging = Enlarging(tmp_path, models(monkeypatch))
    job = submitted(enlarging, encoded(RGB), scaled("2"))

    def only(calls: int) -> Deadline:
        """Somebody who cancels after so many looks."""
        looks = iter([False] * calls)
        return Deadline(is_client_gone=lambda: next(looks, True))

    with pytest.raises(ClientGone):
        enlarging.steps.plan(job.id, 1, only(2))
    assert len(list(enlarging.ledger.store.keys(f"jobs/{job.id}/in/"))) == 1
    plan = enlarging.steps.plan(job.id, 1, Deadline())
    assert plan is not None
    for number in range(len(plan.blocks)):
        enlarging.steps.block(job.id, number, Deadline())
    fetched = Counting(enlarging.ledger.work.fetch_block)
    monkeypatch.setattr(enlarging.ledger.work, "fetch_block", fetched)
    with pytest.raises(ClientGone):
        enlarging.steps.join(job.id, only(2))
    assert fetched.calls == 1
    assert not list(enlarging.ledger.store.scratch.glob("gigantic-*"))


def test_blocks_planned_twice_fit_the_plan_that_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: None
) -> None:
    """Two workers plan at the same time, of which one is slower: it cuts other bands."""
    loaded = models(monkeypatch)
    enlarging = Enlarging(tmp_path, loaded)
    data, options = encoded(RGB), scaled("2")
    file = enlarging.inspect(data, options)
    job = Job(new_id(), "", 0.0, options, "queue", file.format, file.pixels, is_gigantic=True)
    add(enlarging.ledger, job, data)
    plan = enlarging.steps.plan(job.id, 1, Deadline())
    monkeypatch.setattr(loaded.default.upscaler, "seconds_for", SetPace(lambda cost: cost.area / 90_000).seconds_for)
    steps = GiganticSteps(enlarging.ledger, enlarging.files, 90, 1.0)
    assert plan is not None
    assert steps.plan(job, 1, Deadline()).blocks != plan.blocks
    for number in range(len(plan.blocks)):
        enlarging.steps.block(job.id, number, Deadline())
    enlarging.steps.join(job.id, Deadline())
    picture, *_ = ordinary(data, options, loaded)
    result = enlarging.ledger.store.get(f"jobs/{job.id}/result")
    np.testing.assert_array_equal(pixels(result), picture.frames[0].colour)
    assert Enlarging(tmp_path / "other", loaded).enlarge(data, options)[0] == result  # in other blocks


def test_a_process_of_its_own_cuts_and_joins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = models(monkeypatch)
    result, _ = Enlarging(tmp_path, loaded).enlarge(encoded(RGB), scaled("2"))
    picture, *_ = ordinary(encoded(RGB), scaled("2"), loaded)
    np.testing.assert_array_equal(pixels(result), picture.frames[0].colour)


@pytest.mark.parametrize(
    ("task", "words"),
    [(functools.partial(ctypes.string_at, 0), "crashed"), (functools.partial(bytearray, 3 << 30), "memory")],
)
def test_a_process_may_crash_or_take_too_much(task: Callable[[], object], words: str) -> None:
    with pytest.raises(ImageUndecodable, match=words):
        run_isolated(task, 60, lambda: None)


def test_a_process_that_nobody_waits_for_ends() -> None:
    def check() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        run_isolated(functools.partial(exec, "import time; time.sleep(600)"), 600, check)


JOIN = """
import sys
from pathlib import Path
import numpy as np
from superscaling.format_name import FormatName
from superscaling.pictures.containers.bands import write_rows
from superscaling.pictures.picture import Metadata
from superscaling.resident_memory import peak_resident_bytes
raw, result, name, count = sys.argv[1:]
write_rows(Path(result), [Path(raw)] * int(count), 4000, np.dtype(np.uint8), 3, FormatName(name), 90, True, Metadata())
print(peak_resident_bytes())
"""


def peak(folder: Path, pixels: bytes, name: FormatName, times: int) -> int:
    """The most memory that a process takes which writes so many pixels so many times, in bytes."""
    (folder / "raw").write_bytes(pixels)
    program = [sys.executable, "-c", JOIN, str(folder / "raw"), str(folder / "result"), name, str(times)]
    return int(subprocess.run(program, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout)


@pytest.mark.parametrize("name", [JPEG, TIFF])
def test_joining_takes_the_same_memory_for_ten_times_the_picture(name: FormatName, tmp_path: Path) -> None:
    pixels = np.kron(photograph(100, 400), np.ones((10, 10, 1), np.uint8)).tobytes()  # 4 MP
    small, large = peak(tmp_path, pixels, name, 1), peak(tmp_path, pixels, name, 10)
    assert large < small + 16_000_000
    assert large < 300_000_000
