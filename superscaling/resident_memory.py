"""How much memory this process takes."""

import resource
from pathlib import Path


def resident_bytes() -> int:
    """The memory that is resident now, in bytes (Linux: `statm`, proc(5))."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def peak_resident_bytes() -> int:
    """The most that was resident at any time since this process started its program, in bytes."""
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) * 1024
