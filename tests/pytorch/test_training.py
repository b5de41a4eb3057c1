"""Trainings from the command line: a whole small one, from pictures to the service, and what is refused."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT, StartServer, encoded, opened, photograph, psnr
from PIL import Image

from evaluation.isr_weights import read_isr
from superscaling.commands.import_model import main as import_model
from superscaling.models import imported_directory, read_model_files
from training import sharpen, train
from training.options import in_bf16, parser_of
from training.weight_files import load_network

TINY = ("--layers", "2", "--channels", "12", "--patch", "16", "--batch", "8", "--drawings", "16", "--seed", "3")


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photographs")
    for seed in range(3):
        Image.fromarray(photograph(300, 320, seed)).save(folder / f"{seed}.png")
    return folder


@pytest.fixture(scope="module")
def test_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the training does not see."""
    folder = tmp_path_factory.mktemp("faces")
    with Image.open(ROOT / "sample-images" / "face.jpg") as face:
        face.crop((64, 64, 192, 192)).save(folder / "face.png")
    return folder


def run(module: str, *arguments: str | Path, photographs: Path, output: Path) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [sys.executable, "-m", module, "--photographs", photographs, "--output", output]
    environ = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(
        [*command, *arguments], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=170, check=False
    )


@pytest.fixture(scope="module")
def trained(photographs: Path, test_set: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training that was interrupted and went on; its folder."""
    output = tmp_path_factory.mktemp("trained")
    options = (*TINY, "--evaluate", test_set, "--rate", "4e-3", "--warm", "10", "--average", "0.95")
    first = run("training.train", *options, "--steps", "20", photographs=photographs, output=output)
    assert "20 steps, 100%: " in first.stdout, first.stdout + first.stderr
    again = run(
        "training.train",
        *options,
        "--steps",
        "160",
        "--resume",
        "--end-patch",
        "32",
        photographs=photographs,
        output=output,
    )
    assert again.returncode == 0, again.stdout + again.stderr
    steps, levels, speed = re.findall(r"([\d,]+) steps, 100%: (\S+) levels, (\S+) patches/s", again.stdout)[-1]
    assert steps == "160"
    assert 0 < float(levels) < 30
    assert float(speed.replace(",", "")) > 0
    assert "holds: better than bicubic, clean and as JPEGs" in again.stdout
    start, end = (float(each) for each in re.findall(r"(?:start|end) +faces\S*: clean (\S+),", again.stdout))
    assert end > start + 0.1
    return output


@pytest.mark.timeout(600)
def test_from_pictures_to_the_service(trained: Path, tmp_path: Path, start_server: StartServer) -> None:
    """Its weights are served under the name they were imported by, and from their file: as PyTorch has them."""
    network = load_network(trained / "weights.npz")
    assert network.dimensions == {"layers": 2, "channels": 12}
    pixels = photograph(40, 52, seed=9)
    with torch.no_grad():
        output = network(torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255)[0].clamp(0, 1)
    expected = (output.permute(1, 2, 0) * 255).round().byte().numpy()

    os.environ["UPSCALER_CACHE_DIR"] = str(tmp_path / "cache")
    try:
        assert import_model([str(trained / "weights.npz"), "--name", "tiny", "--kind", "faithful"]) == 0
    finally:
        del os.environ["UPSCALER_CACHE_DIR"]
    assert read_model_files(imported_directory(tmp_path / "cache", "tiny")).scale == 2
    for model in ("tiny", str(trained / "weights.npz")):
        server = start_server(
            UPSCALER_MODEL=model, UPSCALER_CACHE_DIR=str(tmp_path / "cache"), UPSCALER_PRECISION="fp32"
        )
        answer = server.upscale(encoded(pixels), format="png")
        assert answer.status_code == 200, answer.text
        assert psnr(np.asarray(opened(answer.content)), expected) > 50


def test_a_residual_dense_network_learns_from_a_plain_one(photographs: Path, trained: Path, tmp_path: Path) -> None:
    """ISR's layers, in bfloat16, not evaluated."""
    dimensions = ("--architecture", "rdn", "--c", "2", "--d", "2", "--g", "8", "--g0", "8", *TINY[4:])
    options = ("--distil", trained / "weights.npz", "--bf16", "--steps", "3")
    result = run("training.train", *dimensions, *options, photographs=photographs, output=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "not evaluated" in result.stdout
    architecture, layers = read_isr(tmp_path / "network.weights.h5")
    assert architecture.arch_params == {"C": 2, "D": 2, "G": 8, "G0": 8, "x": 2}
    assert all(np.isfinite(each).all() for pair in layers for each in pair)


def test_a_sharpening(photographs: Path, trained: Path, test_set: Path, tmp_path: Path) -> None:
    options = ("--start", str(trained / "weights.npz"), *TINY[4:], "--steps", "4", "--adversarial", "0.5", "1")
    result = run("training.sharpen", *options, "--evaluate", test_set, photographs=photographs, output=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("2 steps, 100%: error, artefacts, drift, contrast ") == 2
    assert "adversarial 1.0 faces" in result.stdout
    before = load_network(trained / "weights.npz")
    for number in "12":
        after = load_network(tmp_path / number / "weights.npz")
        assert after.dimensions == before.dimensions
        assert not torch.equal(after.tail.weight, before.tail.weight)
        assert not (tmp_path / number / "checkpoint.pt").exists(), "a training can't go on from a sharpening"


def test_a_training_of_plain_networks_needs_pytorch_numpy_and_pillow_only() -> None:
    """A borrowed GPU may have nothing else."""
    others = ("openvino", "nncf", "tensorflow", "keras", "h5py", "flask", "pydantic", "spandrel")
    code = f"import sys; sys.modules.update(dict.fromkeys({others!r})); import training.train, training.sharpen"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=120)


STEPS = ("--steps", "1")
PLAIN = "training/weights/fast.npz"
RDN = "models/noise-cancel-lite/noise-cancel-lite.weights.h5"


def only_line(capsys: pytest.CaptureFixture[str]) -> str:
    """What was printed on standard error, which must be one line."""
    (line,) = capsys.readouterr().err.splitlines()
    return line


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is refused is refused before photographs are read."""
    monkeypatch.setattr("training.options.load_photographs", lambda *_: pytest.fail("photographs were read"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "say how long to train: --minutes or --steps"),
        (("--steps", "1", "--minutes", "1"), "say how long to train: --minutes or --steps"),
        (("--minutes", "nan"), "--minutes nan: it has to be more than 0"),
        ((*STEPS, "--patch", "24"), "--patch 24: it has to be a multiple of 16"),
        ((*STEPS, "--end-patch", "8"), "--end-patch 8: it has to be a multiple of 16"),
        ((*STEPS, "--drawn", "1"), "--drawn 1.0: a share is at least 0, and less than 1"),
        ((*STEPS, "--end-share", "-1"), "--end-share -1.0: a share is at least 0"),
        ((*STEPS, "--batch", "0"), "--batch 0: it has to be more than 0"),
        ((*STEPS, "--channels", "-1"), "--channels -1: it has to be more than 0"),
        ((*STEPS, "--drawings", "-1"), "--drawings -1: it has to be 0 or more"),
        ((*STEPS, "--g", "8"), "--g: a network of the architecture plain has no such dimension"),
        ((*STEPS, "--architecture", "rdn", "--layers", "3"), "--layers: a network of the architecture rdn has no"),
        ((*STEPS, "--architecture", "rdn", "--g0", "2"), "--g0 2: the three colours need 3 channels"),
        ((*STEPS, "--start", "nothing.npz"), "there is no weight file nothing.npz"),
        ((*STEPS, "--start", "README.md"), "README.md is no weight file of a residual dense network"),
        (
            (*STEPS, "--start", PLAIN, "--layers", "3"),
            "--layers 3: the network in",
        ),
        ((*STEPS, "--distil", "nothing.npz"), "there is no weight file nothing.npz"),
        ((*STEPS, "--evaluate", "training"), "can't evaluate: there is no picture in training"),
        ((*STEPS, "--seed", "-1"), "--seed -1: it has to be from 0 to 4294967295"),
        ((*STEPS, "--seed", "4294967296"), "--seed 4294967296: it has to be from 0 to 4294967295"),
        ((*STEPS, "--photographs", "nothing"), "there is no folder nothing"),
        ((*STEPS, "--output", "README.md"), "File exists: 'README.md'"),
        ((*STEPS, "--output", "/proc/nothing"), "/proc/nothing"),
        ((*STEPS, "--output", "/proc"), "can't write into /proc: "),
        ((*STEPS, "--device", "tpu"), "--device tpu: it has to be cpu or cuda"),
        ((*STEPS, "--device", "cuda:1"), "--device cuda:1: it has to be cpu or cuda"),
        ((*STEPS, "--device", "cuda"), "--device cuda: PyTorch finds no such device"),
        ((*STEPS, "--start", PLAIN, "--architecture", "rdn"), "--architecture rdn: the network in"),
        ((*STEPS, "--start", RDN, "--architecture", "plain"), "--architecture plain: the network in"),
        ((*STEPS, "--resume"), "checkpoint.pt to resume from"),
    ],
)
@pytest.mark.usefixtures("no_pictures")
def test_options_that_are_refused(
    arguments: tuple[str, ...],
    message: str,
    photographs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)  # as on a machine without a GPU
    assert train.main(["--photographs", str(photographs), "--output", str(tmp_path), *arguments]) == 1
    assert message in only_line(capsys)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a checkpoint, or is damaged"),
        (b"no checkpoint", "is not a checkpoint, or is damaged"),
        ({"dimensions": {"layers": 9, "channels": 12}}, "is of a network of {'layers': 9, 'channels': 12}, not"),
        ({"dimensions": {"layers": 2, "channels": 12}}, "is not a checkpoint, or is damaged"),
        (
            {"dimensions": {"layers": 2, "channels": 12}, "tensors": {"parameters": [torch.zeros(1)]}},
            "tensors of other shapes",
        ),
        ([1], "is not a checkpoint, or is damaged"),
    ],
    ids=["empty", "text", "another network", "incomplete", "other shapes", "a list"],
)
@pytest.mark.usefixtures("no_pictures")
def test_checkpoints_that_are_refused(
    content: bytes | dict[str, object] | list[int],
    message: str,
    photographs: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    options = ["--photographs", str(photographs), "--output", str(tmp_path), *TINY, *STEPS, "--resume"]
    assert train.main(options) == 1
    assert message in only_line(capsys)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (STEPS, "say which network to sharpen: --start FILE"),
        ((*STEPS, "--start", RDN), "only plain networks can be sharpened"),
        ((*STEPS, "--start", PLAIN, "--adversarial", "0.5", "-1"), "--adversarial 0.5 -1.0: each has to be 0 or more"),
        ((*STEPS, "--start", PLAIN, "--adversarial", "nan"), "--adversarial nan: each has to be 0 or more"),
        ((*STEPS, "--start", PLAIN, "--judge-rate", "0"), "--judge-rate 0.0: it has to be more than 0"),
        ((*STEPS, "--start", PLAIN, "--photographs", "nothing"), "there is no folder nothing"),
        (("--start", PLAIN), "say how long to train"),
    ],
)
@pytest.mark.usefixtures("no_pictures")
def test_sharpenings_that_are_refused(
    arguments: tuple[str, ...],
    message: str,
    photographs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(ROOT)
    assert sharpen.main(["--photographs", str(photographs), "--output", str(tmp_path), *arguments]) == 1
    assert message in only_line(capsys)


@pytest.mark.usefixtures("no_pictures")
def test_a_sharpening_needs_its_folders(photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "2").write_text("no folder")
    options = [*STEPS, "--start", str(ROOT / PLAIN), "--adversarial", "0.5", "1"]
    assert sharpen.main(["--photographs", str(photographs), "--output", str(tmp_path), *options]) == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert "File exists" in said


@pytest.mark.parametrize(
    ("options", "expected"),
    [((), False), (("--bf16",), True), (("--device", "cuda"), True), (("--device", "cuda", "--no-bf16"), False)],
)
def test_bfloat16_is_for_gpus_unless_told_otherwise(options: tuple[str, ...], expected: bool) -> None:
    given = parser_of(None).parse_args(["--photographs", "a", "--output", "b", *options])
    assert in_bf16(given) == expected
