"""An engine without a network, with the interface of the real ones."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from superscaling.engines import EngineFacts, Pixels
from superscaling.enlarging import LoadedModel, LoadedModels, PictureUpscaler, Upscaler, write_levels
from superscaling.geometry import Cost
from superscaling.models import Kind, KnownAnswer
from superscaling.scheduling import Deadline, FairLock, Timings

PIXELS = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)


class RepeatingEngine:
    """Repeats every pixel. `before` is called with each batch, and may raise or return another result."""

    facts = EngineFacts(model="repeat", engine="fake", precision="fp32", threads=1, scale=2, halo=1)

    def __init__(
        self,
        before: Callable[[NDArray[np.float32]], NDArray[np.float32] | None],
        scale: int = 2,
        kind: Kind = Kind.FAITHFUL,
    ) -> None:
        self._before = before
        self.facts = replace(self.facts, scale=scale, kind=kind)

    def infer(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        answer = self._before(batch)
        scale = self.facts.scale
        return batch.repeat(scale, axis=1).repeat(scale, axis=2) if answer is None else answer


def upscaler_with(
    before: Callable[[NDArray[np.float32]], NDArray[np.float32] | None] = lambda _: None,
    tile: int = 16,
    views: int = 1,
    scale: int = 2,
    kind: Kind = Kind.FAITHFUL,
) -> Upscaler:
    known = PIXELS.repeat(scale, axis=0).repeat(scale, axis=1).astype(np.float32)
    return Upscaler(RepeatingEngine(before, scale, kind), FairLock(), tile, KnownAnswer(PIXELS, known, 0.01), views)


def models_with(upscaler: Upscaler) -> LoadedModels:
    """One model that is loaded."""
    return LoadedModels([LoadedModel(upscaler, PictureUpscaler(upscaler), "0" * 64, "none", memory=0)])


class SetPace:
    """A network of a set speed. `measure` is called instead of a measurement."""

    def __init__(
        self,
        seconds_for: Callable[[Cost], float],
        measure: Callable[[Deadline, float], None] = lambda deadline, max_age: None,
    ) -> None:
        self._seconds_for = seconds_for
        self._measure = measure

    def seconds_for(self, cost: Cost) -> float:
        return self._seconds_for(cost)

    def measure_speed(self, deadline: Deadline, max_age: float = 0.0) -> None:
        self._measure(deadline, max_age)


def noise(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """A coloured picture (height, width, 3) without a smooth, a grey or a flat place: the upscaler corrects nothing."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def round_levels(levels: NDArray[np.float32], dtype: type[np.uint8 | np.uint16]) -> Pixels:
    """As the upscaler writes them."""
    rounded = np.empty(levels.shape, dtype)
    write_levels(levels.copy(), rounded)
    return rounded


def patience(seconds: float = 60) -> tuple[Deadline, Timings]:
    """What a request brings along: so many seconds, and nothing done yet."""
    return Deadline(seconds, "timeout"), Timings()


def places(lock: FairLock) -> int:
    """How many requests and jobs hold a place: those that wait for a turn, and the one that has it."""
    return len(lock._requests) + len(lock._background) + (lock._holder is not None)
