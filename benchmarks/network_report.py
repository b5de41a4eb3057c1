"""The report on network times: tables and targets."""

import statistics
from collections.abc import Iterator, Mapping

from benchmarks.contestants import Contestant, Times
from benchmarks.flops import flop_per_pixel
from benchmarks.measuring import Target, table, target_list
from benchmarks.networks import ARCHITECTURES, DEFAULT, LARGEST
from benchmarks.results import COMPARED, ISR, NETWORK, OURS, SPEED, WAY

Size = tuple[int, int]  # height, width in px
Results = dict[Size, dict[Contestant, Times]]

# Minimum speed-ups of our networks over others.
LARGEST_AGAINST_ISR = {"OpenVINO bf16": 2.2, "OpenVINO int8": 4.5}
DEFAULT_AGAINST_ISR = {"OpenVINO bf16": 60.0, "OpenVINO int8": 110.0}
DEFAULT_AGAINST_PEERS = {"realesr-general-x4v3": 4.0, "Real-ESRGAN x2plus": 15.0}
MIN_SHARE_OF_PEAK = 80.0  # percent
MAX_FOR_A_NEW_SIZE = 1.2  # times the time on the measured size


def write_report(results: Results, peaks: Mapping[str, float]) -> str:
    """The section in Markdown.

    Args:
        results: times by size and contestant.
        peaks: measured peak of the machine in FLOP/s, by precision.
    """
    speeds = {(each.network, each.way): times for each, times in results[COMPARED].items()}
    return (
        f"Medians, in seconds per megapixel of input. Sizes are in px. Weights are random, except those of {DEFAULT}."
        f" Our networks infer images up to {SPEED} whole and larger ones in tiles; the others infer all of them whole."
        f' "new size" is the time on sizes slightly below {SPEED}, each inferred for the first time.\n\n'
        + table((NETWORK, WAY, *_columns(results)), _rows(results))
        + "\nThe peak of the machine, measured in the same rounds, and how much of it the networks reach:\n\n"
        + table(
            ("network", "TFLOP per megapixel", *(f"{name}: {_giga(peak)}" for name, peak in peaks.items())),
            _shares(speeds, peaks),
        )
        + "\n"
        + target_list([*_speed_targets(speeds), *_peak_targets(speeds, peaks), *_new_size_targets(speeds)])
    )


Speeds = Mapping[tuple[str, str], Times]  # by network and way, at `COMPARED`


def _columns(results: Results) -> Iterator[str]:
    for size in results:
        yield f"{size[1]} x {size[0]}"
        if size == COMPARED:
            yield "new size"
            yield "speed-up over ISR"


def _rows(results: Results) -> Iterator[list[str]]:
    for contestant, compared in results[COMPARED].items():
        row = [contestant.network, contestant.way]
        for size, of_all in results.items():
            times = of_all.get(contestant)
            row.append(f"{times.median:.3g}" if times else "-")
            if size == COMPARED:
                row.append(f"{statistics.median(compared.new):.3g}" if compared.new else "-")
                row.append(_against_isr(contestant, compared, results))
        yield row


def _against_isr(contestant: Contestant, times: Times, results: Results) -> str:
    for other, of_isr in results[COMPARED].items():
        if (other.network, other.way) == (contestant.network, ISR):
            return f"{of_isr.median / times.median:.2f}"
    return "-"


def _shares(speeds: Speeds, peaks: Mapping[str, float]) -> Iterator[list[str]]:
    for name, architecture in ARCHITECTURES.items():
        cells = (_share(speeds, name, precision, peaks) for precision in peaks)
        yield [name, f"{flop_per_pixel(architecture) / 1e6:.3g}", *(f"{share:.0f} %" for share in cells)]


def _share(speeds: Speeds, network: str, precision: str, peaks: Mapping[str, float]) -> float:
    """Percent of the peak."""
    reached = flop_per_pixel(ARCHITECTURES[network]) * 1e6 / speeds[network, f"{OURS}{precision}"].median
    return 100 * reached / peaks[precision]


def _giga(flop_per_second: float) -> str:
    return f"{flop_per_second / 1e9:.0f} GFLOP/s"


def _speed_targets(speeds: Speeds) -> Iterator[Target]:
    isr = speeds[LARGEST, ISR].median
    for network, name, wanted in (
        (LARGEST, "C6 D20", LARGEST_AGAINST_ISR),
        (DEFAULT, "the default model", DEFAULT_AGAINST_ISR),
    ):
        for way, minimum in wanted.items():
            if times := speeds.get((network, way)):
                what = f"{name}, {way}, against ISR's C6 D20"
                yield Target(what, isr / times.median, minimum, "times faster", at_least=True)
    fastest = min(times.median for (network, way), times in speeds.items() if network == DEFAULT and way != ISR)
    for peer, minimum in DEFAULT_AGAINST_PEERS.items():
        theirs = min(times.median for (network, _), times in speeds.items() if network == peer)
        what = f"the default model against {peer}, each in its fastest precision"
        yield Target(what, theirs / fastest, minimum, "times faster", at_least=True)


def _peak_targets(speeds: Speeds, peaks: Mapping[str, float]) -> Iterator[Target]:
    for precision in peaks:
        share = _share(speeds, LARGEST, precision, peaks)
        yield Target(f"C6 D20 of the {precision} peak", share, MIN_SHARE_OF_PEAK, "%", at_least=True)


def _new_size_targets(speeds: Speeds) -> Iterator[Target]:
    for (network, way), times in speeds.items():
        if way.startswith(OURS):
            ratio = statistics.median(times.new) / times.median
            yield Target(
                f"new size, {network}, {way}", ratio, MAX_FOR_A_NEW_SIZE, "times the time on the measured size"
            )
