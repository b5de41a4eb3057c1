"""docs/speed.png: seconds per megapixel of each network in each runtime, from benchmarks/RESULTS.md.

`speed_table` runs this in the environment of requirements-bench.txt, the only one with matplotlib.
"""

from benchmarks.results import NETWORK, OURS, SPEED, TIMES, WAY, read_table
from superscaling.settings import ROOT

PICTURE = ROOT / "docs" / "speed.png"
# An opaque background, because pages may be light or dark; colours that also differ in lightness.
BACKGROUND, TEXT = "#ffffff", "#1f2328"
SERVICE, OTHERS = "#1a7f6b", "#b8bec6"
BAR = 0.34  # inches


def main() -> None:
    """Draw a bar for each network and runtime, the slowest on top. The axis is logarithmic: times span much."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    rows = fastest(read_table(TIMES))
    seconds = [float(row[SPEED]) for row in rows]
    names = [f"{row[NETWORK]}, {row[WAY].replace('`', '')}" for row in rows]
    colours = [SERVICE if row[WAY].startswith(OURS) else OTHERS for row in rows]
    figure, axes = pyplot.subplots(figsize=(9, BAR * len(rows) + 0.9), facecolor=BACKGROUND, layout="constrained")
    bars = axes.barh(names, seconds, color=colours, height=0.72)
    axes.bar_label(bars, [f"{each:.3g} s" for each in seconds], padding=4, color=TEXT, fontsize=9)
    axes.set_xscale("log")
    axes.set_xlim(min(seconds) / 2, max(seconds) * 2)
    axes.set_xlabel("seconds per megapixel (logarithmic); green: OpenVINO", color=TEXT)
    axes.tick_params(colors=TEXT, length=0)
    axes.set_facecolor(BACKGROUND)
    axes.spines[["top", "right", "left"]].set_visible(False)
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, dpi=110)


def fastest(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Each network in the fastest precision of each runtime, the fastest first."""
    rows = sorted(rows, key=lambda row: float(row[SPEED]), reverse=True)
    found = {(row[NETWORK], row[WAY].partition(" ")[0]): row for row in rows}  # the last one stays
    return sorted(found.values(), key=lambda row: float(row[SPEED]))


if __name__ == "__main__":
    main()
