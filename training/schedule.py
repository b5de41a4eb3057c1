"""How long a training takes, and the learning rate over that time."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """`minutes` of training, without loading and compilation, or else `steps`.

    `rate`: the learning rate after `warm` steps of warm-up; `end`: the share of the time that is the last phase.
    """

    minutes: float | None
    steps: int | None
    rate: float
    warm: int
    end: float = 0.0

    def done(self, steps: int, seconds: float) -> float:
        """The share of the training that is done; 1 or more at its end."""
        return seconds / 60 / self.minutes if self.minutes else steps / (self.steps or 1)

    def rate_at(self, steps: int, done: float) -> float:
        """Linear warm-up, then a cosine to 0."""
        return self.rate * min(1, (steps + 1) / self.warm) * 0.5 * (1 + math.cos(math.pi * done))

    def phase_at(self, done: float) -> int:
        """0, or 1 in the last phase."""
        return int(done >= 1 - self.end)
