"""Shares of a processor: cgroups with a CPU quota, of version 1 or 2. Needs root, and a cgroup that can be written."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from evaluation.errors import MeasurementError

V1 = Path("/sys/fs/cgroup/cpu")
V2 = Path("/sys/fs/cgroup")
PERIOD = 100_000  # microseconds, the kernel's default


@contextlib.contextmanager
def cpu_shares(share: float) -> Iterator["Shares"]:
    """Make groups of processes that get this share of one processor each; they are removed at the end.

    Raises:
        MeasurementError: this can't be done here.
    """
    shares = Shares(share)
    try:
        yield shares
    finally:
        shares.remove()


class Shares:
    """Groups of processes.

    Args:
        share: of one processor, for each group.
    """

    def __init__(self, share: float) -> None:
        self._quota = round(share * PERIOD)
        self._groups = list[Path]()

    def limit(self, processes: Iterable[int]) -> None:
        """Put processes, whose children stay with them, into a new group.

        Raises:
            MeasurementError: this can't be done here.
        """
        is_v1 = (V1 / "cpu.cfs_quota_us").exists() or (V1 / "cgroup.procs").exists()
        group = (V1 if is_v1 else V2) / f"image-super-scaling-{os.getpid()}-{len(self._groups)}"
        try:
            group.mkdir()
            self._groups.append(group)
            if is_v1:
                (group / "cpu.cfs_period_us").write_text(str(PERIOD))
                (group / "cpu.cfs_quota_us").write_text(str(self._quota))
            else:
                (group / "cpu.max").write_text(f"{self._quota} {PERIOD}")
            for process in processes:
                (group / "cgroup.procs").write_text(str(process))
        except OSError as exc:
            raise MeasurementError(f"no CPU quota can be set here ({exc}): this part needs root and cgroups") from exc

    def remove(self) -> None:
        """Remove the groups, once their processes have ended."""
        for group in self._groups:
            with contextlib.suppress(OSError):
                group.rmdir()
