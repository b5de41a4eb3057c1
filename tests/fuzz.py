"""Feed the codec a million damaged files: `make fuzz`, or `python -m tests.fuzz --count 10000 --seed 7`.

First come large, repetitive files (`hostile_files.py`), as long as a service takes them: small ones, however damaged,
show nothing that is slow. Each has to be refused or decoded in a few seconds of CPU time.
Then each case is one of the tests' pictures with some bytes changed, mostly in its headers, cut, doubled or mixed with
another. It has to be decoded, and what was decoded encoded again, or refused as an error of the client, in bounded time
and memory.
What fails is written to tests/fixtures/fuzz, which `test_fuzz.py` tries each time.
"""

import argparse
import contextlib
import ctypes
import multiprocessing
import random
import resource
import sys
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.context import ForkProcess
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

from superscaling.errors import FormatCannotHold, ServiceError
from superscaling.format_name import FormatName
from superscaling.pictures import (
    Limits,
    answer_format,
    check_can_hold,
    decode,
    describe_unsupported,
    encode,
    limit_pillow,
)
from superscaling.pictures.containers.chunks import png_chunks
from superscaling.recognition.formats import PNG_SIGNATURE

FINDINGS = Path(__file__).parent / "fixtures" / "fuzz"
LIMITS = Limits(pixels=200_000, frames=10)
# s: many times the duration for the largest of these images, on a busy machine.
MAX_SECONDS = 20
# s: likewise, for what no deadline ends. AVIF's encoder takes most.
MAX_SERVING_SECONDS = 5
# Bytes of the repetitive files, and s of CPU time that each may cost until it is refused or decoded.
LARGE, MAX_CPU_SECONDS = 62 << 20, 5
SERVICE_LIMITS = Limits(pixels=64_000_000, frames=1000)
# Bytes: more than a worker needs for itself and the largest image.
MAX_MEMORY = 256 << 20
# Boundary values of header fields.
EDGES = [bytes(4), b"\xff" * 4, b"\0\0\0\1", b"\1\0\0\0", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\xff\xff"]
# Share of changes in the first bytes, where the headers are.
HEADER, HEADER_SHARE = 200, 0.7
# Share of cases with a valid signature and valid checksums.
REPAIRED_SHARE = 0.9
SIGNATURE = 4
# Formats besides JPEG that hold all metadata.
CARRYING = (FormatName.PNG, FormatName.WEBP, FormatName.TIFF)
CONTEXT = multiprocessing.get_context("fork")


def seeds() -> list[bytes]:
    """The images to damage."""
    sys.path.insert(0, str(Path(__file__).parent))  # as pytest does
    import test_animations
    import test_avif_heic
    import test_foreign_formats
    import test_jpeg_ending
    import test_metadata
    import test_tiff_kinds
    from conftest import encoded
    from metadata_files import DEPTH_MAP, KINDS
    from pictures import IMAGE, PALETTE, RGBA, SENT

    gif = encoded(PALETTE, "GIF", comment=b"by hand")
    packet = b"!\xff\x0bXMP DataXMP" + DEPTH_MAP + b"\1" + bytes(range(255, -1, -1)) + b"\0"
    profile = b"!\xff\x0bICCRGBG1012\x03abc\0"

    return [
        *(sent.data for sent in SENT),
        *test_animations.ANIMATED.values(),
        test_animations.pages_file(),
        test_metadata.CAMERA,
        *(write(IMAGE, exif=test_avif_heic.EXIF, xmp=test_metadata.XMP) for write in test_avif_heic.WRITERS.values()),
        *(write(RGBA) for write in test_avif_heic.WRITERS.values()),
        *(data[:-2] for data in test_jpeg_ending.KINDS.values()),
        *(encode(decode(test_metadata.CAMERA, LIMITS), name, 80, 80).data for name in CARRYING),
        *(kind.data for kind in KINDS.values()),
        *(data for data, _ in (*test_tiff_kinds.READ.values(), *test_tiff_kinds.REFUSED.values())),
        *(test_tiff_kinds.big_tiff(order, details=((0xA002, 16, bytes(8)),)) for order in "<>"),
        gif[:-1] + packet + profile + b";",
        *test_foreign_formats.FILES.values(),
    ]


def damaged(pictures: list[bytes], seed: int, index: int) -> bytes:
    """The case with this index; reproducible."""
    chance = random.Random(f"{seed} {index}")
    picture = chance.choice(pictures)
    data = bytearray(picture)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        end = HEADER if chance.random() < HEADER_SHARE else len(data)
        place = chance.randrange(max(1, min(end, len(data))))
        match chance.randrange(8):
            case 0 | 1 | 2:
                data[place : place + 1] = bytes([chance.randrange(256)])
            case 3:
                data[place : place + 1] = bytes([data[place] ^ 1 << chance.randrange(8)]) if data else b""
            case 4:
                length = chance.choice((1, 2, 4))
                data[place : place + length] = chance.choice(EDGES)[:length]
            case 5:
                del data[place : place + chance.choice((1, 2, 4, 12, 1000))]
            case 6:
                data[place:place] = data[place : place + chance.choice((1, 4, 12, 64))]
            case 7:
                other = chance.choice(pictures)
                cut = chance.randrange(len(other))
                data[place : place + 32] = other[cut : cut + 32]
    if chance.random() < REPAIRED_SHARE:
        data[:SIGNATURE] = picture[:SIGNATURE]
        return with_checksums(bytes(data))
    return bytes(data)


def with_checksums(data: bytes) -> bytes:
    """Correct the checksums of a PNG's chunks, so that decoders read beyond them."""
    if not data.startswith(PNG_SIGNATURE):
        return data
    result = bytearray(PNG_SIGNATURE)
    for name, start, end in png_chunks(data):
        result += data[start - 8 : end] + zlib.crc32(name + data[start:end]).to_bytes(4)
    return bytes(result)


@contextlib.contextmanager
def soon(what: str) -> Iterator[None]:
    """Make sure that what the serving process does itself takes little time."""
    start = time.thread_time()
    yield
    seconds = time.thread_time() - start
    assert seconds < MAX_SERVING_SECONDS, f"{what} took {seconds:.1f} s"


def check(data: bytes) -> None:
    """Name, decode and encode; any unexpected exception, and what takes the serving process long, is a finding."""
    with soon("answer_format"):
        answer_format(data)
    with soon("describe_unsupported"):
        describe_unsupported(data)
    try:
        picture = decode(data, LIMITS)
    except ServiceError as exc:
        if exc.status not in (415, 422):
            raise
        return
    pixels = sum(frame.height * frame.width for frame in picture.frames)
    assert len(picture.frames) <= LIMITS.frames
    assert pixels <= LIMITS.pixels, pixels
    # The input's format and one other, in rotation, so that each case is short.
    for name in (picture.format, list(FormatName)[len(data) % len(FormatName)]):
        try:
            check_can_hold(picture, picture.sizes, name)
        except FormatCannotHold:
            continue
        with soon("encode"):
            encode(picture, name, 80, 80)


def slow_files(length: int) -> Iterator[tuple[str, float]]:
    """Names of the repetitive files of that length that cost too much, and their CPU time in s."""
    sys.path.insert(0, str(Path(__file__).parent))
    from hostile_files import HOSTILE

    for name, make in HOSTILE.items():
        data = make(length)
        start = time.process_time()
        with contextlib.suppress(ServiceError):
            decode(data, SERVICE_LIMITS)
        if (seconds := time.process_time() - start) > MAX_CPU_SECONDS:
            yield name, seconds


@dataclass
class Worker:
    """Start a process that tries every `step`-th case from `first`; `current` holds the index of the running one."""

    process: ForkProcess
    current: "Synchronized[int]"

    @classmethod
    def start(cls, pictures: list[bytes], seed: int, first: int, count: int, step: int) -> "Worker":
        current: Synchronized[int] = CONTEXT.Value(ctypes.c_int64, first)
        process = CONTEXT.Process(target=_try, args=(pictures, seed, range(first, count, step), current), daemon=True)
        process.start()
        return cls(process, current)


def _try(pictures: list[bytes], seed: int, cases: range, current: "Synchronized[int]") -> None:
    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for index in cases:
        current.value = index
        data = damaged(pictures, seed, index)
        try:
            check(data)
        except Exception as exc:
            keep(data, f"raised {exc!r}")
        if (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start) << 10 > MAX_MEMORY:
            keep(data, "took too much memory")
            start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    current.value = cases.stop


def keep(data: bytes, what: str) -> None:
    """Save a finding."""
    path = FINDINGS / f"{zlib.crc32(data):08x}"
    path.write_bytes(data)
    print(f"\n{path}: {what}", flush=True)


def watch(pictures: list[bytes], seed: int, count: int, worker: Worker, step: int) -> Iterator[Worker]:
    """Run a worker through its cases, and restart it after a case that crashed or hung it; yields it every second."""
    seen, since = -1, time.monotonic()
    while worker.current.value < count or worker.process.is_alive():
        yield worker
        index = worker.current.value
        if index != seen:
            seen, since = index, time.monotonic()
        is_dead, is_stuck = not worker.process.is_alive(), time.monotonic() - since > MAX_SECONDS
        if index < count and (is_dead or is_stuck):
            keep(damaged(pictures, seed, index), "ended the process" if is_dead else "took too long")
            worker.process.kill()
            worker.process.join()
            worker = Worker.start(pictures, seed, index + step, count, step)


def main() -> None:
    """Try the cases on all cores, with a progress line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=multiprocessing.cpu_count())
    arguments = parser.parse_args()
    limit_pillow()
    slow = list(slow_files(LARGE))
    for name, seconds in slow:
        print(f"{name} took {seconds:.1f} s")
    FINDINGS.mkdir(parents=True, exist_ok=True)
    before = len(list(FINDINGS.iterdir()))
    with CONTEXT.Pool(1) as pool:  # libvips writes some; its threads would be missing in forked workers
        pictures = pool.apply(seeds)
    seed, count, step = arguments.seed, arguments.count, arguments.workers
    watched = [
        watch(pictures, seed, count, Worker.start(pictures, seed, first, count, step), step) for first in range(step)
    ]
    while states := [state for each in watched if (state := next(each, None))]:
        print(f"\r{min(state.current.value for state in states)} of {count}", end="", flush=True)
        time.sleep(1)
    found = len(list(FINDINGS.iterdir())) - before
    print(f"\r{count} cases, {found} findings")
    sys.exit(found > 0 or bool(slow))


if __name__ == "__main__":
    main()
