"""The machine and the commit that figures were measured on."""

import os
import platform
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import metadata

import openvino

from benchmarks.measuring import table
from benchmarks.results import RESULTS
from evaluation.torch_environment import ENVIRONMENT
from superscaling.engines import available_cpus, instruction_sets
from superscaling.settings import ROOT

# Those that matter for matrix products.
INSTRUCTIONS = (
    "avx2",
    "avx_vnni",
    "avx512f",
    "avx512_bf16",
    "avx512_vnni",
    "amx_bf16",
    "amx_int8",
    "asimddp",
    "bf16",
    "i8mm",
    "sve",
)
# What the parts write, which changes nothing of what the others measure.
WRITTEN = (RESULTS.relative_to(ROOT), "docs")
PACKAGES = ("openvino", "tensorflow-cpu", "tensorflow", "keras", "ISR", "torch", "numpy", "pillow")


def describe_machine() -> str:
    """The machine as a Markdown table."""
    return table(("what", "which"), _facts())


def describe_run() -> str:
    """One line: time, commit and load average."""
    commit = _output_of("git", "rev-parse", "--short", "HEAD")
    if _output_of("git", "status", "--porcelain", "--", ".", *(f":!{each}" for each in WRITTEN)):
        commit += ", changed"
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
    return f"*{now} UTC, commit {commit or 'unknown'}; load average before: {os.getloadavg()[0]:.1f}*"


def _facts() -> Iterator[tuple[str, str]]:
    core = openvino.Core()
    yield "processor", str(core.get_property("CPU", "FULL_DEVICE_NAME"))
    known = instruction_sets()
    yield "instruction sets", ", ".join(name for name in INSTRUCTIONS if name in known)
    yield "OpenVINO's capabilities", ", ".join(sorted(core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")))
    yield "threads", str(available_cpus())
    yield "memory", f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"
    yield "system", f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    yield "packages", ", ".join(_versions())


def _versions() -> Iterator[str]:
    """Versions of the packages in this environment and in that of the peers."""
    path = [str(each) for each in ENVIRONMENT.glob("lib/python*/site-packages")]
    for name in PACKAGES:
        found = [*metadata.distributions(name=name), *metadata.distributions(name=name, path=path)]
        if found:
            yield f"{name} {found[0].version}"


def _output_of(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
