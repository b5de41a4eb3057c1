"""Runs conversions in processes of their own, which end in time whatever the file is, and leave nothing half done.

A signal handler of Python waits for OpenVINO's call to return, which may take hours; a process that waits for another
one does not.
"""

import contextlib
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from superscaling.errors import ModelUnavailable

# The largest networks take some minutes.
MAX_MINUTES = 30
# How long a conversion that is stopped may take to end by itself, in seconds.
GRACE_SECONDS = 10


def run_conversion(
    arguments: Sequence[str], folder: Path, *, cwd: Path | None = None, is_captured: bool = False
) -> tuple[int, str]:
    """Run Python with these arguments until it ends; returns its exit status and its errors, if captured.

    If this process is stopped meanwhile, by an exception, so is the conversion.

    Args:
        arguments: of a command that puts its result into an `unfinished_directory`.
        folder: where that is.
        cwd: where it runs; None: here.
        is_captured: whether what it prints is not shown; what it prints as errors is returned.

    Raises:
        ModelUnavailable: it took longer than `MAX_MINUTES`, or was killed.
    """
    command = [sys.executable, *arguments]
    stdout, stderr = (subprocess.DEVNULL, subprocess.PIPE) if is_captured else (None, None)
    child = subprocess.Popen(
        command, cwd=cwd, stdout=stdout, stderr=stderr, text=True, errors="replace", process_group=0
    )
    try:
        _, printed = child.communicate(timeout=60 * MAX_MINUTES)
    except subprocess.TimeoutExpired as exc:
        _stop(child)
        raise ModelUnavailable(f"it took longer than {MAX_MINUTES} minutes, which is the limit") from exc
    except BaseException:
        _stop(child)
        raise
    finally:
        if child.returncode:
            for unfinished in folder.glob(f"*{_suffix(child.pid)}"):
                shutil.rmtree(unfinished, ignore_errors=True)
    if child.returncode < 0:
        raise ModelUnavailable(f"signal {-child.returncode} ended it: is there too little memory?")
    return child.returncode, printed or ""


@contextlib.contextmanager
def unfinished_directory(target: Path) -> Iterator[Path]:
    """A new directory beside `target`, to be renamed once it is complete; removed at the end where it still exists."""
    # A unique name: other processes may fill the same cache at the same time.
    unfinished = Path(tempfile.mkdtemp(dir=target.parent, prefix=f"{target.name}.", suffix=_suffix(os.getpid())))
    try:
        unfinished.chmod(0o755)
        yield unfinished
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _suffix(process: int) -> str:
    """Names of unfinished directories say whose they are: containers that share a cache may share numbers."""
    return f".{platform.node()}-{process}.part"


def _stop(child: subprocess.Popen[str]) -> None:
    """Ask a conversion to end, which removes what is half done; kill it, and what it started, if it does not."""
    child.terminate()
    try:
        # Its pipe is read to the end: a child that prints more than the pipe holds would otherwise wait for a reader.
        with contextlib.suppress(ValueError):  # the pipe was closed already
            child.communicate(timeout=GRACE_SECONDS)
        child.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    finally:
        if child.stderr:
            child.stderr.close()
