"""Measuring quality: the metrics, test pictures, weight files of any network, and the command line."""

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import FIXTURES, ROOT, SAMPLES, photograph
from PIL import Image
from test_plain import random_weights

from evaluation import corrections, quality
from evaluation.errors import MeasurementError
from evaluation.isr_weights import architecture_of
from evaluation.metrics import C1, C2, SIGMA, WINDOW, luma, luma_psnr, ssim
from evaluation.pictures import as_jpeg, consistency, filter_enlarger, read_pairs, reduce
from superscaling.conversion import psnr
from superscaling.models import SMALL, TABLE, Architecture

# Keras 3.15 passes TensorFlow's variables to numpy 2 by a deprecated interface.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

TINY = Architecture(c=2, d=3, g=8, g0=16, scale=2, upscaling="shuffle")
ENLARGED = filter_enlarger(2, Image.Resampling.BICUBIC)


# The metrics


def test_luma() -> None:
    colours = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0]]], np.uint8)
    np.testing.assert_allclose(luma(colours), [[16, 235, 81.481]])
    assert luma(photograph(20, 30), 2).shape == (16, 26)


def test_psnr() -> None:
    gray = np.full((20, 20, 3), 100, np.uint8)
    assert psnr(gray, gray + 255 // 51) == pytest.approx(20 * np.log10(51))
    # One level of the full range is 219/255 levels of Y.
    assert luma_psnr(gray, gray + 1, 2) == pytest.approx(20 * np.log10(255 / 0.8588), abs=0.01)
    framed = gray.copy()
    framed[:2] = framed[:, -2:] = 0
    assert luma_psnr(gray, framed, 2) == luma_psnr(gray, gray, 2) > 100, "the border does not count"


def test_ssim_of_equal_pictures() -> None:
    noise = np.random.default_rng(0).uniform(0, 255, (30, 40))
    assert ssim(noise, noise) == pytest.approx(1)
    assert ssim(noise, 255 - noise) < 0 < ssim(noise, noise + noise[::-1] / 9) < 1


def test_ssim_of_flat_planes() -> None:
    """No variance: only the brightness differs."""
    one, other = np.full((20, 30), 100.0), np.full((20, 30), 150.0)
    assert ssim(one, other) == pytest.approx((2 * 100 * 150 + C1) / (100**2 + 150**2 + C1))


def test_ssim_of_a_dot() -> None:
    """The window fits only once, and all variance comes from the dot in its centre."""
    flat = np.zeros((WINDOW, WINDOW))
    dot = flat.copy()
    dot[WINDOW // 2, WINDOW // 2] = 200
    weight = sum(np.exp(-(k**2) / (2 * SIGMA**2)) for k in range(-5, 6)) ** -2
    mean, variance = 200 * weight, 200**2 * weight * (1 - weight)
    assert ssim(flat, dot) == pytest.approx(C1 / (mean**2 + C1) * C2 / (variance + C2))
    assert ssim(flat + 50, dot + 50) == pytest.approx(
        (2 * 50 * (50 + mean) + C1) / (50**2 + (50 + mean) ** 2 + C1) * C2 / (variance + C2)
    )


def test_sizes_that_cannot_be_compared() -> None:
    assert 0 < ssim(np.zeros((WINDOW, 40)), np.ones((WINDOW, 40))) < 1
    with pytest.raises(ValueError, match="at least 11 x 11 px, not 40 x 10"):
        ssim(np.zeros((10, 40)), np.zeros((10, 40)))
    for compare in (psnr, ssim):
        with pytest.raises(ValueError, match="can't be compared"):
            compare(np.zeros((20, 20)), np.zeros((20, 1)))


# Test pictures


def save(path: Path, height: int = 40, width: int = 60) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(photograph(height, width, seed=5)).save(path)


def test_pairs_of_any_picture(tmp_path: Path) -> None:
    save(tmp_path / "odd.png", 41, 63)
    Image.new("LA", (40, 40), (0, 0)).save(tmp_path / "transparent.png")
    Image.new("L", (40, 30), 7).save(tmp_path / "gray.jpg")
    pairs = {pair.name: pair for pair in read_pairs(tmp_path, 2)}
    assert {name: (pair.low.shape, pair.high.shape) for name, pair in pairs.items()} == {
        "gray.jpg": ((15, 20, 3), (30, 40, 3)),
        "odd.png": ((20, 31, 3), (40, 62, 3)),
        "transparent.png": ((20, 20, 3), (40, 40, 3)),
    }
    assert pairs["transparent.png"].low.min() == 255, "transparent areas become white"


def test_pairs_of_files(tmp_path: Path) -> None:
    save(tmp_path / "a_HR.png")
    save(tmp_path / "a_LR.png", 20, 30)
    save(tmp_path / "other.png")
    (pair,) = read_pairs(tmp_path, 2)
    np.testing.assert_array_equal(pair.low, photograph(20, 30, seed=5))
    np.testing.assert_array_equal(pair.high, photograph(40, 60, seed=5))


def test_consistency_sees_a_drift_of_colour() -> None:
    low = reduce(photograph(80, 80), 2)
    enlarged = ENLARGED(low)
    drifted = np.clip(enlarged.astype(int) + np.array((9, 0, -9)), 0, 255).astype(np.uint8)
    assert consistency(drifted, low, 2) < 32 < consistency(enlarged, low, 2)
    assert psnr(as_jpeg(low, 30), low) < psnr(as_jpeg(low, 90), low)


# Weight files


@pytest.mark.parametrize(
    "architecture",
    [
        TINY,
        replace(TINY, upscaling="ups", scale=3),
        replace(TINY, d=1, c=1, scale=4),
        replace(SMALL, d=2, upscaling="shuffle"),
    ],
    ids=str,
)
def test_the_architecture_of_a_weight_file(architecture: Architecture, tmp_path: Path) -> None:
    from superscaling.engines.tensorflow import build_isr

    build_isr(architecture).model.save_weights(tmp_path / "network.weights.h5")
    assert architecture_of(tmp_path / "network.weights.h5") == architecture


def test_the_architecture_of_known_weight_files() -> None:
    lite = TABLE["noise-cancel-lite"]
    assert architecture_of(ROOT / "models" / lite.name / lite.file) == lite.architecture
    legacy = FIXTURES / "legacy-C2-D2-G16-G016-x2.hdf5"
    assert architecture_of(legacy) == Architecture(2, 2, 16, 16, 2, "ups")


def test_a_weight_file_of_something_else(tmp_path: Path) -> None:
    import keras

    other = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 1), keras.layers.Conv2D(4, 3)])
    other.save_weights(tmp_path / "other.weights.h5")
    with pytest.raises(MeasurementError, match="is no weight file of a residual dense network"):
        architecture_of(tmp_path / "other.weights.h5")


