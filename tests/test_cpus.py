import os
from pathlib import Path

import pytest

from superscaling.engines import available_cpus
from superscaling.engines.cpus import multiplies_int8

HOST = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("files", "cpus"),
    [
        ({}, HOST),
        ({"cpu.max": "max 100000\n"}, HOST),
        ({"cpu.max": "100000 100000\n"}, 1),
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"cpu.max": "199999 100000\n"}, 1),
        ({"cpu.max": "99900000 100000\n"}, HOST),
        ({"cpu.max": "100000 0\n"}, HOST),
        ({"cpu,cpuacct/cpu.cfs_quota_us": "100000\n", "cpu,cpuacct/cpu.cfs_period_us": "100000\n"}, 1),
        ({"cpu.max": "nonsense"}, HOST),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, HOST),
        ({"cpu/cpu.cfs_quota_us": "100000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 1),
        ({"cpu/cpu.cfs_quota_us": "100000\n"}, HOST),
    ],
)
def test_quota(tmp_path: Path, files: dict[str, str], cpus: int) -> None:
    """Directory trees of cgroup v2 and v1."""
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert available_cpus(tmp_path, tmp_path / "none") == cpus


def test_rounded_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    (tmp_path / "cpu.max").write_text("390000 100000")
    assert available_cpus(tmp_path, tmp_path / "none") == 3


@pytest.mark.parametrize(
    ("own", "file"),
    [
        ("0::/a/b\n", "a/b/cpu.max"),
        ("0::/a/b\n", "a/cpu.max"),  # a parent's quota also limits its children
        ("0::/\n", "cpu.max"),
        ("0::/docker/1234\n", "cpu.max"),  # a container that sees the host's path: its own cgroup is mounted
        ("0::/../above\n", "cpu.max"),
        ("2:memory:/m\n4:cpu,cpuacct:/a/b\n0::/x\n", "cpu/a/b/cpu.cfs_quota_us"),
        ("2:memory:/m\n4:cpu,cpuacct:/a/b\n0::/x\n", "cpu/a/cpu.cfs_quota_us"),
    ],
)
def test_the_cgroup_of_the_process_counts(tmp_path: Path, own: str, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    (tmp_path / "own").write_text(own)
    path = tmp_path / "cgroup" / file
    path.parent.mkdir(parents=True)
    if path.name == "cpu.max":
        path.write_text("300000 100000")
    else:
        path.write_text("300000")
        path.with_name("cpu.cfs_period_us").write_text("100000")
    assert available_cpus(tmp_path / "cgroup", tmp_path / "own") == 3


def test_nonsense_about_the_cgroup_of_the_process(tmp_path: Path) -> None:
    (tmp_path / "own").write_text("what\n0::/mine\n")
    assert available_cpus(tmp_path, tmp_path / "own") == HOST


def test_the_quota_of_others_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "own").write_text("0::/mine\n")
    for name, quota in (("mine", "max"), ("theirs", "100000")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cpu.max").write_text(f"{quota} 100000")
    assert available_cpus(tmp_path, tmp_path / "own") == HOST


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("processor\t: 0\nflags\t\t: fpu avx2 avx512_vnni\n", True),
        ("flags\t\t: fpu avx2 avx_vnni\n", True),
        ("flags\t\t: fpu avx2 avx512f avx512_vnni_like\n", False),
        ("model name\t: avx512_vnni\n", False),
        ("", False),
    ],
)
def test_processors_that_multiply_int8(tmp_path: Path, text: str, expected: bool) -> None:
    (tmp_path / "cpuinfo").write_text(text)
    assert multiplies_int8(tmp_path / "cpuinfo") is expected
    assert multiplies_int8(tmp_path / "none") is False
