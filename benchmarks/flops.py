"""How much arithmetic the networks are.

A multiplication and the addition that follows it are two floating-point operations (FLOP), as processors' peaks are
counted. Convolutions count, and nothing else: biases, ReLUs and sums are under 1 %.
"""

from collections.abc import Iterator

from superscaling.models import Architecture

COLOURS = 3
UPN1_CHANNELS, UPN2_CHANNELS = 64, 32  # ISR's choice


def flop_per_pixel(architecture: Architecture) -> int:
    """FLOP for one pixel of the input."""
    return 2 * sum(kernel**2 * reads * makes * places for kernel, reads, makes, places in _convolutions(architecture))


def _convolutions(architecture: Architecture) -> Iterator[tuple[int, int, int, int]]:
    """Edge of the kernel, channels that it reads and makes, and places per input pixel where it does so."""
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
    # SR: pixel shuffle has turned the channels into places, `ups` has repeated them.
    yield 3, COLOURS if architecture.upscaling == "shuffle" else COLOURS * parts, COLOURS, parts
