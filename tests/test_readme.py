"""What README.md shows works as it is written there."""

import re
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT, Server, opened

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
    if written:
        assert opened((tmp_path / written[1]).read_bytes()).width > 400
    else:
        assert result.stdout.startswith(('{"success":true}', '{"imageBase64":"'))


@pytest.mark.parametrize("path", re.findall(r"\]\(([^)]+)\)", README))
def test_links(path: str) -> None:
    assert (ROOT / path).exists()
