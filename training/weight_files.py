"""Weight files of both families: `.npz` for plain networks, ISR's for residual dense ones."""

import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.errors import TrainingError
from training.network import PlainNetwork
from training.rdn import ResidualDenseNetwork

Network = PlainNetwork | ResidualDenseNetwork


def file_name(network: Network) -> str:
    """What a training calls the file of its weights. Keras chooses its reader by the extension."""
    return "weights.npz" if isinstance(network, PlainNetwork) else "network.weights.h5"


def load_network(path: Path) -> Network:
    """Make the network that a weight file holds.

    Raises:
        TrainingError: there is no such file, or it holds no network of these families.
    """
    if not path.is_file():
        raise TrainingError(f"there is no weight file {path}")
    return _load_plain(path) if path.suffix == ".npz" else _load_rdn(path)


def save_weights(network: Network, parameters: Sequence[Tensor], path: Path) -> None:
    """Write weights so that a reader never finds a part of them.

    Args:
        network: says what the parameters are.
        parameters: as many and as large as those of `network`, in its order; its own, or averages of them.
        path: `.npz` for a plain network, `.weights.h5` for a residual dense one.
    """
    names = [name for name, _ in network.named_parameters()]
    arrays = {name: each.detach().cpu().numpy() for name, each in zip(names, parameters, strict=True)}
    part = path.with_name(f"part.{path.name}")
    if isinstance(network, PlainNetwork):
        np.savez(part, allow_pickle=False, **arrays)
    else:
        from training.isr_weights import write_isr

        layers = [(arrays[f"layers.{name}.weight"], arrays[f"layers.{name}.bias"]) for name in network.layers]
        write_isr(part, [(kernel.transpose(2, 3, 1, 0), bias) for kernel, bias in layers])
    os.replace(part, path)


def _load_plain(path: Path) -> PlainNetwork:
    try:
        # NumPy leaves a file open that is no archive.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            state = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
        layers = sum(name.startswith("body.") and name.endswith(".weight") for name in state)
        network = PlainNetwork(layers, len(state["head.bias"]))
        network.load_state_dict(state)
    except (OSError, ValueError, KeyError, TypeError, EOFError, RuntimeError, zipfile.BadZipFile) as exc:
        reason = str(exc).strip().splitlines()[-1].strip()
        raise TrainingError(f"{path} holds no plain x2 network ({reason})") from exc
    return network


def _load_rdn(path: Path) -> ResidualDenseNetwork:
    # A machine that trains plain networks needs no h5py.
    from training.isr_weights import read_isr

    architecture, layers = read_isr(path)
    network = ResidualDenseNetwork(architecture)
    with torch.no_grad():
        for own, (kernel, bias) in zip(network.layers.values(), layers, strict=True):
            own.weight.copy_(torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy()))
            own.bias.copy_(torch.from_numpy(bias))
    return network
