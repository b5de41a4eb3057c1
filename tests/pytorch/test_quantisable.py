"""Weights made ready for int8. Needs PyTorch."""

import copy
from typing import Any

import numpy as np
import pytest
import torch
from conftest import photograph

from superscaling.commands.convert import samples
from superscaling.conversion import calibration_squares
from training.network import PlainNetwork
from training.quantisable import equalise, gradient, prepare, to_tensor


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
