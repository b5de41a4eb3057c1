"""Write docs/settings.md from the declarations in `superscaling/settings.py`.

make settings
"""

from dataclasses import fields
from itertools import groupby

from superscaling.settings import ROOT, Settings, environment_variable

DOCUMENT = ROOT / "docs" / "settings.md"
HEAD = """\
<!-- Generated from superscaling/settings.py by `make settings`. -->
# Settings

Settings are environment variables. An invalid value stops the start with one line that names it. An unknown variable
that begins with `UPSCALER_` is logged and ignored.
"""


def describe() -> str:
    """Return the document: a table for each group, in the order of the fields."""
    parts = [HEAD]
    for group, members in groupby(fields(Settings), key=lambda each: each.metadata["group"]):
        parts.append(f"\n## {group}\n\n| variable | default | unit | meaning |\n|---|---|---|---|\n")
        for each in members:
            default = each.metadata["default"] or " "  # Markdown has no empty code span
            unit, sentence = each.metadata["unit"], each.metadata["sentence"]
            parts.append(f"| `{environment_variable(each.name)}` | `{default}` | {unit} | {sentence} |\n")
    return "".join(parts)


if __name__ == "__main__":
    DOCUMENT.write_text(describe())
