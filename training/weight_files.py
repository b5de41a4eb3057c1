"""Networks from weight files of both families: `.npz` for plain networks, ISR's for residual dense ones."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from evaluation.errors import MeasurementError
from training.errors import TrainingError
from training.files import PLAIN, read_arrays, replacing, write_arrays
from training.network import PlainNetwork
from training.rdn import ResidualDenseNetwork

Network = PlainNetwork | ResidualDenseNetwork


def file_name(network: Network) -> str:
    """What a training calls the file of its weights. Keras chooses its reader by the extension."""
    return f"weights{PLAIN}" if isinstance(network, PlainNetwork) else "network.weights.h5"


def load_network(path: Path) -> Network:
    """Make the network that a weight file holds.

    Raises:
        TrainingError: there is no such file, or it holds no network of these families.
    """
    return load_plain(path) if path.suffix == PLAIN else _load_rdn(path)


def load_plain(path: Path) -> PlainNetwork:
    """Make the plain network that a weight file holds.

    Raises:
        TrainingError: there is no such file, or it holds something else.
    """
    arrays = read_arrays(path)
    network = PlainNetwork(sum(name.startswith("body.") for name in arrays) // 2, len(arrays["head.bias"]))
    network.load_state_dict({name: torch.from_numpy(each) for name, each in arrays.items()})
    return network


def save_weights(network: Network, parameters: Sequence[Tensor], path: Path) -> None:
    """Write weights so that a reader never finds a part of them.

    Args:
        network: says what the parameters are.
        parameters: as many and as large as those of `network`, in its order; its own, or averages of them.
        path: `.npz` for a plain network, `.weights.h5` for a residual dense one.
    """
    names = [name for name, _ in network.named_parameters()]
    arrays = {name: each.detach().cpu().numpy() for name, each in zip(names, parameters, strict=True)}
    if isinstance(network, PlainNetwork):
        write_arrays(path, arrays)
        return
    from evaluation.isr_weights import write_isr

    layers = [(arrays[f"layers.{name}.weight"], arrays[f"layers.{name}.bias"]) for name in network.layers]
    with replacing(path) as part:
        write_isr(part, [(kernel.transpose(2, 3, 1, 0), bias) for kernel, bias in layers])


def _load_rdn(path: Path) -> ResidualDenseNetwork:
    # A machine that trains plain networks needs no h5py.
    from evaluation.isr_weights import read_isr

    try:
        architecture, layers = read_isr(path)
    except MeasurementError as exc:
        raise TrainingError(str(exc)) from exc
    network = ResidualDenseNetwork(architecture)
    with torch.no_grad():
        for own, (kernel, bias) in zip(network.layers.values(), layers, strict=True):
            own.weight.copy_(torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy()))
            own.bias.copy_(torch.from_numpy(bias))
    return network
