"""Weights made ready for int8. Needs PyTorch."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import ROOT, photograph
from PIL import Image

from superscaling.commands.convert import samples
from superscaling.conversion import calibration_squares
from training import quantisable
from training.errors import TrainingError
from training.network import PlainNetwork
from training.quantisable import PATCH, degraded, equalise, gradient, main, pictures_of, prepare, to_tensor
from training.weight_files import load_plain, save_weights


@pytest.fixture(scope="module")
def prepared() -> tuple[Any, Any]:
    """A small network with channels of very different ranges, and what is made of it."""
    torch.manual_seed(0)
    network = PlainNetwork(layers=2, channels=8).requires_grad_(False)
    network.tail.weight.normal_(0, 0.03)
    network.head.weight.mul_(torch.logspace(0, -1, 8).view(-1, 1, 1, 1))
    chance = np.random.default_rng(0)
    pictures = [photograph(48, 48, seed) for seed in range(8)] + [gradient(chance) for _ in range(4)]
    return network, prepare(network, pictures)


def answer(network: Any) -> Any:
    return 255 * network(to_tensor([photograph(40, 60, seed=9)]))


def test_weights_are_whole_steps_of_the_largest_in_their_channel(prepared: tuple[Any, Any]) -> None:
    for layer in (*prepared[1].body, prepared[1].tail):
        kernel = layer.weight.flatten(1)
        steps = kernel / kernel.abs().amax(1, keepdim=True) * 127
        assert (steps - steps.round()).abs().max() < 1e-3
        assert len(steps.round().unique()) > 50


def test_the_answer_stays(prepared: tuple[Any, Any]) -> None:
    """And more nearly than if each weight were rounded for itself."""
    network, ready = prepared
    assert (answer(ready) - answer(network)).abs().max() < 1

    def rounded_alone() -> Any:
        alone = copy.deepcopy(network)
        equalise(alone, to_tensor([photograph(96, 96, seed) for seed in range(4)]))
        assert (answer(alone) - answer(network)).abs().max() < 0.01, "equalised, it is the same network"
        for layer in (*alone.body, alone.tail):
            step = layer.weight.abs().amax((1, 2, 3), keepdim=True) / 127
            layer.weight.copy_((layer.weight / step).round() * step)
        return alone

    losses = [float((answer(each) - answer(network)).square().mean()) for each in (ready, rounded_alone())]
    assert losses[0] < losses[1]


def test_channels_share_a_range(prepared: tuple[Any, Any]) -> None:
    """On the squares that int8 is calibrated on, each channel reaches about 1."""
    _, ready = prepared
    photographs, drawings = samples()
    pictures = to_tensor(calibration_squares([*photographs, *drawings]))
    around = torch.nn.functional.pad(pictures, (1, 1, 1, 1), "replicate")
    largest = torch.relu(ready.head(around)).amax((0, 2, 3))
    active = largest[largest > 0]
    assert float(active.max()) == pytest.approx(1, abs=1e-3)
    assert float(active.min()) == pytest.approx(1, abs=1e-3)


# The pictures


def folder_of(path: Path, *edges: int) -> Path:
    """Photographs of these sizes, and a file that is none."""
    path.mkdir()
    for seed, edge in enumerate(edges):
        Image.fromarray(photograph(edge, edge, seed)).save(path / f"{seed}.png")
    (path / "SOURCES.md").write_text("where they are from")
    return path


def test_pictures_of_all_kinds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Up to so many photographs, the same each time; other files are named and skipped."""
    folder = folder_of(tmp_path / "photographs", 96, 130, 95)
    made = [pictures_of([folder], np.random.default_rng(0), tmp_path) for _ in range(2)]
    assert {(each.shape, each.dtype) for each in made[0]} == {((PATCH, PATCH, 3), np.dtype(np.uint8))}
    assert len(made[0]) == 2 + quantisable.DRAWINGS + quantisable.GRADIENTS
    assert all(np.array_equal(one, other) for one, other in zip(*made, strict=True))
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 4
    assert any("not readable as a picture" in line and "SOURCES.md" in line for line in said)
    assert any("smaller than 96 x 96 px" in line and "2.png" in line for line in said)


def test_no_more_photographs_than_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantisable, "PHOTOGRAPHS", 1)
    folder = folder_of(tmp_path / "photographs", 96, 96)
    assert len(pictures_of([folder], np.random.default_rng(0))) == 1 + quantisable.DRAWINGS + quantisable.GRADIENTS


def test_no_photograph_that_can_be_used(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "photographs", 40)
    with pytest.raises(TrainingError, match=r"none of the 2 files .* 1 are not readable as pictures, 1 are smaller"):
        pictures_of([folder], np.random.default_rng(0))


def test_degraded_pictures() -> None:
    """About a quarter stay as they are; none is far from what it was."""
    pixels, random = photograph(PATCH, PATCH, seed=1), np.random.default_rng(0)
    errors = [np.abs(degraded(pixels, random).astype(int) - pixels).mean() for _ in range(80)]
    assert 10 < sum(error == 0 for error in errors) < 30
    assert max(errors) < 30


# The command


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    network = PlainNetwork(1, 4)
    save_weights(network, list(network.parameters()), tmp_path / "trained.npz")
    return tmp_path / "trained.npz"


def test_from_file_to_file(weights: Path, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "photographs", 120)
    output = tmp_path / "prepared.npz"
    assert main([str(weights), str(output), "--photographs", str(folder), "--fonts", str(tmp_path)]) == 0
    ready = load_plain(output)
    assert ready.dimensions == {"layers": 1, "channels": 4}
    steps = ready.body[0].weight.detach().flatten(1)
    steps = steps / steps.abs().amax(1, keepdim=True) * 127
    assert (steps - steps.round()).abs().max() < 1e-3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda given: given.update(weights="nothing.npz"), "there is no weight file nothing.npz"),
        (
            lambda given: given.update(weights=str(ROOT / "models/noise-cancel-lite/noise-cancel-lite.weights.h5")),
            "noise-cancel-lite.weights.h5 holds no plain x2 network",
        ),
        (lambda given: given.update(output="OUT"), "OUT: the name of a plain network's weight file ends in .npz"),
        (lambda given: given.update(output="nothing/OUT.npz"), "can't write into nothing: No such file"),
        (lambda given: given.update(output="/proc/OUT.npz"), "can't write into /proc: "),
        (lambda given: given.update(photographs="nothing"), "there is no folder nothing"),
    ],
)
def test_what_is_refused(
    change: Callable[[dict[str, str]], None],
    message: str,
    weights: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = {"weights": str(weights), "output": str(tmp_path / "OUT.npz"), "photographs": str(tmp_path)}
    change(given)
    assert main([given["weights"], given["output"], "--photographs", given["photographs"]]) == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("quantisable: ")
    assert message in said
