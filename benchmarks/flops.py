"""Floating-point operations (FLOP) of a network.

A multiply-add counts as two operations, as in the peak figures of processors. Only convolutions count: biases, ReLUs
and additions are below 1 %.
"""

from collections.abc import Iterator

from superscaling.models import Architecture

COLOURS = 3
UPN1_CHANNELS, UPN2_CHANNELS = 64, 32  # ISR's choice


def flop_per_pixel(architecture: Architecture) -> int:
    """FLOP per input pixel."""
    return 2 * sum(kernel**2 * reads * makes * places for kernel, reads, makes, places in _convolutions(architecture))


def _convolutions(architecture: Architecture) -> Iterator[tuple[int, int, int, int]]:
    """Kernel edge, input channels, output channels and applications per input pixel of each convolution."""
    c, d, g, g0 = architecture.c, architecture.d, architecture.g, architecture.g0
    parts = architecture.scale**2
    yield 3, COLOURS, g0, 1  # F_m1
    yield 3, g0, g0, 1  # F_0
    for _ in range(d):
        for step in range(c):
            yield 3, g0 + step * g, g, 1
        yield 1, g0 + c * g, g0, 1  # LFF
    yield 1, d * g0, g0, 1  # GFF_1
    yield 3, g0, g0, 1  # GFF_2
    yield 5, g0, UPN1_CHANNELS, 1
    yield 3, UPN1_CHANNELS, UPN2_CHANNELS, 1
    yield 3, UPN2_CHANNELS, COLOURS * parts, 1  # UPN3
    # SR: pixel shuffle has moved channels to pixels; `ups` has repeated pixels and kept the channels.
    yield 3, COLOURS if architecture.upscaling == "shuffle" else COLOURS * parts, COLOURS, parts
