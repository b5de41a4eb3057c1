"""What all processes that read files of others have in common: how they are confined, and how their errors travel."""

import ctypes
import os
import pickle
import resource
import signal
import traceback
from pathlib import Path

from superscaling.errors import ServiceError

# The kernel ends the process with the highest score first when memory runs out. (proc_pid_oom_score_adj(5))
FIRST_TO_BE_KILLED = 1000
PR_SET_PDEATHSIG = 1  # prctl(2)


def confine() -> None:
    """Make this process one that ends no later than its parent, leaves no core, and is killed first."""
    for number in (signal.SIGINT, signal.SIGTERM):  # sent to the whole group: running requests finish first
        signal.signal(number, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        Path("/proc/self/oom_score_adj").write_text(str(FIRST_TO_BE_KILLED))
    except OSError:  # a /proc that can't be written to: only the order is lost
        return


def portable(exc: Exception) -> Exception:
    """An exception that can be raised in another process; one that is unexpected has this one's traceback as a note."""
    if isinstance(exc, ServiceError):
        return exc
    where = f"In the decoder process {os.getpid()}:\n{''.join(traceback.format_exception(exc))}"
    try:
        pickle.loads(pickle.dumps(exc))  # noqa: S301 (it was written a moment ago)
    except Exception:  # an exception class whose arguments are not those of its constructor
        exc = RuntimeError(repr(exc))
    exc.add_note(where)
    return exc
