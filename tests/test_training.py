"""Training: ISR's network, pictures and their degradation, what is refused, and a whole small run."""

import itertools
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from conftest import ROOT, photograph
from numpy.typing import NDArray
from PIL import Image

from evaluation.pictures import filter_enlarger
from superscaling.conversion import psnr
from superscaling.models import TABLE, Architecture
from training import average
from training.degradation import Degradation, Pixels, degrade
from training.drawings import draw
from training.errors import TrainingError
from training.examples import LOW_EDGE, ExampleOptions, make_examples, packed, unpacked
from training.growing import grow, start_from
from training.loss import ENOUGH, levels_of, psnr_loss
from training.network import build_network, load_weights, start_as_bilinear
from training.optimizer import ConvolutionMuon
from training.photographs import load_patches
from training.scores import evaluate

# Keras 3.15 hands TensorFlow's variables to numpy 2 in the old way.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

TINY = Architecture(c=2, d=2, g=8, g0=8, scale=2, upscaling="shuffle")
CLEAN = Degradation(clean=1)
JPEG = Degradation(clean=0, noise=0)
BICUBIC = filter_enlarger(2, Image.Resampling.BICUBIC)


def both_upscalings(architecture: Architecture) -> list[Architecture]:
    return [replace(architecture, upscaling=upscaling) for upscaling in ("shuffle", "ups")]


def random_pictures(height: int, width: int) -> Any:
    return np.random.default_rng(0).random((2, height, width, 3), np.float32)


def assert_pixels(pixels: Pixels, height: int, width: int) -> None:
    assert pixels.shape == (height, width, 3)
    assert pixels.dtype == np.uint8


# The network


@pytest.mark.parametrize("architecture", both_upscalings(replace(TINY, d=11)), ids=lambda each: each.upscaling)
def test_isr_makes_the_same_of_the_weights(architecture: Architecture, tmp_path: Path) -> None:
    """Eleven blocks: numbers of two digits must not change the order of layers."""
    from superscaling.engines.tensorflow import load_isr

    network = build_network(architecture)
    network.save_weights(tmp_path / "tiny.weights.h5")
    isr = load_isr(architecture, tmp_path / "tiny.weights.h5")
    assert [each.name for each in network.layers if each.weights] == [
        each.name for each in isr.model.layers if each.weights
    ]
    pictures = random_pictures(9, 14)
    np.testing.assert_array_equal(network(pictures), isr.model(pictures))


@pytest.mark.parametrize("architecture", both_upscalings(TINY), ids=lambda each: each.upscaling)
def test_the_start_is_bilinear(architecture: Architecture) -> None:
    network = build_network(architecture)
    start_as_bilinear(network, architecture)
    picture = photograph(20, 26)
    enlarged = np.asarray(network(picture[np.newaxis] / np.float32(255)))[0] * 255
    bilinear = np.asarray(Image.fromarray(picture).resize((52, 40), Image.Resampling.BILINEAR))
    inside = slice(4, -4)  # the network pads with zeros
    np.testing.assert_allclose(enlarged[inside, inside], bilinear[inside, inside], atol=1)


def test_bfloat16_differs_little() -> None:
    outputs = []
    for precision in ("float32", "mixed_bfloat16"):
        network = build_network(TABLE["noise-cancel-lite"].architecture, precision)
        load_weights(network, ROOT / "models" / "noise-cancel-lite" / "noise-cancel-lite.weights.h5")
        outputs.append(np.asarray(network(photograph(24, 24)[np.newaxis] / np.float32(255))))
    assert 0 < np.abs(outputs[0] - outputs[1]).max() < 0.02


@pytest.mark.parametrize("upscaling", ["shuffle", "ups"])
def test_a_grown_network_makes_the_same_pictures(upscaling: str) -> None:
    small, large = replace(TINY, upscaling=upscaling), Architecture(3, 4, 12, 10, 2, upscaling)
    smaller, network = build_network(small), build_network(large)
    grow(network, large, smaller, small)
    picture = random_pictures(12, 15)
    np.testing.assert_allclose(network(picture), smaller(picture), atol=1e-5)
    new = network.get_layer("F_4_3").get_weights()[0]
    assert np.abs(new).min() > 0, "what is new has to be ready to learn"


