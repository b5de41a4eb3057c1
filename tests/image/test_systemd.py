"""The unit for systemd, read by systemd itself."""

import subprocess
from pathlib import Path

from conftest import ROOT

UNIT = ROOT / "deploy" / "systemd" / "upscaler.service"


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/image-super-scaling", str(ROOT)))
    verified = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    about_it = [line for line in verified.stderr.splitlines() if UNIT.stem in line]
    assert (verified.returncode, about_it) == (0, [])
