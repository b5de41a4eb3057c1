"""A training from its first step to the end of its schedule, and the checkpoints that it goes on from."""

import math
import pickle
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from training.errors import TrainingError
from training.files import replacing
from training.optimiser import Optimiser
from training.stepping import Training
from training.weight_files import Network, file_name, save_weights

CHECKPOINT = "checkpoint.pt"
SYNCHRONISED = 20  # steps after which the clock waits for the device: otherwise it would time the queue, not the work
SECONDS_BETWEEN_LINES = 30  # each with the weights, and a checkpoint


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


def run(
    training: Training, schedule: Schedule, sizes: list[int], folder: Path, options: Mapping[str, Any] | None = None
) -> None:
    """Train to the end of the schedule; print a line and save every 30 seconds and at the end.

    Args:
        training: at its start, or resumed.
        schedule: of the training.
        sizes: patches in a batch, by phase.
        folder: where the averaged weights go, and the checkpoint.
        options: for the checkpoint; None: none is written.
    """
    before, began = training.seconds, time.monotonic()
    shown, shown_at, patches = training.steps, began, 0
    while (done := schedule.done(training.steps, training.seconds)) < 1:
        phase = schedule.phase_at(done)
        training.step(schedule.rate_at(training.steps, done), phase)
        patches += sizes[phase]
        if training.steps % SYNCHRONISED == 0:
            training.wait()
        now = time.monotonic()
        training.seconds = before + now - began
        done = schedule.done(training.steps, training.seconds)
        if now - shown_at >= SECONDS_BETWEEN_LINES or done >= 1:
            said = training.report(training.steps - shown)  # waits for the device
            now = time.monotonic()
            speed = patches / (now - shown_at)
            print(f"{training.steps:,} steps, {min(done, 1):.0%}: {said}, {speed:,.0f} patches/s", flush=True)
            save_weights(training.network, training.optimiser.average, folder / file_name(training.network))
            if options is not None:
                save_checkpoint(folder, training, options)
            shown, shown_at, patches = training.steps, now, 0


def save_checkpoint(folder: Path, training: Training, options: Mapping[str, Any]) -> None:
    """Write `checkpoint.pt`: dimensions, tensors, steps and seconds of a training, and its options for a reader."""
    tensors = {name: [each.cpu() for each in kept] for name, kept in training.optimiser.state().items()}
    state = {
        "dimensions": training.network.dimensions,
        "tensors": tensors,
        "steps": training.steps,
        "seconds": training.seconds,
        "options": {name: str(value) for name, value in options.items()},
    }
    with replacing(folder / CHECKPOINT) as part:
        torch.save(state, part)


def read_checkpoint(folder: Path, network: Network) -> dict[str, Any]:
    """Read what `save_checkpoint` wrote of a training of `network`, for `resume`.

    Raises:
        TrainingError: there is no checkpoint, it is damaged, or it is of another network.
    """
    path = folder / CHECKPOINT
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        if state["dimensions"] != network.dimensions:
            raise TrainingError(f"{path} is of a network of {state['dimensions']}, not {network.dimensions}")
        for name, own in Optimiser(network).state().items():
            if [each.shape for each in own] != [each.shape for each in state["tensors"][name]]:
                raise ValueError(f"tensors of other shapes in {name}")
        return {**state, "steps": int(state["steps"]), "seconds": float(state["seconds"])}
    except FileNotFoundError:
        raise TrainingError(f"there is no checkpoint {path} to resume from") from None
    except (
        OSError,
        EOFError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RuntimeError,
        pickle.UnpicklingError,
    ) as exc:
        reason = (str(exc).strip().splitlines() or [type(exc).__name__])[0]
        raise TrainingError(f"{path} is not a checkpoint, or is damaged ({reason[:100]})") from exc


def resume(training: Training, state: Mapping[str, Any]) -> None:
    """Go on from a checkpoint, in place: a recorded graph keeps its tensors."""
    for name, own in training.optimiser.state().items():
        for each, kept in zip(own, state["tensors"][name], strict=True):
            each.copy_(kept)
    training.steps, training.seconds = state["steps"], state["seconds"]
