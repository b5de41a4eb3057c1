"""Pillow's antialiased reductions by 2, as matrices on the device."""

import torch
from torch import Tensor

from training.files import SCALE

REDUCTION_MARGIN = 5  # px of sharp picture that the widest filter (Lanczos 3) needs on each side
TAPS = 12  # px that it sees


def bicubic(distance: Tensor) -> Tensor:
    """The bicubic kernel with a = -0.5 (Keys 1981), as Pillow has it."""
    x = distance.abs()
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return torch.where(x < 1, near, torch.where(x < 2, far, 0))


def lanczos(distance: Tensor) -> Tensor:
    """The sinc function, windowed by its own first three lobes."""
    return torch.where(distance.abs() < 3, torch.sinc(distance) * torch.sinc(distance / 3), 0)


def box(distance: Tensor) -> Tensor:
    """The mean of the pixels."""
    return (distance.abs() <= 0.5).to(distance.dtype)


def bilinear(distance: Tensor) -> Tensor:
    """A triangle."""
    return (1 - distance.abs()).clamp(min=0)


FILTERS = (bicubic, lanczos, box, bilinear)


def reduction_bank(edge: int) -> Tensor:
    """(4, (edge - 2 * REDUCTION_MARGIN) / 2, edge): a matrix for each of `FILTERS`; its rows have the sum 1."""
    count = (edge - 2 * REDUCTION_MARGIN) // SCALE
    bank = torch.zeros(len(FILTERS), count, edge)
    for number, kernel in enumerate(FILTERS):
        taps = kernel((torch.arange(TAPS) - (TAPS - 1) / 2) / SCALE)
        for row in range(count):
            bank[number, row, SCALE * row : SCALE * row + TAPS] = taps / taps.sum()
    return bank
