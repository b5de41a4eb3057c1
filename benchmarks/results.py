"""benchmarks/RESULTS.md: each measurement replaces its own section and keeps the others."""

import re
from collections.abc import Sequence

from evaluation.errors import MeasurementError
from superscaling.settings import ROOT

RESULTS = ROOT / "benchmarks" / "RESULTS.md"
# The table of times, of which docs/models.md and its plot are made: section, columns, and ways to run a network.
TIMES = "Network time"
COMPARED = (240, 384)  # height and width in px at which speeds are compared
NETWORK, WAY, SPEED = "network", "run by", f"{COMPARED[1]} x {COMPARED[0]}"
ISR, OURS = "ISR `predict`", "OpenVINO "  # the precision follows OURS
SERVED = "served"  # the column that marks the precision which the service chooses
HEAD = """# Results of `make bench`, `make load` and `make scale`

Written by these commands, on the machine below. Each section names its run. "Met" and "missed" refer to the project's
own targets. C6 D20 is the architecture of `noise-cancel` and `psnr-large`: 20 blocks of 6 convolutions.

"""


def replace_section(text: str, title: str, body: str, titles: Sequence[str]) -> str:
    """Add the section `## title` to a document, or replace it; returns the new document.

    Args:
        text: the document; empty for a new one.
        title: one of `titles`.
        body: the text below the title. No line of it may start with `## `.
        titles: of all sections, in order. Sections with other titles are obsolete and dropped.
    """
    sections = {**_sections(text), title: body}
    return HEAD + "\n".join(f"## {each}\n\n{sections[each].strip()}\n" for each in titles if each in sections)


def read_table(title: str) -> list[dict[str, str]]:
    """Read the first table of a section; each row is a mapping from column name to cell.

    Raises:
        MeasurementError: there is no such section, or no table in it.
    """
    text = RESULTS.read_text() if RESULTS.is_file() else ""
    found = re.search(r"(^\|.*\n)+", _sections(text).get(title, ""), re.MULTILINE)
    if not found:
        raise MeasurementError(f"{RESULTS.relative_to(ROOT)} has no table of {title!r}: measure it first")
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in found[0].splitlines()]
    return [dict(zip(head, row, strict=True)) for row in rows]


def _sections(text: str) -> dict[str, str]:
    _, *parts = re.split(r"^## ", text, flags=re.MULTILINE)
    return {title: body for title, _, body in (part.partition("\n") for part in parts)}
