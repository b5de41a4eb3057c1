"""Real-ESRGAN's networks in other runtimes: child processes that compute only on request."""

import contextlib
import functools
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from benchmarks.contestants import Contestant
from benchmarks.networks import REAL_ESRGAN, Network
from benchmarks.peer import noise
from evaluation.child_process import Child, running_child
from evaluation.errors import MeasurementError
from evaluation.torch_environment import PYTHON, require
from superscaling.engines import available_cpus, infer_levels
from superscaling.enlarging import write_levels
from superscaling.models import weight_file_of
from superscaling.settings import Settings

# The environment's Python and the module of each runtime.
RUNTIMES = ((str(PYTHON), "benchmarks.torch_peer"), (sys.executable, "benchmarks.ncnn_peer"))
EXACT = ("PyTorch fp32", "ncnn")  # the ways whose pictures must be ours in fp32
COMPARED = (32, 48)  # height and width in px of the picture that all are compared on
MAX_DIFFERENCE = 1  # levels, after rounding


@contextlib.contextmanager
def running_peers(networks: Mapping[str, Network]) -> Iterator[list[Contestant]]:
    """Start a child for each runtime and list its contestants. The children end with the block.

    Args:
        networks: ours by name, which make the same pictures.

    Raises:
        MeasurementError: an environment is missing, a child ended, or a picture differs from ours.
        StartError: weights are missing.
    """
    require("make bench")
    params = [str(weight_file_of(Settings(model=name)).with_suffix(".param")) for name in REAL_ESRGAN]
    contestants = []
    with contextlib.ExitStack() as stack, tempfile.TemporaryDirectory() as scratch:
        for python, module in RUNTIMES:
            command = [python, "-m", module, str(available_cpus()), *params]
            child = stack.enter_context(running_child(command, "Real-ESRGAN's networks"))
            for name, way in child.read():
                if way in EXACT:
                    _check(child, name, way, networks[name], Path(scratch) / "picture.npy")
                contestants.append(Contestant(name, way, functools.partial(_seconds, child, name, way)))
        yield contestants


def _seconds(child: Child, network: str, way: str, height: int, width: int, **options: str) -> float:
    """Run a network; returns the time in s. `options`: as `benchmarks.peer` has them."""
    wanted = {"network": network, "way": way, "height": height, "width": width, **options}
    seconds: float = child.ask(json.dumps(wanted))["seconds"]
    return seconds


def _check(child: Child, name: str, way: str, network: Network, file: Path) -> None:
    """Make sure that it is the same network, with the same weights."""
    _seconds(child, name, way, *COMPARED, save=str(file))
    levels = infer_levels(network.open("fp32"), noise(*COMPARED))
    ours = np.empty(levels.shape, np.uint8)
    write_levels(levels, ours)
    difference = int(np.abs(ours.astype(int) - np.load(file)).max())
    if difference > MAX_DIFFERENCE:
        raise MeasurementError(f"{name}: the picture of {way} differs from ours by {difference} levels")
