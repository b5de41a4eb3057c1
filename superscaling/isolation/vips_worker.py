"""The main program of a process with one task: it is read from standard input, its value written to standard output."""

import errno
import os
import pickle
import resource
import sys
from pathlib import Path

from superscaling.isolation.confinement import confine, portable
from superscaling.pictures import limit_pillow

# Bytes that the task may take. libvips works with some rows of a picture at a time; this is for the widest ones, and
# for TIFFs in few, large strips.
MEMORY = 1_000_000_000


def main() -> None:
    """Run the task. Whatever it prints goes to standard error."""
    answer = os.dup(1)
    os.dup2(2, 1)
    confine()
    limit_pillow()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # libvips opens the pieces of a large file one by one
    taken = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_DATA, (taken + MEMORY, taken + MEMORY))
    task = pickle.load(sys.stdin.buffer)  # noqa: S301 (the process that started this one has written it)
    try:
        value = task()
    except MemoryError:
        value = MemoryError()
    except Exception as exc:
        is_memory = isinstance(exc, OSError) and exc.errno == errno.ENOMEM  # as said by mmap
        value = MemoryError() if is_memory else portable(exc)
    with os.fdopen(answer, "wb") as file:
        pickle.dump(value, file)


if __name__ == "__main__":
    main()
