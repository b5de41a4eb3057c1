"""`pip install .` in a fresh environment, with and without the extra `local`: the command, its model, the library."""

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from conftest import ROOT, Server, encoded, opened, photograph
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from superscaling.version import __version__
from upscale.local_packages import LOCAL

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCAL_EXTRA = PROJECT["optional-dependencies"]["local"]
PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
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


def names_of(requirements: list[str]) -> list[str]:
    return [Requirement(each).name for each in requirements]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = ["wheel", "--no-build-isolation", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run([*PIP, *build], check=True, timeout=300)
    (built,) = folder.glob("*.whl")
    return built


def installed(wheel: Path, folder: Path, requirements: list[str]) -> Path:
    """A fresh environment with the built wheel, and links to what it declares: nothing is downloaded."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True, timeout=300)
    install = ["--python", str(folder / "venv/bin/python"), "install", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([*PIP, *install], check=True, timeout=300)
    (site,) = (folder / "venv").glob("lib/python*/site-packages")
    for name in with_dependencies(names_of(requirements)):
        distribution = metadata.distribution(name)
        for top in {file.parts[0] for file in distribution.files or [] if file.parts[0] != ".."} - {"__pycache__"}:
            if not (site / top).exists():
                (site / top).symlink_to(Path(str(distribution.locate_file(top))))
    # pip installs it, but it must never be imported: it sends usage statistics.
    (site / "openvino_telemetry.py").write_text("raise AssertionError('telemetry')\n")
    return folder / "venv"


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that enlarges without a service."""
    return installed(wheel, tmp_path_factory.mktemp("local"), PROJECT["dependencies"] + LOCAL_EXTRA)


@pytest.fixture(scope="module")
def client(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with no package of the service."""
    return installed(wheel, tmp_path_factory.mktemp("client"), PROJECT["dependencies"])


def upscale(environment: Path, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(cwd)}
    command = [str(environment / "bin" / "upscale"), *words]
    return subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, timeout=120, check=False)


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
    (folder,) = environment.glob("lib/python*/site-packages/image_super_scaling-*.dist-info")
    assert folder.name == f"image_super_scaling-{__version__}.dist-info"


def test_a_model_that_has_to_be_converted_says_what_it_needs(environment: Path, tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(encoded(photograph(8, 8)))
    done = upscale(environment, "photo.png", "--model", "psnr-small", cwd=tmp_path)
    assert done.returncode == 1
    assert "converting psnr-small needs TensorFlow, ISR and NNCF, which are not installed" in done.stderr


def test_what_it_declares_is_locked_for_the_service() -> None:
    text = (ROOT / "requirements-serve.in").read_text()
    listed = {re.sub(r"\s+#.*", "", line) for line in text.splitlines() if line[:1].isalpha()}
    assert {*PROJECT["dependencies"], *LOCAL_EXTRA} < listed


def test_what_is_looked_for_before_enlarging_is_the_extra() -> None:
    """By the names of imports; libvips itself comes in a package that nothing imports."""
    packages = metadata.packages_distributions()
    found = {canonicalize_name(each) for name in LOCAL for each in packages[name]}
    assert found == {canonicalize_name(name) for name in names_of(LOCAL_EXTRA)} - {"pyvips-binary"}


def test_without_the_extra_a_service_enlarges(client: Path, server: Server, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "photo.gif").write_bytes(encoded(photograph(24, 32), "WEBP"))
    (tmp_path / "in" / "other.jxl").write_bytes(b"\xff\x0a" + bytes(50))
    for words in ([], ["--jobs", "--again"]):
        done = upscale(client, "in", "-o", "out", "--url", server.url, *words, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "JPEG XL, not supported (1)" in done.stderr
        assert opened((tmp_path / "out" / "photo.webp").read_bytes()).size == (64, 48)
    listed = upscale(client, "--models", "--url", server.url, cwd=tmp_path)
    assert "noise-cancel-plain (default)" in listed.stdout, listed.stderr
    wrong = upscale(client, "in", "--scale", "9", "--url", server.url, cwd=tmp_path)
    assert "scale must be a number from 1 to 8, not 9" in wrong.stderr
    assert upscale(client, "--help", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("words", [["photo.png"], ["--models"]])
def test_without_the_extra_a_line_says_what_is_missing(client: Path, tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "photo.png").write_bytes(encoded(photograph(8, 8)))
    done = upscale(client, *words, cwd=tmp_path)
    assert done.returncode == 2
    assert "pip install 'image-super-scaling[local]', or name a service with --url" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_library_needs_no_package_of_the_service(client: Path, server: Server, tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(encoded(photograph(24, 32)))
    program = f"""
import asyncio, sys
from image_super_scaling import AsyncUpscaleClient, UpscaleClient

async def main():
    async with AsyncUpscaleClient({server.url!r}) as client:
        return await client.upscale("photo.png", scale=3)

with UpscaleClient({server.url!r}) as client:
    assert client.upscale("photo.png", scale=3) == asyncio.run(main())
assert not {{"numpy", "openvino", "PIL", "pydantic", "flask"}} & set(sys.modules)
"""
    command = [str(client / "bin" / "python"), "-I", "-W", "error", "-c", program]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=120)
    assert list(client.glob("lib/python*/site-packages/image_super_scaling/py.typed"))
