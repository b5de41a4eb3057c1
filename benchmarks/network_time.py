"""Time of the bare networks: ours in every precision, ISR's `predict`, and Real-ESRGAN's, taking turns.

From pixels to pixels, without HTTP and codecs. ISR and Real-ESRGAN infer images whole. Ours are whole up to
`WHOLE` px; larger ones are tiled as in the service, and the halo counts as work. The peak of the machine is
measured in the same rounds. A network that would take longer than `MAX_SECONDS` for an image is left out, except at
`COMPARED`, the size of the ratios.
"""

import contextlib
import functools
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.contestants import Contestant, Times, take_turn, take_turn_on_new_sizes, timed
from benchmarks.measuring import say
from benchmarks.network_report import Results, Size, write_report
from benchmarks.networks import ARCHITECTURES, DEFAULT, open_network, upscaler_of, write_network
from benchmarks.peak import Peak
from benchmarks.peer_process import running_peers
from benchmarks.results import COMPARED, ISR, OURS
from superscaling.engines import Engine, Pixels, available_cpus
from superscaling.engines.openvino import supported_precisions
from superscaling.enlarging import Upscaler
from superscaling.scheduling import Deadline, Timings
from superscaling.settings import Settings

LARGE = (3000, 4000)  # height, width in px
SIZES = ((96, 96), COMPARED, (1000, 1000), LARGE)
WHOLE = COMPARED[0] * COMPARED[1]  # px
MAX_SECONDS = 60.0  # per image
ROUNDS = 3
SLOW = 20.0  # s: a network that takes longer per image has one turn only


def measure() -> str:
    """The section in Markdown."""
    peaks = {precision: Peak(precision, available_cpus()) for precision in supported_precisions()}
    results: Results = {}
    with contextlib.ExitStack() as stack:
        say("building the networks")
        contestants = [*_ours(stack), *stack.enter_context(running_peers(available_cpus()))]
        speeds: dict[Contestant, float] = dict.fromkeys(contestants, 0.0)  # s per megapixel; 0: unknown
        for size in SIZES:
            starters = {each: speed for each, speed in speeds.items() if _starts(each, speed, size)}
            results[size] = _take_turns(starters, size, peaks)
            speeds |= {each: times.median for each, times in results[size].items()}
    return write_report(results, {name: peak.flop_per_second for name, peak in peaks.items()})


def _ours(stack: contextlib.ExitStack) -> Iterator[Contestant]:
    import keras  # late: it loads TensorFlow

    keras.utils.disable_interactive_logging()  # `predict` would draw a progress bar
    for name in ARCHITECTURES:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        isr = write_network(name, directory)
        yield Contestant(name, ISR, timed(isr.predict))
        for precision in supported_precisions():
            engine = open_network(name, directory, precision, available_cpus())
            yield Contestant(name, f"{OURS}{precision}", timed(_enlarger(engine)))


def _enlarger(engine: Engine) -> functools.partial[Pixels]:
    whole, tiled = (upscaler_of(engine, tile) for tile in (max(COMPARED), Settings().tile))
    return functools.partial(_enlarge, whole, tiled)


def _enlarge(whole: Upscaler, tiled: Upscaler, pixels: Pixels) -> Pixels:
    height, width, _ = pixels.shape
    upscaler = whole if height * width <= WHOLE else tiled
    return upscaler.enlarge(pixels, Deadline(), Timings())


def _starts(contestant: Contestant, speed: float, size: Size) -> bool:
    if size == LARGE and (contestant.network != DEFAULT or contestant.way == ISR):
        return False  # an image of this size does not fit into memory whole
    return size == COMPARED or speed * size[0] * size[1] / 1e6 <= MAX_SECONDS


def _take_turns(speeds: Mapping[Contestant, float], size: Size, peaks: Mapping[str, Peak]) -> dict[Contestant, Times]:
    """Run all contestants in rounds; slow ones in the first round only."""
    megapixels = size[0] * size[1] / 1e6
    results = {contestant: Times() for contestant in speeds}
    for turn in range(ROUNDS):
        for contestant, speed in speeds.items():
            if turn and speed * megapixels > SLOW:
                continue
            times = results[contestant]
            say(f"{size[1]} x {size[0]} px, round {turn + 1} of {ROUNDS}: {contestant.name}")
            take_turn(contestant, times, *size, expected=speed * megapixels)
            if size == COMPARED and (not turn or times.median * megapixels < 1):
                take_turn_on_new_sizes(contestant, times, *size)
        if size == COMPARED:
            say("peak of the machine")
            for peak in peaks.values():
                peak.try_again()
    return results