# The command line


def decibels(table: str, row: str) -> list[float]:
    (line,) = (line for line in table.splitlines() if line.startswith(f"| {row} |"))
    return [float(number) for number in re.findall(r"\| (\d+\.\d\d)\b", line)]


def test_a_model_and_a_weight_file(tmp_path: Path) -> None:
    # Of one size: TensorFlow is prepared for each.
    save(tmp_path / "sets" / "photographs" / "one.png", 96, 128)
    text = Image.open(SAMPLES / "text-and-lines.png").crop((0, 0, 128, 96))
    text.save(tmp_path / "sets" / "photographs" / "two.png")
    weights, sheet = FIXTURES / "legacy-C2-D2-G16-G016-x2.hdf5", tmp_path / "sheet.png"
    arguments = (tmp_path / "sets", "--models", "noise-cancel-lite", "--weights", weights, "--sheet", sheet)
    command = [sys.executable, "-m", "evaluation.quality", *map(str, arguments)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=170, check=False)
    assert result.returncode == 0, result.stderr
    table = result.stdout
    assert table.startswith("photographs (2 pictures), x2: PSNR in dB / SSIM\n")
    bicubic, ours = decibels(table, "bicubic"), decibels(table, "noise-cancel-lite openvino fp32")
    assert len(bicubic) == 6
    assert bicubic[0] > bicubic[1] > bicubic[2] > bicubic[3] > bicubic[4]
    assert all(own > theirs for own, theirs in zip(ours[:5], bicubic[:5], strict=True))
    assert decibels(table, "noise-cancel-lite tensorflow fp32") == pytest.approx(ours, abs=0.02)
    assert all(number < 20 for number in decibels(table, f"{weights} openvino fp32")), "these weights are random"
    with Image.open(sheet) as image:
        # Original, input, bicubic, both networks; two images, each clean and as JPEG.
        assert image.width == 5 * (128 * 3 + 8) - 8
        assert image.height == 4 * (96 * 3 + 2 * 28 + 8)
        original = np.asarray(image.crop((0, 2 * 28, 3 * 100, 2 * 28 + 3 * 90)))
    assert original.std() > 10, "the sheet shows an image"


