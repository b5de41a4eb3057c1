"""Checkpoints of a training run, replaced atomically.

A checkpoint is a NumPy archive: `state`, a JSON text with architecture, step, seconds trained and options; `weights/0`
etc., the weights of the last step; `optimizer/0` etc., the optimizer's moments and the moving average of the weights.
"""

import json
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from superscaling.models import Architecture
from training.errors import TrainingError
from training.options import Options


@dataclass(frozen=True)
class Progress:
    """Steps and seconds trained so far."""

    step: int = 0
    seconds: float = 0.0


def save_checkpoint(path: Path, network: Any, optimizer: Any, progress: Progress, options: Options) -> None:
    """Write a checkpoint; the previous one is replaced once this one is complete."""
    variables: dict[str, NDArray[Any]] = {}
    optimizer.save_own_variables(variables)
    state = {"architecture": asdict(options.architecture), **asdict(progress), "options": options.as_json()}
    arrays = {"state": np.array(json.dumps(state))}
    arrays |= {f"weights/{number}": each for number, each in enumerate(network.get_weights())}
    arrays |= {f"optimizer/{name}": np.asarray(each) for name, each in variables.items()}
    part = path.with_name(f"part.{path.name}")
    np.savez(part, allow_pickle=False, **arrays)
    part.replace(path)


def load_checkpoint(path: Path, network: Any, optimizer: Any, architecture: Architecture) -> Progress:
    """Load a checkpoint into a network of this architecture and its optimizer, which must be built.

    Raises:
        TrainingError: there is no checkpoint, it is damaged, or the architecture or optimizer differs.
    """
    try:
        with np.load(path) as file:
            arrays = dict(file)
        state = json.loads(str(arrays["state"]))
        saved = Architecture(**state["architecture"])
        if saved != architecture:
            raise TrainingError(f"the checkpoint {path} is of {saved}, not of {architecture}")
        network.set_weights(_numbered(arrays, "weights"))
        variables = _numbered(arrays, "optimizer")
        if len(variables) != len(optimizer.variables):  # Keras would only warn
            raise TrainingError(f"the checkpoint {path} is of another optimizer")
        optimizer.load_own_variables({str(number): each for number, each in enumerate(variables)})
        return Progress(state["step"], state["seconds"])
    except FileNotFoundError:
        raise TrainingError(f"there is no checkpoint {path} to resume from") from None
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as exc:
        raise TrainingError(f"{path} is not a checkpoint, or is damaged ({exc})") from exc


def _numbered(arrays: dict[str, NDArray[Any]], kind: str) -> list[NDArray[Any]]:
    """The arrays `kind/0`, `kind/1` etc., in order."""
    names = sorted((name for name in arrays if name.startswith(f"{kind}/")), key=lambda name: int(name.split("/")[1]))
    return [arrays[name] for name in names]
