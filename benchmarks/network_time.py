"""Time of the bare networks: ours in every precision, ISR's `predict`, and Real-ESRGAN's runtimes, taking turns.

From pixels to pixels, without HTTP and codecs. Other runtimes infer images whole. Ours are whole up to `WHOLE` px;
larger ones are tiled as in the service, and the halo counts as work. The peak of the machine is measured in the same
rounds. What would take longer than `MAX_SECONDS` for an image is left out.
"""

import contextlib
import functools
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.contestants import Contestant, Seconds, Times, take_turn, take_turn_on_new_sizes, timed
from benchmarks.isr_networks import ISR_NETWORKS, write_isr_network
from benchmarks.measuring import say
from benchmarks.network_report import Size, write_report
from benchmarks.networks import OWN, REAL_ESRGAN, Network, served_network, upscaler_of
from benchmarks.peak import Peak
from benchmarks.peer_process import running_peers
from benchmarks.results import COMPARED, ISR, OURS
from superscaling.engines import Pixels, available_cpus
from superscaling.engines.openvino import supported_precisions
from superscaling.enlarging import Upscaler
from superscaling.models import LITE, MODELS, TABLE
from superscaling.scheduling import Deadline, Timings
from superscaling.settings import Settings

LARGE = (3000, 4000)  # height, width in px
SMALL = (96, 96)
SIZES = (SMALL, COMPARED, (1000, 1000), LARGE)
WHOLE = COMPARED[0] * COMPARED[1]  # px
MAX_SECONDS = {(1000, 1000): 5.0, LARGE: 40.0}  # per image
ROUNDS = 2  # of all but SMALL, which has one
SLOW = 1.5  # s: a network that takes longer per image has one turn only
WITH_ISR = "noise-cancel-lite"  # the one of ours that ISR's `predict` runs as well


@dataclass
class OpenEngines:
    """The engines of one network at a time: those of all would need 18 GB of memory."""

    network: str = ""
    upscalers: dict[str, tuple[Upscaler, Upscaler]] = field(default_factory=dict)

    def seconds(self, name: str, network: Network, precision: str) -> Seconds:
        """What enlarges an image and returns the time, in which no engine is opened."""

        def run(height: int, width: int) -> float:
            if name != self.network:
                self.network, self.upscalers = name, {}
            if precision not in self.upscalers:
                engine = network.open(precision)
                self.upscalers[precision] = (upscaler_of(engine, max(COMPARED)), upscaler_of(engine, Settings().tile))
            return timed(functools.partial(_enlarge, *self.upscalers[precision]))(height, width)

        return run


def measure() -> str:
    """The section in Markdown."""
    peaks = {precision: Peak(precision, available_cpus()) for precision in supported_precisions()}
    results: dict[Size, dict[Contestant, Times]] = {}
    with contextlib.ExitStack() as stack:
        say("building the networks")
        networks = {name: served_network(name) for name in (*OWN, *REAL_ESRGAN)}
        engines = OpenEngines()
        contestants = [each for name in OWN for each in _in_openvino(name, networks[name], engines)]
        contestants += _of_isr(stack, networks, engines)
        contestants += [each for name in REAL_ESRGAN for each in _in_openvino(name, networks[name], engines)]
        contestants += stack.enter_context(running_peers(networks))
        order = list(dict.fromkeys(each.network for each in contestants))
        contestants.sort(key=lambda each: order.index(each.network))  # what is compared runs one after the other
        speeds: dict[Contestant, float] = dict.fromkeys(contestants, 0.0)  # s per megapixel; 0: unknown
        for size in SIZES:
            starters = {each: speed for each, speed in speeds.items() if _starts(each, speed, size, networks)}
            results[size] = _take_turns(starters, size, peaks)
            speeds |= {each: times.median for each, times in results[size].items()}
    return write_report(results, networks, {name: peak.flop_per_second for name, peak in peaks.items()})


def _in_openvino(name: str, network: Network, engines: OpenEngines) -> Iterator[Contestant]:
    for precision in network.precisions:
        yield Contestant(name, f"{OURS}{precision}", engines.seconds(name, network, precision))


def _of_isr(stack: contextlib.ExitStack, networks: dict[str, Network], engines: OpenEngines) -> Iterator[Contestant]:
    """What ISR can load: by its `predict`, and in OpenVINO. Adds the networks that are not the project's."""
    import keras  # late: it loads TensorFlow

    from superscaling.engines.tensorflow import load_isr

    keras.utils.disable_interactive_logging()  # `predict` would draw a progress bar
    yield Contestant(WITH_ISR, ISR, timed(load_isr(LITE, MODELS / WITH_ISR / TABLE[WITH_ISR].file).predict))
    for name, build in ISR_NETWORKS.items():
        isr = build()
        networks[name] = write_isr_network(name, isr, Path(stack.enter_context(tempfile.TemporaryDirectory())))
        yield Contestant(name, ISR, timed(isr.predict))
        yield from _in_openvino(name, networks[name], engines)


def _enlarge(whole: Upscaler, tiled: Upscaler, pixels: Pixels) -> Pixels:
    height, width, _ = pixels.shape
    upscaler = whole if height * width <= WHOLE else tiled
    return upscaler.enlarge(pixels, Deadline(), Timings())


def _starts(contestant: Contestant, speed: float, size: Size, networks: Mapping[str, Network]) -> bool:
    if size == LARGE and contestant.way != f"{OURS}{networks[contestant.network].served}":
        return False
    return speed * size[0] * size[1] / 1e6 <= MAX_SECONDS.get(size, float("inf"))


def _take_turns(speeds: Mapping[Contestant, float], size: Size, peaks: Mapping[str, Peak]) -> dict[Contestant, Times]:
    """Run all contestants in rounds; slow ones in the first round only."""
    megapixels = size[0] * size[1] / 1e6
    results = {contestant: Times() for contestant in speeds}
    rounds = 1 if size == SMALL else ROUNDS
    for turn in range(rounds):
        for contestant, speed in speeds.items():
            times = results[contestant]
            if turn and max(speed, times.median) * megapixels > SLOW:
                continue
            say(f"{size[1]} x {size[0]} px, round {turn + 1} of {rounds}: {contestant.name}")
            take_turn(contestant, times, *size, expected=speed * megapixels)
            if size == COMPARED and contestant.way.startswith(OURS) and times.median * megapixels <= SLOW:
                take_turn_on_new_sizes(contestant, times, *size)
        if size == COMPARED:
            say("peak of the machine")
            for peak in peaks.values():
                peak.try_again()
    return results
