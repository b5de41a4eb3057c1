"""What it costs to decode in another process: against decoding in this one, and against a pool of the library pebble.

The ways take turns. Peaks are those of the process that asks, which holds the picture afterwards.
"""

import contextlib
import os
import signal
import statistics
import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path

from pebble import ProcessPool

from benchmarks.children import child
from benchmarks.inputs import POSTER, as_file, photograph
from benchmarks.measuring import Target, say, table, target_list
from benchmarks.results import COMPARED
from benchmarks.service import memory_of, post, running_service, spans
from superscaling.isolation import Decoder, Decoders, InThisProcess
from superscaling.pictures import Limits, Picture, decode, limit_pillow
from superscaling.scheduling import Deadline, Timings

Decode = Callable[[bytes], Picture]

HERE, ISOLATED, PEBBLE = "in this process", "isolated", "pebble"
WAYS = (HERE, ISOLATED, PEBBLE)
ROUNDS = {COMPARED: 200, POSTER: 20}
LARGE = ((5000, 5000), (8000, 8000))  # px: 25 and 64 megapixels
LIMITS = Limits(pixels=10**8, frames=1000)
MAX_MILLISECONDS, MAX_SHARE = 5.0, 0.05  # for the small picture; of a request with the large one


def measure() -> str:
    """The section in Markdown."""
    times = {size: _take_turns(as_file(photograph(*size)), rounds) for size, rounds in ROUNDS.items()}
    added = {size: by[ISOLATED] - by[HERE] for size, by in times.items()}
    say("a whole request with the large picture")
    with running_service(UPSCALER_TIMEOUT="600") as service:
        whole = sum(spans(post(service.client, as_file(photograph(*POSTER))).raise_for_status()).values())
    peaks = {size: {way: _peak_in_child(way, size) for way in WAYS} for size in LARGE}
    share = 100 * added[POSTER] / whole
    columns = [f"{width} x {height}" for height, width in (*ROUNDS, *LARGE)]
    head = ("decoded", *(f"{each}, ms" for each in columns[:2]), *(f"{each}, peak in MB" for each in columns[2:]))
    rows = [
        (way, *(f"{by[way]:.2f}" for by in times.values()), *(f"{by[way]:.0f}" for by in peaks.values()))
        for way in WAYS
    ]
    return (
        "JPEGs, inspected and decoded, in turns; medians, and the peak of the process that asks, above what it took"
        " before.\n\n"
        + table(head, rows)
        + f"\nA request with the picture of {columns[1]} px takes {whole:.0f} ms. "
        + f"After an idle process is killed, the next picture is: {ISOLATED}, {_after_a_kill(ISOLATED)};"
        + f" {PEBBLE}, {_after_a_kill(PEBBLE)}.\n\n"
        + target_list(
            [
                Target(f"isolation adds to {columns[0]}", added[COMPARED], MAX_MILLISECONDS, "ms"),
                Target(f"isolation adds to a request with {columns[1]}", share, 100 * MAX_SHARE, "%"),
            ]
        )
    )


@contextlib.contextmanager
def _way(name: str) -> Iterator[Decode]:
    """One way to decode."""
    limit_pillow()
    if name == PEBBLE:
        context = get_context("forkserver")
        context.set_forkserver_preload(["superscaling.isolation.worker"])
        with ProcessPool(max_workers=1, context=context) as pool:
            yield lambda file: pool.schedule(decode, args=(file, LIMITS)).result()
    elif name == ISOLATED:
        decoders = Decoders(60)
        yield _with(decoders)
        decoders.close()
    else:
        yield _with(InThisProcess())


def _with(decoder: Decoder) -> Decode:
    return lambda file: decoder.inspect(file, LIMITS, Deadline(), Timings()).decode()


def _take_turns(file: bytes, rounds: int) -> dict[str, float]:
    """Median time of each way in ms; the first round is a warm-up."""
    say(f"decoding a JPEG of {len(file):,} bytes, {rounds} times")
    times: dict[str, list[float]] = {name: [] for name in WAYS}
    with contextlib.ExitStack() as stack:
        ways = {name: stack.enter_context(_way(name)) for name in WAYS}
        for turn in range(rounds + 1):
            for name, call in ways.items():
                start = time.perf_counter()
                call(file)
                if turn:
                    times[name].append((time.perf_counter() - start) * 1000)
    return {name: statistics.median(each) for name, each in times.items()}


def _peak_in_child(name: str, size: tuple[int, int]) -> float:
    say(f"the peak with {size[0] * size[1] // 10**6} megapixels, {name}")
    with child() as process:
        return process.submit(_peak, name, size).result()


def _peak(name: str, size: tuple[int, int]) -> float:
    """Decode one picture; returns the peak of this process above what it took before, in MB."""
    file = as_file(photograph(*size))
    with _way(name) as call:
        call(as_file(photograph(*COMPARED)))
        before = memory_of(os.getpid(), "VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        picture = call(file)
        picture.frames[0].colour.max()  # what is shared counts once it is looked at
        return memory_of(os.getpid(), "VmHWM") - before


def _after_a_kill(name: str) -> str:
    """What becomes of a picture after the kernel has killed a process that had nothing to do."""
    file = as_file(photograph(*COMPARED))
    with child() as process:
        return process.submit(_kill_and_decode, name, file).result()


def _kill_and_decode(name: str, file: bytes) -> str:
    with _way(name) as call:
        call(file)
        for pid in _decoders():
            os.kill(pid, signal.SIGKILL)
        time.sleep(1)
        try:
            call(file)
        except Exception as exc:  # whatever it is, it is the result
            return f"refused ({type(exc).__name__}: {exc})"
        return "decoded"


def _decoders() -> list[int]:
    """The processes that were forked by the fork server of this process."""

    def children(pid: int) -> list[int]:
        return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))

    return [each for own in children(os.getpid()) for each in children(own)]