def test_the_weight_file_of_a_plain_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As trained, without a name; tensorflow, which can't run it, is left out."""
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "set" / "one.png", 96, 120)
    np.savez(tmp_path / "plain.npz", allow_pickle=False, **random_weights(2))
    assert quality.main(["set", "--models", "--weights", "plain.npz"]) == 0
    table = capsys.readouterr().out
    assert len(decibels(table, "plain.npz openvino fp32")) == 6
    assert "tensorflow" not in table


def test_the_figures_of_the_corrections(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Little is lost, and gradients in int8 and bf16 get the steps that they should have."""
    monkeypatch.setattr(corrections, "LENGTHS", (300,))
    monkeypatch.setattr(corrections, "EDGE", 64)
    monkeypatch.setattr(corrections, "TURNS", 1)
    save(tmp_path / "set" / "one.png", 160, 160)
    assert corrections.main([str(tmp_path / "set")]) == 0
    changes, steps, costs = (
        [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
        for table in capsys.readouterr().out.split("\n\n")
    )
    assert {row[1] for row in changes} == {"clean", "JPEG 75", "JPEG 30"}
    assert all(float(row[4]) > -0.01 for row in changes)
    assert {row[0] for row in steps} == {"across", "diagonal", "radial"}
    for kind, _, precision, before, after, given in steps:
        assert float(after) <= float(before) + 0.01
        if kind != "radial":
            assert float(after) < float(given) + 0.02, f"bands in {precision}"
    assert {row[0] for row in costs} == {"photograph", "all smooth"}


def test_no_pictures_to_measure_the_corrections_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert corrections.main([str(tmp_path)]) == 1
    assert "corrections: there is no picture in" in capsys.readouterr().err


def save_one(folder: Path) -> None:
    save(folder / "a.png")


def nothing(folder: Path) -> None:
    folder.mkdir()


def damaged(folder: Path) -> None:
    save(folder / "good.png")
    whole = (folder / "good.png").read_bytes()
    (folder / "bad.png").write_bytes(whole[: len(whole) // 2])


def no_picture(folder: Path) -> None:
    nothing(folder)
    (folder / "text.jpg").write_text("no picture")


def alone(folder: Path) -> None:
    save(folder / "a_HR.png")


def wrong_size(folder: Path) -> None:
    save(folder / "a_HR.png")
    save(folder / "a_LR.png", 20, 31)


def small(folder: Path) -> None:
    save(folder / "a.png", 1, 40)


def text_as_weights(folder: Path) -> None:
    save_one(folder)
    (folder.parent / "text.npz").write_text("no weights")


@pytest.mark.parametrize(
    ("prepare", "arguments", "message"),
    [
        (None, (), "there is no folder .*/set: name one with test pictures"),
        (nothing, (), "there is no picture in .*/set, nor in a folder in it"),
        (damaged, (), r"bad.png is not readable as a picture \(OSError: "),
        (no_picture, (), "text.jpg is not readable as a picture"),
        (alone, (), "a_HR.png and _LR.png belong together, and one is missing"),
        (wrong_size, (), "set/a: 31 x 20 px enlarged by 2 are not 60 x 40 px"),
        (small, (), "a.png: 40 x 0 px are too few, 15 x 15 are needed"),
        (save_one, ("--models", "best"), "there is no model best; known are"),
        (save_one, ("--models", "psnr-large"), "UPSCALER_MODEL=psnr-large python -m superscaling.commands.prepare"),
        (save_one, ("--weights", "none.h5"), "there is no weight file none.h5"),
        (save_one, ("--weights", "none.npz"), "there is no weight file none.npz"),
        (
            text_as_weights,
            ("--weights", "text.npz"),
            "converting text.npz failed: .*text.npz can't be read as a NumPy archive",
        ),
        (
            save_one,
            ("--engines", "tensorflow", "--models", "noise-cancel-plain"),
            "noise-cancel-plain is no RDN, which is all that tensorflow runs",
        ),
        (save_one, ("--weights", str(ROOT / "README.md")), "README.md is no weight file of a residual dense network"),
        (save_one, ("--sheet", "none/sheet.png"), "there is no folder none for the contact sheet"),
        (save_one, ("--sheet", "sheet.png", "--show", "b.png"), "there is no test image whose name contains b.png"),
    ],
)
def test_what_is_refused(
    prepare: Callable[[Path], None] | None,
    arguments: tuple[str, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("UPSCALER_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    if prepare is not None:
        prepare(tmp_path / "set")
    models = () if "--models" in arguments else ("--models",)
    assert quality.main([str(tmp_path / "set"), *models, *arguments]) == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert re.match(f"quality: .*{message}", said), said
