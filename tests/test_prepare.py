"""Preparing the start: bad settings and models end with one line; good ones are found, verified, converted."""

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from conftest import FIXTURES, ROOT, QuietHandler, free_port, wait_for
from fakes import round_levels
from numpy.typing import NDArray

from superscaling.commands import missing_packages
from superscaling.commands.bake import bake
from superscaling.commands.prepare import convert_in_child, find_missing_packages, prepare
from superscaling.engines import infer_levels, open_engine
from superscaling.errors import ModelUnavailable, WeightsRefused
from superscaling.models import (
    TABLE,
    Architecture,
    FileFormat,
    ModelFiles,
    Weights,
    directory_of,
    read_model_files,
    weight_file_of,
)
from superscaling.models.store import CONVERTERS
from superscaling.settings import Settings

# Written by ISR 2.2.0 on TensorFlow 2.3.1: the layout of idealo's files.
LEGACY = FIXTURES / "legacy-C2-D2-G16-G016-x2.hdf5"
LEGACY_ROW = Weights(
    name="legacy",
    rdn=Architecture(c=2, d=2, g=16, g0=16, scale=2, upscaling="ups"),
    file=LEGACY.name,
    bytes=LEGACY.stat().st_size,
    sha256=hashlib.sha256(LEGACY.read_bytes()).hexdigest(),
    url="http://127.0.0.1:1",
)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"UPSCALER_MODEL": "nonesuch"},
            "UPSCALER_MODEL='nonesuch': unknown; known are noise-cancel-plain, ",
        ),
        ({"UPSCALER_ENGINE": "magic"}, "UPSCALER_ENGINE='magic': must be one of openvino, tensorflow"),
        ({"UPSCALER_PRECISION": "int3"}, "UPSCALER_PRECISION='int3': must be one of auto, fp32, fp16, bf16, int8"),
        ({"UPSCALER_DEVICE": "GPU.77"}, "UPSCALER_DEVICE='GPU.77': OpenVINO finds "),
        (
            {"UPSCALER_DEVICE": "NPU", "UPSCALER_ENGINE": "tensorflow"},
            "UPSCALER_DEVICE='NPU': the tensorflow engine uses the CPU only",
        ),
        (
            {"UPSCALER_ENGINE": "tensorflow", "UPSCALER_PRECISION": "bf16"},
            "UPSCALER_PRECISION='bf16': the tensorflow engine has fp32 only",
        ),
        (
            {"UPSCALER_ENGINE": "tensorflow"},
            "UPSCALER_ENGINE='tensorflow': noise-cancel-plain is no RDN, which is all that ISR loads; use openvino, or"
            " one of these models: noise-cancel-lite, noise-cancel-small, noise-cancel, ",
        ),
        ({"UPSCALER_TIMEOUT": "soon"}, "UPSCALER_TIMEOUT='soon': must be a number of seconds above 0"),
        ({"UPSCALER_WEIGHTS_DIR": "/nowhere"}, "UPSCALER_WEIGHTS_DIR='/nowhere': there is no such directory"),
        ({"PORT": "99999"}, "PORT='99999': must be a whole number from 1 to 65535"),
        ({"UPSCALER_HOST": "192.0.2.1"}, "can't listen on 192.0.2.1 port"),
        ({"UPSCALER_HOST": "\udcff"}, "can't listen on"),
        ({"UPSCALER_CACHE_DIR": "~nosuch/x"}, "UPSCALER_CACHE_DIR='~nosuch/x': there is no such user"),
        (
            {"UPSCALER_MODEL": "noise-cancel", "UPSCALER_WEIGHTS_URL": "http://127.0.0.1:1"},
            "could not be downloaded from http://127.0.0.1:1/rdn-C6-D20-G64-G064-x2_ArtefactCancelling_epoch219.hdf5",
        ),
        (
            {"UPSCALER_MODEL": "psnr-small", "UPSCALER_CACHE_DIR": "/dev/null/x"},
            "/dev/null/x can't be written: Not a directory; name another directory in UPSCALER_CACHE_DIR",
        ),
    ],
    ids=lambda value: None if isinstance(value, str) else "-".join(value),
)
def test_a_start_that_can_not_be(tmp_path: Path, settings: dict[str, str], message: str) -> None:
    """`run.sh` ends with one line on stderr and exit status 1; no server is started."""
    environ = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "UPSCALER_CACHE_DIR": str(tmp_path),
        "PORT": str(free_port()),
    }
    result = subprocess.run([ROOT / "run.sh"], env=environ | settings, capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith("image-super-scaling can't start: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        environ = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PORT": port}
        result = subprocess.run([ROOT / "run.sh"], env=environ, capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert f"can't listen on 127.0.0.1 port {port}: Address already in use; set PORT" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_misspelt_setting_is_named(tmp_path: Path) -> None:
    environ = {
        "PATH": os.environ["PATH"],
        "UPSCALER_TIMOUT": "7",
        "UPSCALER_PORT": "7",
        "PORT": str(free_port()),
    }
    result = subprocess.run(
        [sys.executable, "-m", "superscaling.commands.prepare"],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0
    assert "UPSCALER_TIMOUT is not a setting of this service; ignored (did you mean UPSCALER_TIMEOUT?)" in result.stdout
    assert "UPSCALER_PORT is not a setting of this service; ignored (did you mean PORT?)" in result.stdout


class FileHandler(QuietHandler, SimpleHTTPRequestHandler):
    """Serves files."""


def settings_of_legacy(cache: Path) -> Settings:
    """The file comes from a local server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(FileHandler, directory=FIXTURES))
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    return Settings(model="legacy", weights_url=url, cache_dir=cache, port=free_port())


@pytest.fixture
def legacy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings for an additional row of the table."""
    monkeypatch.setitem(TABLE, "legacy", LEGACY_ROW)
    return settings_of_legacy(tmp_path / "cache")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The same, prepared: a conversion imports TensorFlow, which takes long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(TABLE, "legacy", LEGACY_ROW)
        settings = settings_of_legacy(tmp_path_factory.mktemp("prepared") / "cache")
        prepare(settings)
    return settings


def open_and_infer(
    name: str, model: ModelFiles, weight_file: Path, pixels: NDArray[np.uint8]
) -> tuple[str, NDArray[np.float32]]:
    engine = open_engine(name, model, lambda: weight_file, "fp32", threads=1)
    return str(engine.facts), infer_levels(engine, pixels)


@pytest.mark.usefixtures("legacy")
def test_the_whole_way_of_a_legacy_file(prepared: Settings) -> None:
    """Found, downloaded, verified, converted, loaded: both engines reproduce ISR on TensorFlow 2.3.1."""
    directory = directory_of(prepared)
    model = read_model_files(directory)
    assert sorted(path.name for path in prepared.cache_dir.iterdir()) == sorted([directory.name, LEGACY.name])
    assert 8 <= model.halo <= LEGACY_ROW.architecture.receptive_field == 12

    with np.load(FIXTURES / "legacy_io.npz") as recorded:
        pixels, network, predicted = recorded["x"], recorded["f"].reshape(74, 106, 3), recorded["y"]
    # In its own process: the threads of TensorFlow can only be set before its first use.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as child:
        for name in ("openvino", "tensorflow"):
            facts, levels = child.submit(open_and_infer, name, model, weight_file_of(prepared), pixels).result()
            assert facts == f"legacy {name} fp32"
            assert np.abs(levels / 255 - network).max() < 1e-6
            assert np.abs(round_levels(levels, np.uint8).astype(int) - predicted).max() <= 1

    # A second start finds all of it, without the server.
    prepare(replace(prepared, weights_url="http://127.0.0.1:1", port=free_port()))


def test_what_a_conversion_was_made_of_is_in_its_name(legacy: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    before = directory_of(legacy)
    monkeypatch.setitem(CONVERTERS, FileFormat.KERAS, ("openvino",))
    assert directory_of(legacy) != before


@pytest.mark.parametrize("file", ["fp32.xml", "fp32.bin", "int8.xml", "int8.bin", "known_answer.npz"])
def test_a_damaged_model_file_is_refused(tmp_path: Path, file: str) -> None:
    source = ROOT / "models" / "noise-cancel-plain"
    for path in source.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    data = (tmp_path / file).read_bytes()
    (tmp_path / file).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(WeightsRefused, match=f"{file} has the SHA-256"):
        read_model_files(tmp_path)


@pytest.mark.parametrize("damage", ["missing", "not JSON", "a list", "a key less", "a file less"])
def test_an_incomplete_model_is_refused(tmp_path: Path, damage: str) -> None:
    source = ROOT / "models" / "noise-cancel-plain"
    for path in source.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    description = tmp_path / "model.json"
    values = json.loads(description.read_text())
    if damage == "missing":
        description.unlink()
    elif damage == "a file less":
        (tmp_path / "fp32.bin").unlink()
    else:
        del values["halo"]
        description.write_text({"not JSON": "{", "a list": "[]", "a key less": json.dumps(values)}[damage])
    with pytest.raises(ModelUnavailable, match="holds no complete model"):
        read_model_files(tmp_path)


def test_a_failed_conversion_says_why(legacy: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights of another architecture than the table says."""
    row = replace(LEGACY_ROW, rdn=replace(LEGACY_ROW.architecture, d=3))
    monkeypatch.setitem(TABLE, "legacy", row)
    with pytest.raises(ModelUnavailable, match=r"converting legacy failed: ValueError: Layer count mismatch"):
        prepare(legacy)
    assert [path.name for path in legacy.cache_dir.iterdir()] == [LEGACY.name], "something half-made was left"


TALKATIVE = """\
#!/bin/sh
# More than a pipe holds (64 KiB), at work and when it is stopped.
trap 'head -c 300000 /dev/zero | tr "\\0" x >&2; touch "$0.stopped"; exit 143' TERM
head -c 300000 /dev/zero | tr "\\0" x >&2
touch "$0.started"
while [ -e "$0.wait" ]; do sleep 0.05; done
printf '\\nValueError: no\\n' >&2
exit 1
"""


@pytest.fixture
def talkative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that replaces the conversion."""
    program = tmp_path / "talkative"
    program.write_text(TALKATIVE)
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    return program


@pytest.mark.timeout(60)
def test_a_talkative_conversion_does_not_hang(talkative: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"converting legacy failed: ValueError: no$"):
        convert_in_child(LEGACY_ROW, LEGACY, talkative.parent / "target")


@pytest.mark.usefixtures("talkative")
def test_a_failed_conversion_is_tried_again(legacy: Settings) -> None:
    for _ in range(2):
        with pytest.raises(ModelUnavailable, match=r"converting legacy failed: ValueError: no$"):
            prepare(legacy)
        assert [path.name for path in legacy.cache_dir.iterdir()] == [LEGACY.name]


@pytest.mark.timeout(60)
def test_a_talkative_conversion_can_be_stopped(talkative: Path) -> None:
    """By an exception, as a signal handler raises it, although the child still prints."""

    class Stopped(BaseException):
        pass

    def stop(*_: object) -> None:
        raise Stopped

    Path(f"{talkative}.wait").touch()

    def interrupt() -> None:
        assert wait_for(Path(f"{talkative}.started").exists)
        os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, stop)
    Thread(target=interrupt).start()
    try:
        with pytest.raises(Stopped):
            convert_in_child(LEGACY_ROW, LEGACY, talkative.parent / "target")
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert Path(f"{talkative}.stopped").exists()


def test_sigterm_ends_a_conversion(tmp_path: Path) -> None:
    """And nothing half done is left."""
    program = (
        "import sys; sys.path.insert(0, 'tests'); from test_prepare import LEGACY_ROW, TABLE;"
        " from superscaling.commands import prepare; TABLE['legacy'] = LEGACY_ROW; sys.exit(prepare.main())"
    )
    settings = {
        "UPSCALER_MODEL": "legacy",
        "UPSCALER_WEIGHTS_DIR": str(FIXTURES),
        "UPSCALER_CACHE_DIR": str(tmp_path / "cache"),
        "PORT": str(free_port()),
    }
    starting = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env=os.environ | settings)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("cache/*.part")):
        assert starting.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    starting.send_signal(signal.SIGTERM)
    assert starting.wait(60) == 143
    assert list((tmp_path / "cache").iterdir()) == []


# Python drops exceptions that leave `__del__`.
IN_A_DESTRUCTOR = """
import os, signal, sys, time
from superscaling.commands import prepare

class Interrupted:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)

def slow(settings):
    Interrupted()
    time.sleep(float(sys.argv[1]))

prepare.prepare = slow
sys.exit(prepare.main())
"""


@pytest.mark.timeout(60)
@pytest.mark.parametrize("seconds", ["0", "300"])
def test_a_signal_is_never_lost(seconds: str) -> None:
    program = [sys.executable, "-c", IN_A_DESTRUCTOR, seconds]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=50)
    assert (done.returncode, done.stderr) == (128 + signal.SIGINT, "")


def test_a_cache_that_can_not_be_written_does_not_convert(legacy: Settings) -> None:
    settings = replace(legacy, weights_dir=FIXTURES, cache_dir=Path("/dev/null/x"))
    with pytest.raises(ModelUnavailable, match="/dev/null/x can't be written: Not a directory; name another directory"):
        prepare(settings)


# What has to be installed


@pytest.mark.parametrize(
    ("settings", "names", "printed"),
    [
        ({}, [], ""),
        ({"UPSCALER_MODEL": "noise-cancel-small"}, [], ""),
        (
            {"UPSCALER_MODEL": "noise-cancel"},
            [],
            "converting noise-cancel needs TensorFlow, ISR and NNCF, which are not installed\n",
        ),
        (
            {"UPSCALER_ENGINE": "tensorflow", "UPSCALER_MODEL": "noise-cancel-lite"},
            [],
            "UPSCALER_ENGINE=tensorflow needs TensorFlow and ISR, which are not installed\n",
        ),
        ({"UPSCALER_ENGINE": "tensorflow"}, [], ""),  # nothing that can be installed would help
        (
            {},
            ["noise-cancel-plain", "psnr-small"],
            "converting psnr-small needs TensorFlow, ISR and NNCF, which are not installed\n",
        ),
        ({"UPSCALER_MODEL": "nonesuch"}, [], ""),
        ({"PORT": "web"}, [], ""),
    ],
)
def test_what_has_to_be_installed(
    settings: dict[str, str],
    names: list[str],
    printed: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for variable, value in (settings | {"UPSCALER_CACHE_DIR": str(tmp_path)}).items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr("superscaling.commands.prepare.importlib.util.find_spec", lambda name: None)
    missing_packages.main(names)
    assert capsys.readouterr().out == printed


def test_nothing_has_to_be_installed_here(tmp_path: Path) -> None:
    for settings in (
        Settings(engine="tensorflow", model="noise-cancel-lite"),
        Settings(model="psnr-small", cache_dir=tmp_path),
    ):
        assert find_missing_packages(settings) is None


@pytest.mark.parametrize("variable", ["UPSCALER_CACHE_DIR", "UPSCALER_WEIGHTS_DIR"])
@pytest.mark.parametrize(("command", "status", "lines"), [("prepare", 1, 1), ("missing_packages", 0, 0)])
def test_a_directory_that_can_not_be_read(variable: str, command: str, status: int, lines: int) -> None:
    """One line says so, where the start needs the directory."""
    environ = {
        "PATH": os.environ["PATH"],
        "PORT": str(free_port()),
        "UPSCALER_MODEL": "psnr-small",
        variable: f"/{'x' * 300}",  # longer than a name may be, so that looking at it fails
    }
    module = f"superscaling.commands.{command}"
    result = subprocess.run(
        [sys.executable, "-m", module], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60
    )
    assert (result.returncode, result.stdout) == (status, "")
    assert result.stderr.count("\n") == lines
    assert ("can't be read: File name too long" in result.stderr) == bool(lines)


# Baking models in


def test_a_baked_model_needs_nothing_else(
    legacy: Settings, prepared: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No server, no cache, no TensorFlow: as in an image without network."""

    def convert(weights: Weights, weight_file: Path, directory: Path) -> None:
        """What the child did for `prepared`, of the same row and file."""
        assert (weights, weight_file.read_bytes()) == (LEGACY_ROW, LEGACY.read_bytes())
        shutil.copytree(directory_of(prepared), directory)

    monkeypatch.setattr("superscaling.commands.prepare.convert_in_child", convert)
    bake(legacy, tmp_path / "models" / "legacy")
    monkeypatch.setattr("superscaling.models.store.MODELS", tmp_path / "models")
    monkeypatch.setattr("superscaling.commands.prepare.convert_model", None)
    alone = replace(legacy, weights_url="http://127.0.0.1:1", cache_dir=Path("/dev/null/x"), port=free_port())
    prepare(alone)
    assert directory_of(alone) == tmp_path / "models" / "legacy"
    assert weight_file_of(alone).read_bytes() == LEGACY.read_bytes()


def test_the_projects_own_models_are_copied(tmp_path: Path) -> None:
    bake(Settings(), tmp_path / "baked")
    bake(Settings(), tmp_path / "baked")  # a name that was given twice
    assert read_model_files(tmp_path / "baked").name == "noise-cancel-plain"
    assert (tmp_path / "baked" / TABLE["noise-cancel-plain"].file).is_file()


@pytest.mark.parametrize("way", ["--target={}", "--weights-only"])
@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["nonesuch"], "UPSCALER_MODEL='nonesuch': unknown; known are noise-cancel-plain,"),
        (["psnr-small", "nonesuch"], "UPSCALER_MODEL='nonesuch': unknown"),
        (["noise-cancel-plain", "psnr-small"], "could not be downloaded from http://127.0.0.1:1/"),
    ],
)
def test_models_that_can_not_be_baked_in(names: list[str], message: str, way: str, tmp_path: Path) -> None:
    environ = os.environ | {"UPSCALER_WEIGHTS_URL": "http://127.0.0.1:1", "UPSCALER_CACHE_DIR": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "superscaling.commands.bake", way.format(tmp_path / "baked"), *names]
    result = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert result.stderr.startswith("can't bake models in: ")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_an_installation_without_the_wanted_model_says_what_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "model.json").write_text("{}")
    monkeypatch.setattr("superscaling.models.store.MODELS", tmp_path)
    with pytest.raises(ModelUnavailable, match=r"not among the models of this installation \(other\).*UPSCALER_MODEL"):
        prepare(Settings(port=free_port()))
