"""Workers and the process that takes jobs, as real processes that can be killed."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from conftest import ROOT

READY_SECONDS = 120.0


class Process:
    """A process with a session of its own, so that it can be killed with all that it has started."""

    def __init__(self, command: list[str], environ: dict[str, str], log: Path) -> None:
        self._command, self._environ, self._log = command, environ, log
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """What all of its lives have written."""
        return self._log.read_text() if self._log.exists() else ""

    def start(self) -> None:
        """Start it anew."""
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._environ,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if self._answers else log,
                stderr=log,
                text=True,
                start_new_session=True,
            )

    _answers = False

    def kill(self) -> None:
        """End it, and all that it has started, by SIGKILL."""
        if self._process is None:
            return
        for member in self._members():
            with contextlib.suppress(ProcessLookupError):
                os.kill(member, signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()

    def signal(self, number: int) -> None:
        """Send a signal to it and to all that it has started."""
        for member in self._members():
            with contextlib.suppress(ProcessLookupError):
                os.kill(member, number)

    def stop(self) -> None:
        """End it as an orchestrator does."""
        assert self._process is not None
        os.kill(self.pid, signal.SIGTERM)
        self._process.wait(READY_SECONDS)
        self.kill()

    def _members(self) -> list[int]:
        return [self.pid, *_descendants(self.pid)]


class Worker(Process):
    """`celery -A jobs.engine_celery worker`."""

    def __init__(self, number: int, environ: dict[str, str], folder: Path) -> None:
        celery = str(Path(sys.executable).with_name("celery"))
        command = [celery, "-A", "jobs.engine_celery", "worker", "-n", f"worker{number}@test"]
        super().__init__(command, environ, folder / f"worker{number}.log")
        self._lives = 0

    def start(self) -> None:
        """Start it; it is not ready yet."""
        self._lives = len(re.findall("INFO worker ready", self.log))
        super().start()

    def wait(self) -> None:
        """Wait until it has been ready once since it was started."""
        end = time.monotonic() + READY_SECONDS
        while len(re.findall("INFO worker ready", self.log)) == self._lives:
            assert self._process is not None
            assert self._process.poll() is None, self.log
            assert time.monotonic() < end, self.log
            time.sleep(0.1)

    def is_at(self, job_id: str, block: int) -> bool:
        """Whether it has begun a block and not finished it, as far as it has logged."""
        lines = [line for line in self.log.splitlines() if job_id in line and f" block-{block} " in line]
        return bool(lines) and " begins " in lines[-1]

    def kill_child(self) -> None:
        """End the process that enlarges, by SIGKILL. The parent starts another."""
        for child in _children(self.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)


class Api(Process):
    """The process that takes jobs: `tests/jobs/api.py`."""

    _answers = True

    def __init__(self, number: int, environ: dict[str, str], folder: Path) -> None:
        super().__init__(
            [sys.executable, str(Path(__file__).with_name("api.py"))], environ, folder / f"api{number}.log"
        )

    def begin(self, key: str, picture: Path) -> None:
        """Send a request, without waiting for the answer."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(f"{key} {picture}\n")
        self._process.stdin.flush()

    def finish(self) -> str | None:
        """The answer to a request: the id of the job, or None: it was refused, or the process has ended."""
        assert self._process is not None
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip().removeprefix("refused") or None


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _descendants(pid: int) -> list[int]:
    return [each for child in _children(pid) for each in (child, *_descendants(child))]
