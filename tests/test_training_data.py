"""What a training needs no PyTorch for: photographs, drawings, ISR's weight files. The rest is in `tests/pytorch`."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import FIXTURES, ROOT, photograph
from PIL import Image

from evaluation.errors import MeasurementError
from evaluation.isr_weights import read_isr, write_isr
from superscaling.models import TABLE, Architecture, read_model_files
from training.drawings import draw, load_drawings
from training.errors import TrainingError
from training.photographs import load_photographs

LITE = ROOT / "models" / "noise-cancel-lite" / "noise-cancel-lite.weights.h5"
LEGACY = FIXTURES / "legacy-C2-D2-G16-G016-x2.hdf5"

# Photographs


def test_cells(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    Image.fromarray(photograph(200, 300)).save(tmp_path / "below" / "one.png")
    Image.fromarray(photograph(99, 99)).convert("L").save(tmp_path / "gray.jpg")
    Image.new("RGB", (300, 200), "blue").save(tmp_path / "sky.png")
    cells = load_photographs([tmp_path], 64, seed=0)
    assert cells.dtype == np.uint8
    assert cells.shape[1:] == (3, 64, 64)
    np.testing.assert_array_equal(cells, load_photographs([tmp_path], 64, seed=0))
    blue = [cell for cell in cells if (cell == np.array([[[0]], [[0]], [[255]]])).all()]
    assert 0 < len(blue) < len(cells), "colours keep their order, and flat cells stay"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (None, "there is no folder"),
        ({}, "there is no file in"),
        ({"a.jpg": b"no picture"}, "1 are not readable as pictures$"),
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
        load_photographs([folder], 192, seed=0)
    assert "\n" not in str(error.value)


def test_what_cannot_be_used_is_named_and_skipped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(photograph(200, 300)).save(tmp_path / "good.png")
    whole = (tmp_path / "good.png").read_bytes()
    (tmp_path / "cut-off.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "notes.txt").write_text("about the pictures")
    Image.new("RGB", (60, 200)).save(tmp_path / "narrow.png")
    assert len(load_photographs([tmp_path], 192, seed=0)) == 1
    said = capsys.readouterr().err
    assert all(name in said for name in ("cut-off.png", "notes.txt", "narrow.png")), said
    assert "good.png" not in said


# Drawings


def test_drawings() -> None:
    drawings = [draw(64, np.random.default_rng(seed)) for seed in range(60)]
    assert {(each.shape, each.dtype.name) for each in drawings} == {((64, 64, 3), "uint8")}
    flat_borders = sum(int(np.ptp(each[0].astype(int), axis=0).max() == 0) for each in drawings)
    assert flat_borders > 10, "flat areas have to reach the border"
    assert len({each.tobytes() for each in drawings}) > 50
    together = load_drawings(20, 64, seed=5)
    np.testing.assert_array_equal(together[2].transpose(1, 2, 0), drawings[7])


def test_drawings_without_fonts(tmp_path: Path) -> None:
    assert load_drawings(8, 48, seed=0, fonts=tmp_path / "nothing").shape == (8, 3, 48, 48)


# ISR's weight files


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_isr_loads_what_is_written(tmp_path: Path) -> None:
    from superscaling.engines.tensorflow import load_isr

    architecture, layers = read_isr(LITE)
    assert architecture == TABLE["noise-cancel-lite"].architecture
    write_isr(tmp_path / "again.weights.h5", layers)
    isr = load_isr(architecture, tmp_path / "again.weights.h5")
    answer = read_model_files(LITE.parent).known_answer("fp32")
    enlarged = np.asarray(isr.model(answer.pixels[np.newaxis] / np.float32(255)))[0] * 255
    np.testing.assert_allclose(enlarged, answer.expected, atol=0.01)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("upscaling", ["shuffle", "ups"])
def test_layers_are_read_in_isr_s_order(upscaling: str, tmp_path: Path) -> None:
    """Eleven blocks: numbers of two digits must not change the order."""
    from superscaling.engines.tensorflow import build_isr

    architecture = Architecture(c=2, d=11, g=8, g0=8, scale=2, upscaling=upscaling)
    isr = build_isr(architecture)
    isr.model.save_weights(tmp_path / "eleven.weights.h5")
    found, layers = read_isr(tmp_path / "eleven.weights.h5")
    assert found == architecture
    for read, own in zip((each for pair in layers for each in pair), isr.model.get_weights(), strict=True):
        np.testing.assert_array_equal(read, own)


def test_keras_2_s_layout(tmp_path: Path) -> None:
    """Rewritten in the new layout, it holds the same."""
    architecture, layers = read_isr(LEGACY)
    assert architecture == Architecture(2, 2, 16, 16, 2, "ups")
    write_isr(tmp_path / "again.weights.h5", layers)
    again, same = read_isr(tmp_path / "again.weights.h5")
    assert again == architecture
    for one, other in zip(layers, same, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (ROOT / "nothing.weights.h5", "there is no weight file"),
        (ROOT / "README.md", "README.md is no weight file of a residual dense network"),
    ],
)
def test_weight_files_that_are_refused(path: Path, message: str) -> None:
    with pytest.raises(MeasurementError, match=message):
        read_isr(path)
