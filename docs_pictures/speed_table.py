"""Write the measured speeds into docs/models.md: a table and a plot.

make bench OPTIONS=plot
"""

import re
import subprocess
from collections.abc import Iterator

from benchmarks.measuring import say, table
from benchmarks.results import ISR, NETWORK, OURS, SPEED, TIMES, WAY, read_table
from docs_pictures.speed_plot import PICTURE
from evaluation.errors import MeasurementError
from evaluation.torch_environment import PYTHON
from superscaling.settings import ROOT

DOCUMENT = ROOT / "docs" / "models.md"
BEGIN, END = "<!-- speed, by `make bench` -->\n", "<!-- end of speed -->"


def write() -> None:
    """Replace the table in docs/models.md, and draw the plot.

    Raises:
        MeasurementError: nothing was measured yet, the document has no place for it, or the plot can't be drawn.
    """
    rows = read_table(TIMES)
    DOCUMENT.write_text(replace_part(DOCUMENT.read_text(), describe(rows)))
    # In the environment that has matplotlib.
    if subprocess.run([str(PYTHON), "-m", "docs_pictures.speed_plot"], cwd=ROOT, check=False).returncode:
        raise MeasurementError("the plot was not drawn; what it said is above")
    say(f"{DOCUMENT.relative_to(ROOT)}, {PICTURE.relative_to(ROOT)}")


def describe(rows: list[dict[str, str]]) -> str:
    """Return the part of docs/models.md that the rows of measured times make."""
    ways = list(dict.fromkeys(row[WAY] for row in rows if row[WAY].startswith(OURS)))
    head = ("network", *(way.removeprefix(OURS) for way in ways), "ISR's `predict`")
    return (
        f"![seconds per megapixel of each network]({PICTURE.name})\n\n"
        + table(head, _of_networks(rows, [*ways, ISR]))
        + "\n"
        + "".join(f"{line}\n" for line in _of_others(rows))
    )


def replace_part(text: str, part: str) -> str:
    """Return `text` with `part` between its two markers.

    Raises:
        MeasurementError: they are not there.
    """
    pattern = re.compile(f"(?<={re.escape(BEGIN)}).*?(?={re.escape(END)})", re.DOTALL)
    if not pattern.search(text):
        raise MeasurementError(f"{DOCUMENT.name} has no {BEGIN.strip()} and {END}")
    return pattern.sub(lambda _: part, text)


def _of_networks(rows: list[dict[str, str]], ways: list[str]) -> Iterator[list[str]]:
    speeds = {(row[NETWORK], row[WAY]): row[SPEED] for row in rows}
    for network in dict.fromkeys(row[NETWORK] for row in rows if row[WAY] == ISR):
        yield [network, *(speeds.get((network, way), "-") for way in ways)]


def _of_others(rows: list[dict[str, str]]) -> Iterator[str]:
    others = [row for row in rows if row[WAY] != ISR and not row[WAY].startswith(OURS)]
    for network in dict.fromkeys(row[NETWORK] for row in others):
        fastest = min((row for row in others if row[NETWORK] == network), key=lambda row: float(row[SPEED]))
        yield f"In the same run, {network} took {fastest[SPEED]} s per megapixel ({fastest[WAY]})."
