"""How many CPUs this process may really use: the container's quota, not the host's count."""

import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def available_cpus(cgroup: Path = CGROUP) -> int:
    """CPUs by affinity and by the CPU quota of the cgroup (v2 or v1), rounded down, at least 1.

    Rounded down because a thread that the quota can't feed stalls all the others in every convolution.
    """
    cpus = float(len(os.sched_getaffinity(0)))
    for quota in (_quota_v2(cgroup), _quota_v1(cgroup)):
        if quota is not None:
            cpus = min(cpus, quota)
    return max(1, int(cpus))


def _quota_v2(cgroup: Path) -> float | None:
    """`cpu.max` holds "quota period", both in microseconds; the quota may be "max"."""
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        return None


def _quota_v1(cgroup: Path) -> float | None:
    """Two files, in microseconds; the quota is -1 when there is none."""
    try:
        quota = int((cgroup / "cpu" / "cpu.cfs_quota_us").read_text())
        period = int((cgroup / "cpu" / "cpu.cfs_period_us").read_text())
        return quota / period if quota > 0 else None
    except (OSError, ValueError):
        return None
