"""The child process that runs Real-ESRGAN's networks; it computes only on request."""

import contextlib
import functools
import json
import os
import subprocess
from collections.abc import Iterator
from typing import IO

from benchmarks.contestants import Contestant
from evaluation.errors import MeasurementError
from evaluation.torch_environment import PYTHON, require
from superscaling.settings import ROOT

# By default, idle OpenMP threads spin for long. That slows PyTorch beside any other process, and takes time from the
# next contestant. This many spins last some microseconds; then the threads sleep.
SPIN = {"GOMP_SPINCOUNT": "20000"}


@contextlib.contextmanager
def running_peers(threads: int) -> Iterator[list[Contestant]]:
    """Start the child and list its contestants. The child ends with the block.

    Raises:
        MeasurementError: the environment is missing, or the child ended.
    """
    require("make bench")
    command = [str(PYTHON), "-m", "benchmarks.peers", str(threads)]
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **SPIN}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        if child.stdin is None or child.stdout is None:
            raise MeasurementError("the child process has no pipes")  # for mypy: both are PIPE
        # Leaving the block closes the pipe, which ends the child.
        yield [
            Contestant(network, way, functools.partial(_seconds, child.stdin, child.stdout, network, way))
            for network, way in json.loads(_line(child.stdout))
        ]


def _seconds(to: IO[str], answers: IO[str], network: str, way: str, height: int, width: int) -> float:
    print(json.dumps({"network": network, "way": way, "height": height, "width": width}), file=to, flush=True)
    seconds: float = json.loads(_line(answers))["seconds"]
    return seconds


def _line(answers: IO[str]) -> str:
    if not (line := answers.readline()):
        raise MeasurementError("the process of Real-ESRGAN's networks ended; its output is above")
    return line
