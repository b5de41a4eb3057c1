"""When pictures that take turns will be done.

A picture with t turns left is done once every picture in progress has had t turns, or all that it has left: after the
sum of `min(t, turns) * seconds` over all of them, itself included. This is exact for the last one in each round and at
most one round too much for the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class RemainingWork:
    """What is left of one picture.

    `turns` left; `seconds` of each turn; `until`: seconds to its deadline; `pixels`: weighted by memory.
    """

    turns: int
    seconds: float
    until: float
    pixels: int


def seconds_until(turns: int, remaining: Sequence[RemainingWork]) -> float:
    """Seconds until each picture has had so many turns, or all that it has left."""
    return sum(min(turns, each.turns) * each.seconds for each in remaining)


def seconds_until_one_ends(remaining: Sequence[RemainingWork]) -> float:
    """Seconds until the first picture is done; 0 if there is none.

    Pictures with the fewest turns end in the same round; they are assumed to be spread evenly over it.
    """
    if not remaining:
        return 0.0
    turns = [each.turns for each in remaining]
    rounds = max(0.0, min(turns) - 1 + 1 / turns.count(min(turns)))
    return rounds * sum(each.seconds for each in remaining)


def after(count: int, remaining: Sequence[RemainingWork]) -> Sequence[RemainingWork]:
    """What is left once the first `count` pictures are done. `remaining` is sorted by turns."""
    if count == 0:
        return remaining
    turns = remaining[count - 1].turns
    seconds = seconds_until(turns, remaining)
    return [
        RemainingWork(each.turns - turns, each.seconds, each.until - seconds, each.pixels) for each in remaining[count:]
    ]


def is_in_time(newcomer: RemainingWork, others: Sequence[RemainingWork]) -> bool:
    """Whether the newcomer meets its deadline, and no other picture misses its own because of it."""
    together = [*others, newcomer]
    turns, seconds, until = np.array([(each.turns, each.seconds, each.until) for each in together]).T
    ends = np.minimum.outer(turns, turns) @ seconds
    without = ends - np.minimum(turns, newcomer.turns) * newcomer.seconds
    # A picture that is late anyway is no reason to reject another.
    made_late = (ends > until) & (without <= until)
    return not made_late[:-1].any() and bool(ends[-1] <= until[-1])
