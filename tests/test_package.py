"""`pip install .` in a fresh environment: the command `upscale` with its model, and the packages that it declares."""

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from conftest import ROOT, encoded, opened, photograph
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from superscaling.version import __version__

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# openvino declares it, but has stubs for its absence; the locks leave it out (requirements-overrides.in).
UNWANTED = {"openvino-telemetry"}


def with_dependencies(names: list[str]) -> set[str]:
    """Names of packages and of all that they need, as they are installed here."""
    found = set[str]()
    pending = list(map(canonicalize_name, names))
    while pending:
        if (name := pending.pop()) in found | UNWANTED:
            continue
        found.add(name)
        needed = map(Requirement, metadata.requires(name) or [])
        pending += [canonicalize_name(each.name) for each in needed if not each.marker or each.marker.evaluate()]
    return found


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the built wheel, and links to what it declares: nothing is downloaded."""
    folder = tmp_path_factory.mktemp("package")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = ["wheel", "--no-build-isolation", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run([*pip, *build], check=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True, timeout=60)
    install = ["--python", str(folder / "venv/bin/python"), "install", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([*pip, *install], check=True, timeout=120)
    (site,) = (folder / "venv").glob("lib/python*/site-packages")
    for name in with_dependencies([Requirement(each).name for each in PROJECT["dependencies"]]):
        distribution = metadata.distribution(name)
        for top in {file.parts[0] for file in distribution.files or [] if file.parts[0] != ".."} - {"__pycache__"}:
            if not (site / top).exists():
                (site / top).symlink_to(Path(str(distribution.locate_file(top))))
    # pip installs it, but it must never be imported: it sends usage statistics.
    (site / "openvino_telemetry.py").write_text("raise AssertionError('telemetry')\n")
    return folder / "venv"


def upscale(environment: Path, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(cwd)}
    command = [str(environment / "bin" / "upscale"), *words]
    return subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, timeout=60, check=False)


def test_the_installed_command_enlarges(environment: Path, tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(encoded(photograph(24, 32)))
    for model in ("noise-cancel-plain", "noise-cancel-small"):
        done = upscale(environment, "photo.png", "--model", model, "-o", f"{model}.png", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert opened((tmp_path / f"{model}.png").read_bytes()).size == (64, 48)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "noise-cancel-plain.png",
        "noise-cancel-small.png",
        "photo.png",
    ]


def test_its_version_is_the_services(environment: Path, tmp_path: Path) -> None:
    assert upscale(environment, "--version", cwd=tmp_path).stdout == f"upscale {__version__}\n"
    (folder,) = environment.glob("lib/python*/site-packages/image_super_scaling_service-*.dist-info")
    assert folder.name == f"image_super_scaling_service-{__version__}.dist-info"


def test_a_model_that_has_to_be_converted_says_what_it_needs(environment: Path, tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(encoded(photograph(8, 8)))
    done = upscale(environment, "photo.png", "--model", "psnr-small", cwd=tmp_path)
    assert done.returncode == 1
    assert "converting psnr-small needs TensorFlow, ISR and NNCF, which are not installed" in done.stderr


def test_what_it_declares_is_locked_for_the_service() -> None:
    text = (ROOT / "requirements-serve.in").read_text()
    listed = {re.sub(r"\s+#.*", "", line) for line in text.splitlines() if line[:1].isalpha()}
    assert set(PROJECT["dependencies"]) < listed
