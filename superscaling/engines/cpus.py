"""The CPUs that this process may use, by the container's quota and not the host's count, and their instructions."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

CGROUP = Path("/sys/fs/cgroup")
OWN_CGROUP = Path("/proc/self/cgroup")
CPU_INFO = Path("/proc/cpuinfo")
# Instruction sets that multiply and add int8 in one step. Without them int8 runs, too, but no faster.
INT8_FLAGS = {"avx512_vnni", "avx_vnni", "amx_int8"}


def available_cpus(cgroup: Path = CGROUP, own: Path = OWN_CGROUP) -> int:
    """The number of CPUs by affinity and by cgroup quotas (v2 or v1), rounded down, at least 1.

    Rounded down because a thread beyond the quota stalls all the others in every convolution.

    Args:
        cgroup: where cgroups are mounted.
        own: the kernel's file that names the cgroups of this process.
    """
    cpus = float(len(os.sched_getaffinity(0)))
    for quota in _quotas(cgroup, own):
        if quota is not None:
            cpus = min(cpus, quota)
    return max(1, int(cpus))


def multiplies_int8(info: Path = CPU_INFO) -> bool:
    """Whether the processor has instructions for int8, according to the file `info`."""
    return bool(INT8_FLAGS & instruction_sets(info))


def instruction_sets(info: Path = CPU_INFO) -> set[str]:
    """The processor's flags in the kernel's file `info`; empty if there is no such file."""
    try:
        lines = info.read_text().splitlines()
    except OSError:
        return set()
    # "flags" on x86, "Features" on Arm.
    return {name for line in lines if line.startswith(("flags", "Features")) for name in line.split()}


def _quotas(cgroup: Path, own: Path) -> Iterator[float | None]:
    yield from map(_quota_v2, _directories(cgroup, own, ""))
    for mount in ("cpu", "cpu,cpuacct"):  # usually the first is a link to the second
        yield from map(_quota_v1, _directories(cgroup / mount, own, "cpu"))


def _quota_v2(directory: Path) -> float | None:
    """From `cpu.max`: "quota period" in microseconds; the quota may be "max"."""
    try:
        quota, period = (directory / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _quota_v1(directory: Path) -> float | None:
    """From two files, in microseconds; a quota of -1 is none."""
    try:
        quota = int((directory / "cpu.cfs_quota_us").read_text())
        period = int((directory / "cpu.cfs_period_us").read_text())
        return quota / period if quota > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _directories(mount: Path, own: Path, controller: str) -> Iterator[Path]:
    """The visible cgroups that limit this process: the mounted one, its own, and all between them.

    In a container the mounted cgroup is its own. A systemd service, or a container that shares the host's view, is
    somewhere below.
    """
    yield mount
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        match line.split(":", 2):  # "4:cpu,cpuacct:/user.slice", "0::/user.slice"
            case [_, controllers, path] if controller in controllers.split(","):
                below = PurePosixPath(path.lstrip("/"))
                yield from (mount / each for each in (below, *below.parents) if ".." not in each.parts)
