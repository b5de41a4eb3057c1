"""A child process that answers each line of text with a line of JSON, and computes only then."""

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

from evaluation.errors import MeasurementError
from superscaling.settings import ROOT

# By default, idle OpenMP threads spin for long. That slows PyTorch beside any other process, and takes time from what
# is measured next. This many spins last some microseconds; then the threads sleep.
SPIN = {"GOMP_SPINCOUNT": "20000"}


@dataclass(frozen=True)
class Child:
    """A running child. `work`: what it does, for the error."""

    work: str
    questions: IO[str]
    answers: IO[str]

    def read(self) -> Any:
        """The next line of its output.

        Raises:
            MeasurementError: it ended.
        """
        if not (line := self.answers.readline()):
            raise MeasurementError(f"the process of {self.work} ended; its output is above")
        return json.loads(line)

    def ask(self, question: object) -> Any:
        """Send a line; returns the answer.

        Raises:
            MeasurementError: it ended.
        """
        print(question, file=self.questions, flush=True)
        return self.read()


@contextlib.contextmanager
def running_child(command: Sequence[str], work: str) -> Iterator[Child]:
    """Start a child; it ends with the block."""
    environment = {**os.environ, **SPIN}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise MeasurementError("the child process has no pipes")  # for mypy: both are PIPE
        yield Child(work, process.stdin, process.stdout)  # leaving the block closes the pipes, which ends the child
