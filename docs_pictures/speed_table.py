"""Write the measured speeds into docs/models.md: a table and a plot.

make bench OPTIONS=plot
"""

import re
import subprocess
from collections.abc import Iterator

from benchmarks.measuring import say, table
from benchmarks.results import NETWORK, OURS, SERVED, SPEED, TIMES, WAY, read_table
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
    head = ("network", *(way.removeprefix(OURS) for way in ways), "other runtimes")
    return f"![seconds per megapixel of each network]({PICTURE.name})\n\n" + table(head, _of_networks(rows, ways))


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
    """A row for each network: our seconds in each precision, the served one bold, and those of other runtimes."""
    for network in dict.fromkeys(row[NETWORK] for row in rows):
        speeds = {
            row[WAY]: f"**{row[SPEED]}**" if row[SERVED] else row[SPEED] for row in rows if row[NETWORK] == network
        }
        others = ", ".join(f"{way}: {speed}" for way, speed in speeds.items() if not way.startswith(OURS))
        yield [network, *(speeds.get(way, "-") for way in ways), others or "-"]
