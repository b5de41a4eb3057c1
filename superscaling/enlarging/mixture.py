"""A model's results mixed with those of its milder sibling: what requests call strength."""

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from superscaling.engines import EngineFacts, Pixels
from superscaling.enlarging.upscaler import TiledUpscaler, Upscaler
from superscaling.geometry import Cost
from superscaling.scheduling import Deadline, Timings


class Mixture(TiledUpscaler):
    """Enlarges by a model and its milder sibling, and mixes their results linearly, in levels, before corrections.

    Each network takes its own turns, and keeps its own speed and trust. One whose share is 0 is not run, so the ends
    are exactly what one network gives.

    Args:
        model, milder: of the same factor.
        strength: share of `model`, 0 to 1.
    """

    def __init__(self, model: Upscaler, milder: Upscaler, strength: float) -> None:
        self._shares = [(upscaler, share) for upscaler, share in ((model, strength), (milder, 1 - strength)) if share]
        parts = [upscaler for upscaler, _ in self._shares]
        facts = _facts(model.facts.model, parts, strength)
        super().__init__(facts, facts.tile_edge(min(part.tile for part in parts)))

    def infer(self, pixels: Pixels, deadline: Deadline, timings: Timings) -> NDArray[np.float32]:
        """Infer a tile with each network in turn."""
        (first, share), *others = self._shares
        levels = first.infer(pixels, deadline, timings)
        if others:
            levels *= np.float32(share)
        for upscaler, share in others:
            other = upscaler.infer(pixels, deadline, timings)
            other *= np.float32(share)
            levels += other
        return levels

    def check(self, deadline: Deadline, timings: Timings) -> None:
        """Make sure that all networks can be trusted."""
        for upscaler, _ in self._shares:
            upscaler.check(deadline, timings)

    def seconds_for(self, cost: Cost) -> float:
        """Estimated seconds of inference of all networks."""
        return sum(upscaler.seconds_for(cost) for upscaler, _ in self._shares)

    def turns_for(self, area: float) -> int:
        """How many turns all networks together take for a tile of so many px."""
        return sum(upscaler.turns_for(area) for upscaler, _ in self._shares)

    def measure_speed(self, deadline: Deadline, max_age: float = 0.0) -> None:
        """Measure the speed of each network anew."""
        for upscaler, _ in self._shares:
            upscaler.measure_speed(deadline, max_age)


def _facts(name: str, parts: list[Upscaler], strength: float) -> EngineFacts:
    """Under the model's name: what suits all networks, and the kind of the strongest that takes part."""
    facts = [part.facts for part in parts]
    return dataclasses.replace(
        facts[0],
        model=name,
        precision="+".join(dict.fromkeys(each.precision for each in facts)),
        halo=max(each.halo for each in facts),
        multiple=math.lcm(*(each.multiple for each in facts)),
        work=max(each.work for each in facts),
        least=max(each.least for each in facts),
        strength=strength,
    )
