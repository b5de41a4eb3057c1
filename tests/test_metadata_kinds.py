"""Each kind of metadata, through the service, to each format: as the table in docs/formats.md says."""

import re

import pytest
from conftest import ROOT, Server
from metadata_files import KINDS

from superscaling.format_name import FormatName


def table() -> list[tuple[str, str, str]]:
    """Kind, format and what becomes of the kind there."""
    text = (ROOT / "docs" / "formats.md").read_text()
    rows = re.findall(r"^\| (.+) \|$", text[text.index("## Metadata") :].partition("\n- ")[0], re.MULTILINE)
    (_, *formats), *kinds = (row.split(" | ") for row in rows)
    return [(kind, name, cell) for kind, *cells in kinds for name, cell in zip(formats, cells, strict=True)]


def test_the_table_is_complete() -> None:
    assert {(kind, name) for kind, name, _ in table()} == {(kind, name) for kind in KINDS for name in FormatName}


@pytest.mark.parametrize(("kind", "name", "fate"), table())
def test_the_table(server: Server, kind: str, name: str, fate: str) -> None:
    sent = KINDS[kind]
    answer = server.upscale(sent.data, format=name)
    assert answer.status_code == 200, answer.text
    notes = answer.headers.get("X-Upscaler-Notes", "")
    assert fate in ("carried", "named")
    assert sent.is_in(answer.content) == (fate == "carried")
    assert (sent.word in notes) == (fate == "named"), notes
