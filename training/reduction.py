"""Pillow's antialiased reductions by 2, as matrices on the device."""

import math

import torch
from torch import Tensor

SCALE = 2  # of the reduction, and so of the networks that undo it
REDUCTION_MARGIN = 5  # px of sharp picture that the widest filter (Lanczos 3) needs on each side
TAPS = 12  # px that it sees


def bicubic(distance: float) -> float:
    """The bicubic kernel with a = -0.5 (Keys 1981), as Pillow has it."""
    x = abs(distance)
    if x < 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def lanczos(distance: float) -> float:
    """The sinc function, windowed by its own first three lobes."""
    if distance == 0:
        return 1.0
    x = math.pi * distance
    return 3 * math.sin(x) * math.sin(x / 3) / x**2 if abs(distance) < 3 else 0.0


def box(distance: float) -> float:
    """The mean of the pixels."""
    return 1.0 if abs(distance) <= 0.5 else 0.0


def bilinear(distance: float) -> float:
    """A triangle."""
    return max(0.0, 1 - abs(distance))


FILTERS = (bicubic, lanczos, box, bilinear)


def reduction_bank(edge: int) -> Tensor:
    """(4, (edge - 2 * REDUCTION_MARGIN) / 2, edge): a matrix for each of `FILTERS`; its rows have the sum 1."""
    count = (edge - 2 * REDUCTION_MARGIN) // SCALE
    bank = torch.zeros(len(FILTERS), count, edge)
    for number, kernel in enumerate(FILTERS):
        taps = torch.tensor([kernel((tap - (TAPS - 1) / 2) / SCALE) for tap in range(TAPS)])
        for row in range(count):
            bank[number, row, SCALE * row : SCALE * row + TAPS] = taps / taps.sum()
    return bank
