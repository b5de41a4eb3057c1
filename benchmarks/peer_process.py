"""The child process that runs the networks of others; it computes only while it is asked to."""

import contextlib
import functools
import json
import os
import subprocess
from collections.abc import Iterator
from typing import IO

from benchmarks.contestants import Contestant
from evaluation.errors import MeasurementError
from superscaling.settings import ROOT

ENVIRONMENT = ROOT / ".venv-bench"  # made by `make bench`
PYTHON = ENVIRONMENT / "bin" / "python"
# OpenMP's threads wait busily for each other, for long: beside any other process that made PyTorch many times slower,
# and they would still wait while the next contestant computes. So many turns are some microseconds; then they sleep.
SPIN = {"GOMP_SPINCOUNT": "20000"}


@contextlib.contextmanager
def running_peers(threads: int) -> Iterator[list[Contestant]]:
    """Start the child; what it can be asked for. It ends with the block.

    Raises:
        MeasurementError: there is no such environment, or the child ended.
    """
    if not PYTHON.is_file():
        raise MeasurementError(f"there is no {ENVIRONMENT.name}: start this with `make bench`")
    command = [str(PYTHON), "-m", "benchmarks.peers", str(threads)]
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **SPIN}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        if child.stdin is None or child.stdout is None:
            raise MeasurementError("the networks of others have no pipes")  # never: they were asked for
        # Leaving the block closes the pipe, and so ends the child.
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
        raise MeasurementError("the networks of others ended; what they said is above")
    return line
