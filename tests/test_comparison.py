"""The measurements of sizes and of models against each other, through requests."""

import contextlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import photograph
from PIL import Image

from evaluation import compare, perceptual, sizes, torch_environment
from evaluation.errors import MeasurementError
from evaluation.perceptual import Perceptual, perceptual_measures
from evaluation.pictures import Pair, read_reduced, reduce
from evaluation.service import running

DEFAULT = "noise-cancel-plain"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A set of one picture."""
    Image.fromarray(photograph(101, 122, seed=3)).save(tmp_path / "one.png")
    return tmp_path


def rows(printed: str) -> list[dict[str, list[str]]]:
    """The tables: the head (as the row ""), and each row's cells by its first one."""
    tables = []
    for block in printed.split("\n\n"):
        if block.startswith("|"):
            head, _, *lines = ([cell.strip() for cell in line.split("|")[1:-1]] for line in block.splitlines())
            tables.append({"": head[1:]} | {name: cells for name, *cells in lines})
    return tables


def test_originals_are_reduced_by_any_factor(tmp_path: Path) -> None:
    """Of a set of pairs, the large ones are the originals."""
    for name, height, width in (("a_HR.png", 61, 92), ("a_LR.png", 30, 46)):
        Image.fromarray(photograph(height, width)).save(tmp_path / name)
    (pair,) = read_reduced(tmp_path, 3)
    assert isinstance(pair, Pair)
    np.testing.assert_array_equal(pair.high, photograph(61, 92)[:60, :90])
    np.testing.assert_array_equal(pair.low, reduce(pair.high, 3))


def test_the_figures_of_sizes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sizes.main([str(folder)]) == 0, capsys.readouterr().err
    enlarged, cleaned = rows(capsys.readouterr().out)
    assert enlarged[""] == ["x3", "x4"]
    for place in (0, 1):
        bicubic, ours = (float(enlarged[name][place]) for name in ("bicubic", DEFAULT))
        assert bicubic < float(enlarged["Lanczos"][place]) < ours - 0.2
    assert [*cleaned] == ["", "75", "50", "30"]
    for jpeg, answer, gain, least in ([float(cell) for cell in cleaned[quality]] for quality in ("75", "50", "30")):
        assert gain == pytest.approx(answer - jpeg, abs=0.011)
        assert least == pytest.approx(gain, abs=0.011), "there is only one picture"


@pytest.mark.parametrize(
    ("two_passes", "cleaned", "said"),
    [
        (2.0, 1.0, ""),
        (1.99, 1.2, "sizes: Set5: x4 over bicubic gains 1.99 dB, and should at least 2\n"),
        (2.8, 0.5, "sizes: Set5: scale=1 over JPEG 50 gains 0.50 dB, and should at least 1\n"),
        (2.8, float("nan"), "sizes: Set5: scale=1 over JPEG 50 gains nan dB, and should at least 1\n"),
    ],
)
def test_the_default_must_gain_enough_on_set5(
    two_passes: float,
    cleaned: float,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """No other model, and on no other set."""
    monkeypatch.setattr(sizes, "_enlarged", lambda folder, service: two_passes)
    monkeypatch.setattr(sizes, "_cleaned", lambda folder, service, model: cleaned)
    monkeypatch.setattr(sizes, "running", lambda models: contextlib.nullcontext(SimpleNamespace(models=models)))
    for name, models, expected in (
        ("Set5", [DEFAULT], said),
        ("Set5", ["noise-cancel-small", DEFAULT], ""),
        ("Set6", [DEFAULT], ""),
    ):
        (tmp_path / name).mkdir(exist_ok=True)
        Image.fromarray(photograph(60, 60)).save(tmp_path / name / "one.png")
        assert sizes.main([str(tmp_path / name), "--models", *models]) == (1 if expected else 0)
        assert capsys.readouterr().err == expected


def test_a_flat_picture_takes_no_inference() -> None:
    with running([DEFAULT]) as service:
        enlarged, seconds = service.enlarge(np.full((9, 9, 3), 200, np.uint8), DEFAULT, scale="3")
    assert enlarged.shape == (27, 27, 3)
    assert seconds == 0


def test_models_are_compared(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """All columns, with a measure that needs no other environment."""

    @contextlib.contextmanager
    def measures(threads: int) -> Iterator[Perceptual]:
        assert threads > 0
        yield Perceptual(("largest",), lambda one, other: [float(np.abs(one.astype(int) - other).max())])

    monkeypatch.setattr(compare, "perceptual_measures", measures)
    arguments = [str(folder), "--scale", "2", "--models", DEFAULT, "noise-cancel-small"]
    assert compare.main(arguments) == 0, capsys.readouterr().err
    printed = capsys.readouterr().out
    assert re.match(rf".*, \d+ threads: {DEFAULT} openvino \w+, noise-cancel-small openvino \w+\n", printed)
    (table,) = rows(printed)
    inputs = ["clean", "JPEG 75", "JPEG 50", "JPEG 30"]
    assert table[""] == [*inputs, "consistency", "largest, clean", "largest, JPEG 50", "s/MP"]
    assert [*table][1:] == ["bicubic", "Lanczos", DEFAULT, "noise-cancel-small"]
    bicubic, ours = ([float(cell) for cell in table[name][:-1]] for name in ("bicubic", DEFAULT))
    assert bicubic[0] > bicubic[1] > bicubic[2] > bicubic[3]
    assert ours[0] > bicubic[0] + 0.2
    assert 0 < ours[5] < 256
    assert table["bicubic"][-1] == "-"
    assert 0 < float(table[DEFAULT][-1]) < float(table["noise-cancel-small"][-1])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none"], "sizes: there is no folder none"),
        (["."], "sizes: there is no picture in "),
        (["--models", "best"], "sizes: UPSCALER_MODEL='best': unknown"),
    ],
)
def test_what_is_refused(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    if "--models" in arguments:
        Image.fromarray(photograph(60, 60)).save(tmp_path / "one.png")
        arguments = [str(tmp_path), *arguments]
    assert sizes.main(arguments) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert re.match(said, line), line


def test_a_picture_that_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the model and the service's reason."""
    monkeypatch.setenv("UPSCALER_MAX_PIXELS", "1000")
    Image.fromarray(photograph(200, 200)).save(tmp_path / "one.png")
    with pytest.raises(MeasurementError, match=f"{DEFAULT}: .*1000"):
        sizes.measure([tmp_path], [DEFAULT])


def test_without_the_other_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch_environment, "PYTHON", folder / "none")
    assert compare.main([str(folder)]) == 1
    assert capsys.readouterr().err == "compare: .venv-bench is missing: run `make compare`, which creates it\n"


def test_a_process_that_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """This environment has neither PyTorch nor the measures."""
    for module in (torch_environment, perceptual):
        monkeypatch.setattr(module, "PYTHON", Path(sys.executable))
    with pytest.raises(MeasurementError, match="the process of the perceptual measures ended"), perceptual_measures(1):
        raise AssertionError
