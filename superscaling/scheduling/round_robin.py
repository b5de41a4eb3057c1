"""What it means that pictures take turns, a tile each time, however large it is: who is done when.

A picture with `t` turns left is done once each of those at work has had as many, or all that it has left: after the sum
of `min(t, turns) * seconds` over all, itself included. That is exact for who comes last in each round, and at most one
round too much for the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class RemainingWork:
    """What a picture means for the others.

    `turns` left of so many `seconds` each, seconds `until` its deadline, and its pixels.
    """

    turns: int
    seconds: float
    until: float
    pixels: int


def seconds_until(turns: int, remaining: Sequence[RemainingWork]) -> float:
    """Seconds until each of these has had so many turns, or all that it has left."""
    return sum(min(turns, each.turns) * each.seconds for each in remaining)


def seconds_until_one_ends(remaining: Sequence[RemainingWork]) -> float:
    """Seconds until the first of these is done; 0 where there is none.

    Those with the fewest turns left end in the same round, and are taken to be spread evenly over it.
    """
    if not remaining:
        return 0.0
    turns = [each.turns for each in remaining]
    rounds = max(0.0, min(turns) - 1 + 1 / turns.count(min(turns)))
    return rounds * sum(each.seconds for each in remaining)


def after(count: int, remaining: Sequence[RemainingWork]) -> Sequence[RemainingWork]:
    """What is left of loads, the first to be done first, once so many of them are done."""
    if count == 0:
        return remaining
    turns = remaining[count - 1].turns
    seconds = seconds_until(turns, remaining)
    return [
        RemainingWork(each.turns - turns, each.seconds, each.until - seconds, each.pixels) for each in remaining[count:]
    ]


def is_in_time(newcomer: RemainingWork, others: Sequence[RemainingWork]) -> bool:
    """Whether the newcomer meets its deadline beside the others, and none of them misses one because of it."""
    together = [*others, newcomer]
    turns, seconds, until = np.array([(each.turns, each.seconds, each.until) for each in together]).T
    ends = np.minimum.outer(turns, turns) @ seconds
    without = ends - np.minimum(turns, newcomer.turns) * newcomer.seconds
    # Who is late anyway is no reason to refuse others.
    made_late = (ends > until) & (without <= until)
    return not made_late[:-1].any() and bool(ends[-1] <= until[-1])