@pytest.mark.parametrize(
    ("large", "message"),
    [
        (replace(TINY, d=1), "can't grow into a smaller one"),
        (replace(TINY, d=3, upscaling="ups"), "enlarges otherwise"),
    ],
)
def test_networks_that_cannot_grow(large: Architecture, message: str, tmp_path: Path) -> None:
    build_network(TINY).save_weights(tmp_path / "tiny.weights.h5")
    with pytest.raises(TrainingError, match=message):
        start_from(build_network(large), large, tmp_path / "tiny.weights.h5")


# Loss and steps


STEPS = """
import sys
from pathlib import Path

sys.modules["openvino"] = None  # a machine with a GPU needs none of the service for the training

import numpy as np

import training.train
from training.loss import psnr_loss
from training.network import architecture_in, build_network, load_weights, save_weights
from training.optimizer import ConvolutionMuon
from training.steps import steps_of

start, end = map(Path, sys.argv[1:])
network = build_network(architecture_in(start))
load_weights(network, start)
optimizer = ConvolutionMuon(average=0.9)
steps = steps_of(network, optimizer, psnr_loss, 16)
random = np.random.default_rng(0)
for rate in (1e-3, 1e-2):
    optimizer.learning_rate = rate
    low, high = (random.integers(0, 256, (3, 2, edge, edge, 3), np.uint8) for edge in (16, 32))
    print(steps(low, high))
save_weights(network, end)
optimizer.finalize_variable_values(network.trainable_variables)
save_weights(network, end.with_name("averaged." + end.name))
"""


def test_tensorflow_and_jax_make_the_same_steps(tmp_path: Path) -> None:
    """All at once by JAX, one after the other by TensorFlow."""
    keras.utils.set_random_seed(0)
    start = tmp_path / "start.weights.h5"
    build_network(TINY).save_weights(start)
    said, weights = {}, {}
    for backend in ("tensorflow", "jax"):
        end = tmp_path / f"{backend}.weights.h5"
        command: list[str | Path] = [sys.executable, "-c", STEPS, start, end]
        environ = os.environ | {"KERAS_BACKEND": backend, "CUDA_VISIBLE_DEVICES": ""}
        result = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=300, check=True)
        said[backend] = [float(loss) for loss in result.stdout.split()]
        weights[backend] = [loaded(TINY, path) for path in (end, end.with_name(f"averaged.{end.name}"))]
    assert said["jax"] == pytest.approx(said["tensorflow"], abs=1e-4)
    for same in zip(weights["jax"], weights["tensorflow"], strict=True):
        for ours, theirs, before in zip(*same, loaded(TINY, start), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=0.02 * np.abs(theirs - before).max())


def loaded(architecture: Architecture, path: Path) -> list[NDArray[Any]]:
    network = build_network(architecture)
    load_weights(network, path)
    weights: list[NDArray[Any]] = network.get_weights()
    return weights


@pytest.mark.parametrize("error", [1, 4, 20])
def test_the_loss_is_told_in_levels(error: int) -> None:
    target = np.full((2, 16, 16, 3), 100, np.uint8)
    losses = np.asarray(psnr_loss(target, (target + np.float32(error)) / 255))
    assert losses.shape == (2,)
    assert levels_of(float(losses.mean())) == pytest.approx(error, rel=0.4 if error == 1 else 0.03)


def test_every_patch_counts_alike() -> None:
    """Twice the error costs the same, however large it was; an exact patch costs no less than `ENOUGH`."""
    target = np.full((4, 8, 8, 3), 100, np.uint8)
    output = (target + np.array([5, 10, 20, 40], np.float32)[:, None, None, None]) / 255
    np.testing.assert_allclose(np.diff(np.asarray(psnr_loss(target, output))), 0.0602, atol=0.001)
    assert float(psnr_loss(target, target / np.float32(255))[0]) == pytest.approx(-ENOUGH / 100, abs=1e-4)


