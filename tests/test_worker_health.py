"""Signs of life of a worker."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT

from jobs.worker_health import MAX_SILENCE


def run(code: str, directory: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *code.split(" ", 1)]
    environ = {"TMPDIR": str(directory)}
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("silence", "reason"),
    [
        (None, "not at work: it has not connected to the broker yet\n"),
        (0, ""),
        (MAX_SILENCE - 45, ""),
        (3600, r"not at work: no sign of life for 36\d\d s: it hangs, or the broker can't be reached\n"),
    ],
)
def test_a_worker_is_at_work_as_long_as_it_gives_signs(silence: float | None, reason: str, tmp_path: Path) -> None:
    if silence is not None:
        assert run("-c from jobs.worker_health import give_sign; give_sign()", tmp_path).returncode == 0
        (sign,) = tmp_path.iterdir()
        assert sign.stat().st_mode & 0o777 == 0o600
        then = time.time() - silence
        os.utime(sign, (then, then))
    asked = run("-m jobs.worker_health", tmp_path)
    assert asked.returncode == bool(reason)
    assert asked.stdout == ""
    assert re.fullmatch(reason, asked.stderr)
