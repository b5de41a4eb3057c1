"""`python -m jobs`: what operators do with the jobs in a store."""

import os
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import pytest
from conftest import ROOT, free_port
from stored_jobs import HOUR, ended, half_done, order, taken

from jobs.__main__ import main, requeue
from jobs.acceptance import add
from jobs.directory_store import DirectoryStore
from jobs.ledger import Ledger
from jobs.records import Job
from message_protocol import JobState
from superscaling.errors import BrokerUnavailable


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # slow, and no matter here
    monkeypatch.setenv("UPSCALER_JOBS_STORE", str(tmp_path / "store"))
    return Ledger(DirectoryStore(tmp_path / "store"), 1_000_000)


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The output of a command that succeeds."""
    assert main(arguments) == 0
    output = capsys.readouterr()
    assert output.err == ""
    return output.out


def test_list_shows_open_jobs(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "list") == "id  state  tiles  pixels  age  group\n"
    first = half_done(ledger, 2 * HOUR, group="holiday")
    second = taken(ledger, pixels=123)
    ended(ledger, 0)
    add(ledger, order(), b"not accepted")
    header, *rows = printed(capsys, "list").splitlines()
    assert header.split() == ["id", "state", "tiles", "pixels", "age", "group"]
    assert rows[0].split() == [first.id, "running", "4/6", "1000", "2:00:00", "holiday"]
    assert rows[1].split()[:4] == [second.id, "queued", "0/?", "123"]
    assert len(rows) == 2


def test_list_names_jobs_that_cannot_be_read(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    damaged, other = taken(ledger), taken(ledger)
    ledger.store.put(f"jobs/{damaged.id}/job.json", b"{}")
    assert main(["list"]) == 0
    output = capsys.readouterr()
    assert damaged.id in output.err
    assert other.id in output.out


def test_cancel_ends_a_job_once(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    job = half_done(ledger)
    assert printed(capsys, "cancel", job.id) == f"{job.id} is cancelled\n"
    assert printed(capsys, "cancel", job.id) == f"{job.id} had ended before\n"
    assert ledger.status(job.id).state is JobState.CANCELLED


def test_expire_deletes_what_is_no_longer_kept(
    ledger: Ledger, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPSCALER_JOBS_KEEP", "1")
    old, new = ended(ledger, 2 * HOUR), ended(ledger, HOUR / 2)
    printed(capsys, "expire")
    assert [ledger.status(job.id).is_expired for job in (old, new)] == [True, False]


def test_requeue_without_a_broker_says_what_helps(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    assert "at its start" in printed(capsys, "requeue")


class Taking:
    """An engine that takes jobs until it has had enough."""

    def __init__(self, most: int) -> None:
        self.taken = list[Job]()
        self.most = most

    def start(self) -> None: ...

    def submit(self, job: Job) -> None:
        if len(self.taken) == self.most:
            raise BrokerUnavailable("the broker is gone: try again later")
        self.taken.append(job)

    def cancelled(self, job_id: str) -> None: ...

    def tiles_in_progress(self, job_id: str, finished: Collection[int]) -> int:
        return 0

    def stop(self) -> None: ...


def test_requeue_hands_over_what_is_open_and_was_accepted(ledger: Ledger) -> None:
    jobs = [half_done(ledger, 60), taken(ledger, 30)]
    add(ledger, order(), b"not accepted")
    ended(ledger, 0)
    engine = Taking(10)
    assert requeue(ledger, engine) == 2
    assert engine.taken == jobs
    with pytest.raises(BrokerUnavailable):
        requeue(ledger, Taking(1))


def test_requeue_without_its_broker_fails_in_a_line(
    ledger: Ledger, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("jobs.engine_celery")
    monkeypatch.setenv("UPSCALER_BROKER", f"amqp://guest:guest@127.0.0.1:{free_port()}//")
    taken(ledger)
    assert main(["requeue"]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        (["cancel", "nothing"], {}, "there is no job"),
        (["cancel", "../../etc/passwd"], {}, "there is no job"),
        (["list"], {"UPSCALER_JOBS_STORE": ""}, "UPSCALER_JOBS_STORE"),
        (["list"], {"UPSCALER_JOBS_STORE": "/dev/null/store"}, "can't be kept"),
        (["list"], {"UPSCALER_JOBS_STORE": "ftp://store"}, "UPSCALER_JOBS_STORE"),
    ],
)
def test_failures_are_one_line(
    ledger: Ledger,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    settings: dict[str, str],
    message: str,
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert main(arguments) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert message in output.err
    assert len(output.err.splitlines()) == 1


@pytest.mark.parametrize("arguments", [[], ["destroy"], ["cancel"]])
def test_strange_commands_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_it_is_a_command(ledger: Ledger) -> None:
    job = taken(ledger)
    done = subprocess.run(
        [sys.executable, "-m", "jobs", "list"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    assert job.id in done.stdout
