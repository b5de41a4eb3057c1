"""The acceptance test of int8, with engines that have known faults."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from conftest import photograph
from numpy.typing import NDArray

from superscaling.conversion import gradients, measure_acceptance
from superscaling.conversion.quantisation_loss import BORDER, reduce
from superscaling.engines import EngineFacts
from superscaling.models import Acceptance
from superscaling.models.acceptance import BAND_LIMIT, LOSS_LIMIT, PIXEL_LIMIT


@dataclass
class Faulty:
    """Repeats pixels, rounds to multiples of `step` levels, and alternately adds and subtracts `texture` levels."""

    step: float = 0
    texture: float = 0
    facts: EngineFacts = field(default_factory=lambda: EngineFacts("repeat", "fake", "fp32", 1, 2, 1))

    def infer(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        enlarged = batch.repeat(2, axis=1).repeat(2, axis=2)
        if self.step:
            enlarged = np.rint(enlarged * 255 / self.step) * self.step / 255
        signs = 1 - 2 * (np.indices(enlarged.shape[1:3]).sum(axis=0) % 2)
        return np.asarray(enlarged + signs[:, :, np.newaxis] * self.texture / 255, np.float32)


ORIGINAL = photograph(96, 120)


def test_an_equal_network_loses_nothing() -> None:
    assert measure_acceptance(Faulty(), Faulty(), [ORIGINAL]) == Acceptance(0, 0, 0)


@pytest.mark.parametrize(("step", "passed"), [(2, True), (12, False)])
def test_bands_are_seen(step: int, passed: bool) -> None:
    acceptance = measure_acceptance(Faulty(), Faulty(step), [ORIGINAL])
    assert step / 6 <= acceptance.bands <= acceptance.pixels <= step / 2 + 0.01
    assert acceptance.passed is passed


def test_texture_is_seen() -> None:
    """Areas are right on average, but every pixel is off."""
    acceptance = measure_acceptance(Faulty(), Faulty(texture=4), [ORIGINAL])
    assert acceptance.bands < 0.01
    assert acceptance.pixels == pytest.approx(4, abs=0.01)


def test_a_loss_is_measured_against_the_original() -> None:
    assert measure_acceptance(Faulty(), Faulty(60), [ORIGINAL]).loss > 1


def test_a_gain_is_told_as_no_loss() -> None:
    assert str(Acceptance(-0.08, 4.1, 5.3)).startswith(
        "0.00 dB below fp32 (0.1 allowed) and on gradients 4.1 levels off"
    )


def test_what_is_no_picture_is_told_without_a_number() -> None:
    assert (
        str(Acceptance(12.3, 654.9, 700))
        == "12.30 dB below fp32 (0.1 allowed) and far off on gradients (1.5 levels allowed)"
    )


def test_limits() -> None:
    assert Acceptance(LOSS_LIMIT, BAND_LIMIT, PIXEL_LIMIT).passed
    assert not Acceptance(LOSS_LIMIT + 0.001, 0, 0).passed
    assert not Acceptance(0, BAND_LIMIT + 0.001, 0).passed
    assert not Acceptance(0, 0, PIXEL_LIMIT + 0.001).passed


def test_gradients_are_smooth_and_the_border_is_small() -> None:
    for picture in gradients().values():
        assert picture.std() > 0.5
        assert np.abs(np.diff(picture.astype(int), axis=1)).max() <= 1
        assert min(picture.shape[:2]) > 4 * BORDER


def test_reduce() -> None:
    pixels = np.array([[[0], [10], [1], [1]], [[10], [20], [1], [3]]], np.uint8).repeat(3, axis=2)
    np.testing.assert_array_equal(reduce(pixels, 2)[0, :, 0], [10, 2])