def test_a_step_of_muon_moves_all_directions_alike() -> None:
    """All singular values of the step of a kernel are about the same, however the gradient's differ."""
    network = build_network(TINY)
    optimizer = ConvolutionMuon(average=0.9)
    optimizer.build(network.trainable_variables)
    optimizer.learning_rate = 0.01
    before = network.get_weights()
    random = np.random.default_rng(0)
    optimizer.apply([random.standard_normal(each.shape).astype(np.float32) ** 3 for each in before])
    spreads = {}
    for variable, old, new in zip(network.variables, before, network.get_weights(), strict=True):
        step = new - old
        assert np.abs(step).max() > 0, variable.path
        if step.ndim == 4:
            values = np.linalg.svd(step.reshape(-1, step.shape[-1]), compute_uv=False)
            spreads[variable.path] = values.max() / values.min()
    assert {path for path, spread in spreads.items() if spread > 2} <= {"F_m1/kernel", "UPN3/kernel", "SR/kernel"}
    assert len(spreads) == 14


# Examples


@pytest.mark.parametrize("degradation", [Degradation(), CLEAN, JPEG, Degradation(clean=0, noise=1, twice=1)])
@pytest.mark.parametrize("scale", [2, 3])
def test_degradation(degradation: Degradation, scale: int) -> None:
    high = photograph(24 * scale, 36 * scale)
    for seed in range(10):
        low = degrade(high, scale, degradation, np.random.default_rng(seed))
        again = degrade(high, scale, degradation, np.random.default_rng(seed))
        assert_pixels(low, 24, 36)
        np.testing.assert_array_equal(low, again)
        bicubic = np.asarray(Image.fromarray(high).resize((36, 24), Image.Resampling.BICUBIC))
        assert psnr(low, bicubic) > 15, "it no longer shows the same"


