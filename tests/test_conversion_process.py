"""Conversions that do not end by themselves, or not well."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, wait_for

from superscaling.commands import conversion_process
from superscaling.commands.conversion_process import run_conversion
from superscaling.errors import ModelUnavailable

# What a conversion does that hangs in OpenVINO, which no signal ends, with a process that it has started.
HANGING = """
import os, signal, subprocess, sys
from pathlib import Path
from superscaling.commands.conversion_process import unfinished_directory
signal.signal(signal.SIGTERM, signal.SIG_IGN)
with unfinished_directory(Path(sys.argv[1]) / "model") as unfinished:
    helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (unfinished / "helper").write_text(str(helper.pid))
    os.rename(unfinished / "helper", sys.argv[1] + "/started")
    helper.wait()
"""

# What `prepare` does, in short.
STARTING = """
import signal, sys
from pathlib import Path
from superscaling.commands import conversion_process
signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
conversion_process.GRACE_SECONDS = 0.2
conversion_process.run_conversion(sys.argv[1:], Path(sys.argv[-1]), is_captured=True)
"""


@pytest.fixture
def hanging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Arguments of Python. (Another process fills the same folder.)"""
    monkeypatch.setattr(conversion_process, "GRACE_SECONDS", 0.2)
    (tmp_path / "model.abc.elsewhere-7.part").mkdir()
    return ["-c", HANGING, str(tmp_path)]


def check_nothing_is_left(folder: Path) -> None:
    assert [path.name for path in folder.glob("*.part")] == ["model.abc.elsewhere-7.part"]
    helper = Path(f"/proc/{(folder / 'started').read_text()}/stat")
    # Dead, though its new parent may not have asked how.
    assert wait_for(lambda: not helper.exists() or helper.read_text().rpartition(") ")[2].startswith("Z"))


def test_a_conversion_that_does_not_end(hanging: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion_process, "MAX_MINUTES", 0.1)
    with pytest.raises(ModelUnavailable, match=r"it took longer than 0\.1 minutes, which is the limit"):
        run_conversion(hanging, tmp_path, cwd=ROOT)
    check_nothing_is_left(tmp_path)


def test_a_conversion_that_does_not_stop(hanging: list[str], tmp_path: Path) -> None:
    """The start is stopped by a signal."""
    start = subprocess.Popen([sys.executable, "-c", STARTING, *hanging], cwd=ROOT)
    try:
        assert wait_for((tmp_path / "started").exists)
        start.send_signal(signal.SIGTERM)
        assert start.wait(60) == 128 + signal.SIGTERM
    finally:
        start.kill()
        start.wait()
    check_nothing_is_left(tmp_path)


def test_a_conversion_that_is_killed(tmp_path: Path) -> None:
    """As the kernel does if memory runs out."""
    code = f"from pathlib import Path; from {conversion_process.__name__} import unfinished_directory; import os"
    killed = f"{code}\nwith unfinished_directory(Path({str(tmp_path)!r}) / 'model'): os.kill(os.getpid(), 9)"
    with pytest.raises(ModelUnavailable, match="signal 9 ended it: is there too little memory"):
        run_conversion(["-c", killed], tmp_path, cwd=ROOT)
    assert list(tmp_path.iterdir()) == []


def test_what_is_printed(tmp_path: Path) -> None:
    code = "import sys; print('out'); print('bad', file=sys.stderr); sys.exit(3)"
    assert run_conversion(["-c", code], tmp_path, is_captured=True) == (3, "bad\n")
