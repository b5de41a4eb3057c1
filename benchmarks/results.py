"""benchmarks/RESULTS.md: each measurement replaces its own section, and the others stay."""

import re
from collections.abc import Sequence

from evaluation.errors import MeasurementError
from superscaling.settings import ROOT

RESULTS = ROOT / "benchmarks" / "RESULTS.md"
# The table of times, of which docs/models.md and its plot are made: section, columns, and ways to run a network.
TIMES = "Network time"
COMPARED = (240, 384)  # height and width in px of the picture that ratios are taken on
NETWORK, WAY, SPEED = "network", "run by", f"{COMPARED[1]} x {COMPARED[0]}"
ISR, OURS = "ISR `predict`", "OpenVINO "  # ours is followed by the precision
HEAD = """# What `make bench` and `make load` measured

Written by these commands. Each section is of the run that it names, on the machine below. "Met" and "missed" are said
of aims that the project has set itself. C6 D20 (6 convolutions in each of 20 blocks): `noise-cancel` and `psnr-large`.

"""


def replace_section(text: str, title: str, body: str, titles: Sequence[str]) -> str:
    """Put a section (`## title`) into a document, in place of the one with this title if there is one.

    Args:
        text: the document; empty for a new one.
        title: one of `titles`.
        body: what stands below the title. No line of it begins with `## `.
        titles: of all sections, in their order; a section with another title is dropped: nothing writes it any more.
    """
    sections = {**_sections(text), title: body}
    return HEAD + "\n".join(f"## {each}\n\n{sections[each].strip()}\n" for each in titles if each in sections)


def read_table(title: str) -> list[dict[str, str]]:
    """The rows of the first table in a section, by the names of its columns.

    Raises:
        MeasurementError: there is none.
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
