"""Real-ESRGAN's networks in other runtimes: child processes that compute only on request."""

import contextlib
import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from benchmarks.contestants import Contestant
from benchmarks.networks import REAL_ESRGAN, Network
from benchmarks.peer import noise
from evaluation.errors import MeasurementError
from evaluation.torch_environment import PYTHON, require
from superscaling.engines import available_cpus, infer_levels
from superscaling.enlarging import write_levels
from superscaling.models import weight_file_of
from superscaling.settings import ROOT, Settings

# By default, idle OpenMP threads spin for long. That slows PyTorch beside any other process, and takes time from the
# next contestant. This many spins last some microseconds; then the threads sleep.
SPIN = {"GOMP_SPINCOUNT": "20000"}
# The environment's Python and the module of each runtime.
RUNTIMES = ((str(PYTHON), "benchmarks.torch_peer"), (sys.executable, "benchmarks.ncnn_peer"))
EXACT = ("PyTorch fp32", "ncnn")  # the ways whose pictures must be ours in fp32
COMPARED = (32, 48)  # height and width in px of the picture that all are compared on
MAX_DIFFERENCE = 1  # levels, after rounding


@dataclass(frozen=True)
class Peer:
    """A child process."""

    requests: IO[str]
    answers: IO[str]

    def seconds(self, network: str, way: str, height: int, width: int, **options: str) -> float:
        """Run a network; returns the time in s. `options`: as `benchmarks.peer` has them."""
        wanted = {"network": network, "way": way, "height": height, "width": width, **options}
        print(json.dumps(wanted), file=self.requests, flush=True)
        seconds: float = json.loads(self.line())["seconds"]
        return seconds

    def line(self) -> str:
        """The next line of its output.

        Raises:
            MeasurementError: it ended.
        """
        if not (line := self.answers.readline()):
            raise MeasurementError("a process with Real-ESRGAN's networks ended; its output is above")
        return line


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
            peer = stack.enter_context(_running([python, "-m", module, str(available_cpus()), *params]))
            for name, way in json.loads(peer.line()):
                if way in EXACT:
                    _check(peer, name, way, networks[name], Path(scratch) / "picture.npy")
                contestants.append(Contestant(name, way, functools.partial(peer.seconds, name, way)))
        yield contestants


@contextlib.contextmanager
def _running(command: Sequence[str]) -> Iterator[Peer]:
    environment = {**os.environ, **SPIN}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        if child.stdin is None or child.stdout is None:
            raise MeasurementError("the child process has no pipes")  # for mypy: both are PIPE
        yield Peer(child.stdin, child.stdout)  # leaving the block closes the pipe, which ends the child


def _check(peer: Peer, name: str, way: str, network: Network, file: Path) -> None:
    """Make sure that it is the same network, with the same weights."""
    peer.seconds(name, way, *COMPARED, save=str(file))
    levels = infer_levels(network.open("fp32"), noise(*COMPARED))
    ours = np.empty(levels.shape, np.uint8)
    write_levels(levels, ours)
    difference = int(np.abs(ours.astype(int) - np.load(file)).max())
    if difference > MAX_DIFFERENCE:
        raise MeasurementError(f"{name}: the picture of {way} differs from ours by {difference} levels")
