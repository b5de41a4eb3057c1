"""The report on network times: one table, and targets."""

import statistics
from collections.abc import Iterator, Mapping

from benchmarks.contestants import Contestant, Times
from benchmarks.isr_networks import C6_D20
from benchmarks.measuring import Target, table, target_list
from benchmarks.networks import ANIME_VIDEO, DEFAULT, OWN, X4PLUS, Network
from benchmarks.results import COMPARED, ISR, NETWORK, OURS, SERVED, SPEED, WAY

Size = tuple[int, int]  # height, width in px
Results = Mapping[Size, Mapping[Contestant, Times]]

# Minimum speed-ups of our networks over others.
C6_D20_AGAINST_ISR = {f"{OURS}bf16": 2.2, f"{OURS}int8": 4.5}
DEFAULT_AGAINST_ISR = {f"{OURS}bf16": 150.0, f"{OURS}int8": 300.0}
DEFAULT_AGAINST_REAL_ESRGAN = {ANIME_VIDEO: 4.0, X4PLUS: 120.0}
MIN_SHARE_OF_PEAK = 80.0  # percent
MAX_FOR_A_NEW_SIZE = 1.2  # times the time on the measured size


def write_report(results: Results, networks: Mapping[str, Network], peaks: Mapping[str, float]) -> str:
    """The section in Markdown.

    Args:
        results: times by size and contestant.
        networks: by name; all that compete.
        peaks: measured peak of the machine in FLOP/s, by precision.
    """
    report = _Report(results[COMPARED], networks, peaks)
    peak = ", ".join(f"{flop / 1e9:.0f} GFLOP/s in {precision}" for precision, flop in peaks.items())
    return (
        f"Medians, in seconds per megapixel of input, by size in px; first the time at {SPEED} as a multiple of that of"
        f" {DEFAULT}, as the service runs it. Weights are the published ones, except random ones for {C6_D20}. Of"
        f" networks without a served precision, int8 is for the time only. Our networks infer pictures up to {SPEED}"
        " whole and larger ones in tiles; the others infer all of them whole. The peak of the machine, measured in the"
        f" same rounds: {peak}; the share of it counts the operations of plain convolutions; Winograd's method needs"
        " fewer.\n\n"
        + table(
            (NETWORK, "factor", "TFLOP/MP", WAY, SERVED, "time", "of the peak", *_columns(results)),
            report.rows(results),
        )
        + "\n"
        + target_list([*report.speed_targets(), *report.peak_targets(), *report.new_size_targets()])
    )


def _columns(results: Results) -> Iterator[str]:
    return (f"{width} x {height}" for height, width in results)


class _Report:
    """Figures of one size.

    Args:
        compared: times by contestant.
        networks, peaks: as for `write_report`.
    """

    def __init__(
        self, compared: Mapping[Contestant, Times], networks: Mapping[str, Network], peaks: Mapping[str, float]
    ) -> None:
        self._times = {(each.network, each.way): times for each, times in compared.items()}
        self._networks, self._peaks = networks, peaks

    def rows(self, results: Results) -> Iterator[list[str]]:
        """A row for each contestant."""
        served = self._seconds(DEFAULT, f"{OURS}{self._networks[DEFAULT].served}")
        for contestant in results[COMPARED]:
            name, way = contestant.network, contestant.way
            network = self._networks[name]
            times = (of_size.get(contestant) for of_size in results.values())
            yield [
                name,
                f"x{network.files.scale}",
                f"{network.flop / 1e6:.3g}",
                way,
                "yes" if way == f"{OURS}{network.served}" else "",
                f"{self._seconds(name, way) / served:.3g}",
                f"{self._share(name, way):.0f} %",
                *(f"{each.median:.3g}" if each else "-" for each in times),
            ]

    def speed_targets(self) -> Iterator[Target]:
        """How much faster we are than others."""
        isr = self._seconds(C6_D20, ISR)
        for network, name, wanted in (
            (C6_D20, "C6 D20", C6_D20_AGAINST_ISR),
            (DEFAULT, "the default model", DEFAULT_AGAINST_ISR),
        ):
            for way, minimum in wanted.items():
                if (network, way) in self._times:
                    what = f"{name}, {way}, against ISR's C6 D20"
                    yield Target(what, isr / self._seconds(network, way), minimum, "times faster", at_least=True)
        ours = self._seconds(DEFAULT, f"{OURS}{self._networks[DEFAULT].served}")
        for name, minimum in DEFAULT_AGAINST_REAL_ESRGAN.items():
            others = [way for network, way in self._times if network == name and not way.startswith(OURS)]
            theirs = min(self._seconds(name, way) for way in others)
            what = f"the default model against {name} in the fastest of its own runtimes"
            yield Target(what, theirs / ours, minimum, "times faster", at_least=True)

    def peak_targets(self) -> Iterator[Target]:
        """How much of the machine's peak is reached: by C6 D20, and by the default in the fastest precision."""
        for precision in self._peaks:
            share = self._share(C6_D20, f"{OURS}{precision}")
            yield Target(f"C6 D20 of the {precision} peak", share, MIN_SHARE_OF_PEAK, "%", at_least=True)
        served = self._networks[DEFAULT].served
        share = self._share(DEFAULT, f"{OURS}{served}")
        yield Target(f"the default model of the {served} peak", share, MIN_SHARE_OF_PEAK, "%", at_least=True)

    def new_size_targets(self) -> Iterator[Target]:
        """Sizes seen for the first time, each slightly below the measured one; the slowest of our own."""
        ratios = {
            f"{network}, {way}": statistics.median(times.new) / times.median
            for (network, way), times in self._times.items()
            if network in OWN and times.new
        }
        if ratios:
            slowest = max(ratios, key=ratios.__getitem__)
            what = f"a new size, slowest of {len(ratios)}: {slowest}"
            yield Target(what, ratios[slowest], MAX_FOR_A_NEW_SIZE, "times the time on the measured size")

    def _seconds(self, network: str, way: str) -> float:
        """Per megapixel."""
        return self._times[network, way].median

    def _share(self, network: str, way: str) -> float:
        """Percent of the peak in the precision of this way, which ends with it unless it is fp32."""
        precision = way.rpartition(" ")[2]
        peak = self._peaks.get(precision, self._peaks["fp32"])
        return 100 * self._networks[network].flop * 1e6 / self._seconds(network, way) / peak