def test_only_clean_pictures_stay_clean() -> None:
    bicubic_only = replace(CLEAN, lanczos=0, box=0, bilinear=0)
    high, random = photograph(64, 64), np.random.default_rng(0)
    bicubic = np.asarray(Image.fromarray(high).resize((32, 32), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(degrade(high, 2, bicubic_only, random), bicubic)
    assert not np.array_equal(degrade(high, 2, replace(bicubic_only, clean=0), random), bicubic)


def test_drawings() -> None:
    drawings = [draw(64, np.random.default_rng(seed)) for seed in range(60)]
    for each in drawings:
        assert_pixels(each, 64, 64)
    np.testing.assert_array_equal(drawings[7], draw(64, np.random.default_rng(7)))
    flat_borders = sum(int(np.ptp(each[0].astype(int), axis=0).max() == 0) for each in drawings)
    assert flat_borders > 10, "flat areas have to reach the border"
    assert len({each.tobytes() for each in drawings}) > 50


def test_examples() -> None:
    patches = np.stack([photograph(2 * LOW_EDGE, 2 * LOW_EDGE, seed) for seed in range(3)])

    def first(count: int, seed: int) -> list[tuple[Pixels, Pixels]]:
        return list(itertools.islice(make_examples(patches, ExampleOptions(2, seed, 0.3, Degradation())), count))

    for (low, high), (low_again, high_again) in zip(first(20, seed=1), first(20, seed=1), strict=True):
        assert (low.shape, high.shape) == ((LOW_EDGE, LOW_EDGE, 3), (2 * LOW_EDGE, 2 * LOW_EDGE, 3))
        np.testing.assert_array_equal(low, low_again)
        np.testing.assert_array_equal(high, high_again)
    assert not np.array_equal(first(1, seed=1)[0][1], first(1, seed=2)[0][1])
    options = ExampleOptions(2, 1, 0.3, Degradation(clean=0.9))
    assert ExampleOptions.from_json(options.to_json()) == options


# Photographs


def test_patches(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    Image.fromarray(photograph(200, 300)).save(tmp_path / "below" / "one.png")
    Image.fromarray(photograph(99, 99)).convert("L").save(tmp_path / "gray.jpg")
    Image.new("RGB", (300, 200), "blue").save(tmp_path / "sky.png")
    patches = load_patches([tmp_path], 64, seed=0)
    assert_pixels(patches[0], 64, 64)
    np.testing.assert_array_equal(patches, load_patches([tmp_path], 64, seed=0))
    flat = sum(int(np.ptp(patch) == 0 or (patch == patch[0, 0]).all()) for patch in patches)
    assert 0 < flat < len(patches) / 3, "few flat patches stay"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (None, "there is no folder"),
        ({}, "there is no file in"),
        ({"a.jpg": b"no picture"}, "1 are not readable as pictures, 0 are smaller"),
        ({"a.png": Image.new("RGB", (191, 500))}, "0 are not readable as pictures, 1 are smaller than 192 x 192 px"),
        ({"a.png": Image.new("RGB", (9, 9)), "b.png": b"", "c.txt": b"?"}, "none of the 3 files"),
    ],
)
def test_photographs_that_are_refused(files: dict[str, Any] | None, message: str, tmp_path: Path) -> None:
    folder = tmp_path / "photographs"
    if files is not None:
        folder.mkdir()
        for name, content in files.items():
            content.save(folder / name) if isinstance(content, Image.Image) else (folder / name).write_bytes(content)
    with pytest.raises(TrainingError, match=message) as error:
        load_patches([folder], 192, seed=0)
    assert "\n" not in str(error.value)


def test_what_cannot_be_used_is_named_and_skipped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(photograph(200, 300)).save(tmp_path / "good.png")
    whole = (tmp_path / "good.png").read_bytes()
    (tmp_path / "cut-off.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "notes.txt").write_text("about the pictures")
    Image.new("RGB", (60, 200)).save(tmp_path / "narrow.png")
    assert len(load_patches([tmp_path], 192, seed=0)) == 1
    said = capsys.readouterr().err
    assert all(name in said for name in ("cut-off.png", "notes.txt", "narrow.png")), said
    assert "good.png" not in said


# Evaluation


def test_evaluation_of_bicubic(tmp_path: Path) -> None:
    Image.fromarray(photograph(101, 120)).save(tmp_path / "one.png")
    scores = evaluate(BICUBIC, tmp_path, 2)
    assert 20 < scores.jpeg < scores.clean < scores.consistency < 60


def test_pictures_that_cannot_be_evaluated(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="can't evaluate: there is no picture in"):
        evaluate(BICUBIC, tmp_path, 2)


# The command line


def run_training(*arguments: str | Path, output: Path) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "training.train",
        "--photographs",
        ROOT / "sample-images",
        "--output",
        output,
    ]
    command += ["--batch", "2", "--patch", "24", "--pool", "16", *arguments]
    environ = os.environ | {"KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120, check=False)


TINY_ARGUMENTS = ("--c", "2", "--d", "2", "--g", "8", "--g0", "8")


def test_a_run_is_resumed_and_isr_loads_its_weights(tmp_path: Path) -> None:
    from superscaling.engines.tensorflow import load_isr

    pictures = tmp_path / "pictures"
    pictures.mkdir()
    Image.fromarray(photograph(64, 80)).save(pictures / "one.png")
    output = tmp_path / "output"
    evaluation = ("--evaluation", pictures, "--learning-rate", "1e-6", "--name", "tiny")

    first = run_training(*TINY_ARGUMENTS, "--steps", "10", *evaluation, output=output)
    assert "step 10 " in first.stdout, first.stdout + first.stderr
    losses = [float(text) for text in re.findall(r"loss (\S+) levels", first.stdout)]
    assert losses
    assert all(0 < loss < 50 for loss in losses)
    # Ten steps from bilinear enlargement don't beat bicubic, and the script says so.
    assert "DOES NOT HOLD: clean pictures are better than by bicubic" in first.stdout
    assert "\nholds: nothing is more than 0.05 dB below the start" in first.stdout
    assert first.returncode == 1

    second = run_training(*TINY_ARGUMENTS, "--steps", "13", "--resume", "--together", "3", output=output)
    assert "; step 10\n" in second.stdout, second.stdout + second.stderr
    assert "step 13 " in second.stdout
    assert second.returncode == 0, second.stderr

    isr = load_isr(TINY, output / "tiny.weights.h5")
    enlarged = np.asarray(isr.model(photograph(16, 16)[np.newaxis] / np.float32(255)))
    assert enlarged.shape == (1, 32, 32, 3)
    assert np.isfinite(enlarged).all()

    other = run_training("--steps", "20", "--resume", output=output)
    assert other.returncode == 1
    assert "checkpoint.npz is of Architecture(c=2, d=2" in other.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "say how long to train: --hours, --minutes or --steps"),
        (("--steps", "1", "--patch", "97"), "--patch 97: it has to be from 16 to 96"),
        (("--steps", "1", "--drawings", "1.5"), "--drawings 1.5: a share is from 0 to 1"),
        (("--steps", "1", "--workers", "0"), "--workers 0: it has to be more than 0"),
        (("--steps", "1", "--g0", "2"), "--g0 2: the three colours need 3 channels"),
        (("--steps", "1", "--start", "nothing.weights.h5"), "there is no weight file nothing.weights.h5"),
        (("--steps", "1", "--start", "README.md"), "README.md is no weight file of a residual dense network"),
        (("--steps", "1", "--resume"), "checkpoint.npz to resume from"),
    ],
)
def test_options_that_are_refused(
    arguments: tuple[str, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from training import train

    monkeypatch.setattr(sys, "argv", ["train", "--photographs", "sample-images", "--output", str(tmp_path), *arguments])
    monkeypatch.chdir(ROOT)
    assert train.main() == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert message in said[0]


def test_weights_of_another_architecture_are_refused(tmp_path: Path) -> None:
    build_network(TINY).save_weights(tmp_path / "tiny.weights.h5")
    with pytest.raises(TrainingError, match="no weight file of this architecture"):
        load_weights(build_network(replace(TINY, d=3)), tmp_path / "tiny.weights.h5")


def test_weight_files_are_averaged(tmp_path: Path) -> None:
    networks = [build_network(TINY) for _ in range(2)]
    files = [tmp_path / f"{name}.weights.h5" for name in ("one", "other")]
    for network, file in zip(networks, files, strict=True):
        network.save_weights(file)
    assert average.main([*map(str, files), "--output", str(tmp_path / "both.weights.h5")]) == 0
    both = build_network(TINY)
    load_weights(both, tmp_path / "both.weights.h5")
    for mean, one, other in zip(*(network.get_weights() for network in (both, *networks)), strict=True):
        np.testing.assert_allclose(mean, (one + other) / 2, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "message"),
    [("deep", "no weight file of this architecture"), ("none", "there is no weight file")],
)
def test_weight_files_that_cannot_be_averaged(
    name: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build_network(TINY).save_weights(tmp_path / "tiny.weights.h5")
    build_network(replace(TINY, d=3)).save_weights(tmp_path / "deep.weights.h5")
    files = [str(tmp_path / f"{each}.weights.h5") for each in ("tiny", name)]
    for some in (files, files[::-1]):
        assert average.main([*some, "--output", str(tmp_path / "both.weights.h5")]) == 1
    assert capsys.readouterr().err.count(message) == 2
    assert not (tmp_path / "both.weights.h5").exists()


def test_an_example_that_lost_bytes_is_noticed() -> None:
    """On the way through a pipe, or of the one before it."""
    low, high = np.arange(12, dtype=np.uint8).reshape(2, 2, 3), np.zeros((4, 4, 3), np.uint8)
    record = packed(low, high)
    assert unpacked(record) == low.tobytes() + high.tobytes()
    assert unpacked(record[5:] + record[:5]) is None
    assert unpacked(record[:9] + b"x" + record[10:]) is None
