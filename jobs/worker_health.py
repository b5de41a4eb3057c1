"""Ask whether the worker on this machine is at work. Exit status 0: it is; 1: not, and a line says why.

    python -m jobs.worker_health

A worker answers no requests, so it gives signs of life: its event loop touches a file as long as it is connected to the
broker. Needs only Python.
"""

import sys
import tempfile
import time
from pathlib import Path

# Seconds between signs of life, and after which without one a worker is not at work: it hangs, or has no broker.
INTERVAL = 10
MAX_SILENCE = 60


def give_sign() -> None:
    """Say that the worker of this machine, or of this container, is at work."""
    _sign().touch(mode=0o600)


def why_not() -> str | None:
    """Look for signs of life; returns the reason why the worker is not at work, None if it is."""
    try:
        silence = time.time() - _sign().stat().st_mtime
    except FileNotFoundError:
        return "it has not connected to the broker yet"
    if silence > MAX_SILENCE:
        return f"no sign of life for {silence:.0f} s: it hangs, or the broker can't be reached"
    return None


def _sign() -> Path:
    return Path(tempfile.gettempdir(), "upscaler-worker")


def main() -> int:
    """Run the command line; returns the exit status."""
    if reason := why_not():
        sys.stderr.write(f"not at work: {reason}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
