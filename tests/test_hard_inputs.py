"""Hard inputs: each is made as its name says, the same each time; and the figures of what models make of them."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, photograph
from PIL import Image

from evaluation import restoration
from evaluation.hard_inputs import HARD, noisy, resized, soft, twice, webp, worn
from evaluation.metrics import Pixels, chroma, luma
from evaluation.pictures import SCALE, as_jpeg, filter_enlarger, reduce
from superscaling.conversion import psnr

ORIGINAL = photograph(96, 128, seed=4)


def detail(pixels: Pixels) -> float:
    """Mean difference of neighbouring pixels, in levels of Y."""
    return float(np.abs(np.diff(luma(pixels), axis=1)).mean())


def block_edges(pixels: Pixels, phase: int) -> float:
    """How much more columns differ at the borders of blocks that begin at `phase` than elsewhere."""
    differences = np.abs(np.diff(luma(pixels), axis=1)).mean(0)
    at_borders = np.arange(len(differences)) % 8 == (phase - 1) % 8
    return float(differences[at_borders].mean() / differences[~at_borders].mean())


@pytest.mark.parametrize("kind", HARD)
def test_half_as_large_and_the_same_each_time(kind: str) -> None:
    low = HARD[kind](ORIGINAL)
    assert low.shape == (48, 64, 3)
    assert low.dtype == np.uint8
    np.testing.assert_array_equal(low, HARD[kind](ORIGINAL))
    assert 15 < psnr(low, reduce(ORIGINAL, SCALE)) < 40, "worse than a mere reduction, and still the same picture"


def test_what_is_soft() -> None:
    clean = reduce(ORIGINAL, SCALE)
    for make in (soft, resized, worn):
        assert detail(make(ORIGINAL)) < 0.8 * detail(clean)


def test_noise_is_in_brightness_and_colour() -> None:
    grey = np.full((160, 160, 3), 120, np.uint8)
    assert noisy(grey).std() > 3
    planes = chroma(noisy(grey))
    assert planes.std() > 4
    assert np.abs(np.diff(planes, axis=2)).mean() < 0.5 * planes.std(), "blotches"


def test_two_grids_of_blocks() -> None:
    wide = photograph(320, 640, seed=1)
    once = as_jpeg(reduce(wide, SCALE), 50)
    both = twice(wide)
    assert block_edges(both, 0) > 1.02
    assert block_edges(both, 3) > block_edges(once, 3) + 0.02, "the first blocks begin 5 px further to the left"


def test_webp_is_not_jpeg() -> None:
    differences = [psnr(webp(ORIGINAL), as_jpeg(reduce(ORIGINAL, SCALE), quality)) for quality in (50, 75, 85, 95)]
    assert max(differences) < 40


def test_scores() -> None:
    assert restoration.score(ORIGINAL, ORIGINAL)[1:] == pytest.approx((1, 0))
    enlarged = filter_enlarger(SCALE, Image.Resampling.BICUBIC)(reduce(ORIGINAL, SCALE))
    decibels, similarity, colours = restoration.score(enlarged, ORIGINAL)
    assert 15 < decibels < 45
    assert 0.3 < similarity < 1
    tinted = np.clip(enlarged.astype(int) + np.array((0, 0, 20)), 0, 255).astype(np.uint8)
    worse = restoration.score(tinted, ORIGINAL)
    assert worse[2] > colours + 4, "blue is hardly in Y"
    assert worse[0] > decibels - 3


def test_chroma_of_known_colours() -> None:
    colours = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 0, 255]]], np.uint8)
    expected = np.asarray(Image.fromarray(colours).convert("YCbCr"), float)[..., 1:].transpose(2, 0, 1) - 128
    np.testing.assert_allclose(chroma(colours), expected, atol=1)  # Pillow rounds down
    assert chroma(ORIGINAL, 2).shape == (2, 92, 124)


# The command line


def test_a_table_and_a_sheet(tmp_path: Path) -> None:
    Image.fromarray(ORIGINAL).save(tmp_path / "one.png")
    sheet = tmp_path / "sheet.png"
    options = ("--models", "noise-cancel-plain", "--inputs", "noisy", "worn", "--sheet", sheet)
    command = [sys.executable, "-m", "evaluation.restoration", str(tmp_path), *map(str, options)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    header, bicubic, ours = (line.split("|")[1:-1] for line in result.stdout.splitlines() if line.startswith("| "))
    assert [cell.strip() for cell in header] == ["enlarged by", "noisy", "worn"]
    assert (bicubic[0].strip(), ours[0].strip()) == ("bicubic", "noise-cancel-plain")
    for one, other in zip(bicubic[1:], ours[1:], strict=True):
        (decibels, _, colours), (better, _, lower) = (map(float, cell.split("/")) for cell in (one, other))
        assert better > decibels
        assert 0 < lower < 1.1 * colours
    with Image.open(sheet) as image:
        # Original, input, bicubic, the network; one picture, two inputs.
        assert image.width == 4 * (128 * 3 + 8) - 8
        assert image.height == 2 * (96 * 3 + 2 * 28 + 8)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["missing"], "there is no folder missing"),
        (["PICTURES", "--models", "nobody"], "nobody"),
        (["PICTURES", "--sheet", "missing/sheet.png"], "there is no folder missing"),
        (["PICTURES", "--sheet", "sheet.png", "--show", "nothing"], "no test image whose name contains nothing"),
    ],
)
def test_what_cannot_be_measured(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(ORIGINAL).save(tmp_path / "one.png")
    assert restoration.main([str(tmp_path) if each == "PICTURES" else each for each in options]) == 1
    error = capsys.readouterr().err
    assert error.startswith("restoration: ")
    assert message in error
    assert error.count("\n") == 1
