"""Checkpoints of a training, replaced atomically."""

import os
import pickle
from pathlib import Path
from typing import Any

import torch

from training.errors import TrainingError
from training.stepping import Training

CHECKPOINT = "checkpoint.pt"


def save_checkpoint(folder: Path, training: Training, options: dict[str, Any]) -> None:
    """Write `checkpoint.pt`: dimensions, tensors, steps and seconds of a training, and its options for a reader."""
    tensors = {name: [each.cpu() for each in kept] for name, kept in training.optimiser.state().items()}
    state = {
        "dimensions": training.network.dimensions,
        "tensors": tensors,
        "steps": training.steps,
        "seconds": training.seconds,
        "options": {name: str(value) for name, value in options.items()},
    }
    part = folder / f"part.{CHECKPOINT}"
    torch.save(state, part)
    os.replace(part, folder / CHECKPOINT)


def load_checkpoint(folder: Path, training: Training) -> None:
    """Go on from where `save_checkpoint` was called, in place: a recorded graph keeps its tensors.

    Raises:
        TrainingError: there is no checkpoint, it is damaged, or it is of another network.
    """
    path = folder / CHECKPOINT
    try:
        state = torch.load(path, map_location=training.device, weights_only=True)
        if state["dimensions"] != training.network.dimensions:
            raise TrainingError(f"{path} is of a network of {state['dimensions']}, not {training.network.dimensions}")
        for name, own in training.optimiser.state().items():
            for each, kept in zip(own, state["tensors"][name], strict=True):
                each.copy_(kept)
        training.steps, training.seconds = int(state["steps"]), float(state["seconds"])
    except FileNotFoundError:
        raise TrainingError(f"there is no checkpoint {path} to resume from") from None
    except (OSError, EOFError, ValueError, KeyError, TypeError, RuntimeError, pickle.UnpicklingError) as exc:
        reason = (str(exc).strip().splitlines() or [type(exc).__name__])[0]
        raise TrainingError(f"{path} is not a checkpoint, or is damaged ({reason[:100]})") from exc
