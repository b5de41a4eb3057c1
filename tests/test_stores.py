"""Stores: the same table for a directory and for a bucket of moto's S3 server, and what is peculiar to each."""

import contextlib
import errno
import logging
import os
import random
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, free_port, wait_for
from stored_jobs import HOUR, PLAN, RESULT, all_keys, ended, taken

from jobs import s3_store
from jobs.assembly import open_store
from jobs.deletion import forget
from jobs.directory_store import SCRATCH, DirectoryStore
from jobs.housekeeping import Housekeeping
from jobs.indices import group_jobs
from jobs.ledger import Ledger
from jobs.s3_store import S3Store
from jobs.store import SCRATCH_SECONDS, NotStored, Store
from superscaling.errors import IdempotencyMismatch, StoreUnavailable
from superscaling.settings import read_settings

BUCKET = "pictures"
LARGE = 30 << 20
StartedStore = Callable[[], Store]


def aws(port: int) -> dict[str, str]:
    """The variables by which obstore finds a server on loopback."""
    return {
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
    }


@pytest.fixture(scope="module")
def s3_port() -> Iterator[int]:
    """The port of a server that speaks S3, with a bucket."""
    from moto.server import ThreadedMotoServer  # late: only this file needs it

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it logs each request
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/{BUCKET}", method="PUT")).close()
    yield port
    server.stop()


@pytest.fixture(params=["directory", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A setting of an empty store."""
    if request.param == "directory":
        return str(tmp_path / "store")
    for name, value in aws(request.getfixturevalue("s3_port")).items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}/{tmp_path.name}/{random.getrandbits(60):x}"


@pytest.fixture
def store(url: str) -> Store:
    return opened(url)


def opened(url: str) -> Store:
    return open_store(read_settings({"UPSCALER_JOBS_STORE": url}))


def in_scratch(store: Store, data: bytes) -> Path:
    path = store.scratch / f"test-{random.getrandbits(60):x}"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("size", [0, 1, 1 << 16, LARGE])
@pytest.mark.parametrize("is_file", [False, True])
def test_values_come_back(store: Store, tmp_path: Path, size: int, is_file: bool) -> None:
    data = random.Random(size).randbytes(size)
    store.put("jobs/a/source", in_scratch(store, data) if is_file else data)
    assert store.get("jobs/a/source") == data
    assert store.size("jobs/a/source") == size
    assert store.fetch("jobs/a/source", tmp_path / "fetched").read_bytes() == data
    middle = size // 2
    assert store.read("jobs/a/source", middle, 1000) == data[middle : middle + 1000]
    assert store.read("jobs/a/source", size, 1000) == b""
    assert store.read("jobs/a/source", size + 1, 1) == b""
    assert not list(store.scratch.glob("test-*"))


def test_a_value_is_replaced_and_deleted(store: Store) -> None:
    store.put("jobs/a/result", b"one")
    store.put("jobs/a/result", b"another")
    assert store.get("jobs/a/result") == b"another"
    store.delete("jobs/a/result")
    store.delete("jobs/a/result")
    assert not store.has("jobs/a/result")


def test_a_value_is_created_once(store: Store) -> None:
    assert store.create("jobs/a/end.json", b"first")
    assert not store.create("jobs/a/end.json", b"second")
    assert not store.create("jobs/a/end.json", b"first")
    assert store.get("jobs/a/end.json") == b"first"
    store.delete("jobs/a/end.json")
    assert store.create("jobs/a/end.json", b"third")


@pytest.mark.parametrize(
    "act",
    [
        lambda store, path: store.get("jobs/none"),
        lambda store, path: store.read("jobs/none", 0, 1),
        lambda store, path: store.size("jobs/none"),
        lambda store, path: store.fetch("jobs/none", path),
        lambda store, path: store.get("jobs/a/b/below-a-value"),
    ],
)
def test_what_is_not_there(store: Store, tmp_path: Path, act: Callable[[Store, Path], object]) -> None:
    store.put("jobs/a/b", b"value")
    with pytest.raises(NotStored):
        act(store, tmp_path / "fetched")


KEYS = [*(f"jobs/a/out/{number}" for number in range(12)), "jobs/a-b/source", "jobs/a/job.json", "jobs/b/out/1"]


@pytest.mark.parametrize(
    ("prefix", "after"),
    [
        ("jobs/", ""),
        ("jobs/a/", ""),
        ("jobs/a/out/", "jobs/a/out/1"),
        ("jobs/a/out/", "jobs/a/out/10"),
        ("jobs/a/out/", "jobs/a/out/"),
        ("jobs/a/out/", "jobs/a/out/95"),
        ("jobs/a/out/", "jobs/z"),
        ("jobs/", "jobs/a-"),
        ("none/", ""),
    ],
)
def test_keys_are_listed_in_order(store: Store, prefix: str, after: str) -> None:
    for key in random.Random(1).sample(KEYS, len(KEYS)):
        store.put(key, b"")
    assert list(store.keys(prefix, after)) == sorted(key for key in KEYS if key.startswith(prefix) and key > after)


def test_all_below_a_prefix_is_deleted(store: Store) -> None:
    for key in KEYS:
        store.put(key, b"")
    store.delete("jobs/a/")
    assert list(store.keys("jobs/")) == ["jobs/a-b/source", "jobs/b/out/1"]
    store.delete("jobs/a/")


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/",
        "/etc/passwd",
        "../a",
        "a/../b",
        "a//b",
        "a/./b",
        ".scratch/a",
        "a/.b",
        "a\0b",
        "a b",
        "ä",
        "a\n",
        "a" * 201,
    ],
)
def test_no_key_leads_out_of_the_store(store: Store, tmp_path: Path, key: str) -> None:
    for act in (
        store.get,
        store.size,
        store.delete,
        lambda key: list(store.keys(key)),
        lambda key: store.put(key, b""),
    ):
        with pytest.raises(ValueError, match="not a key"):
            act(key)


def test_threads_create_a_value_once(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        for number in range(5):
            key = f"jobs/{number}/end.json"
            results = list(pool.map(lambda name, key=key: store.create(key, name), [b"%d" % each for each in range(8)]))
            assert results.count(True) == 1
            assert store.get(key) == b"%d" % results.index(True)


OPENED = """
import sys
from pathlib import Path
from jobs.directory_store import DirectoryStore
from jobs.s3_store import S3Store
store = S3Store(sys.argv[1]) if sys.argv[1].startswith("s3:") else DirectoryStore(Path(sys.argv[1]))
"""
CREATES = """
print("ready", flush=True)
sys.stdin.readline()
print(*(int(store.create(f"jobs/{number}/end.json", b"")) for number in range(50)))
"""
REPLACES = """
print("ready", flush=True)
while True:
    for letter in b"ab":
        store.put("jobs/a/result", bytes([letter]) * (20 << 20))
        print("put", flush=True)
"""


def started(url: str, code: str) -> subprocess.Popen[bytes]:
    """Another process with the store open."""
    process = subprocess.Popen(
        [sys.executable, "-c", OPENED + code, url], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def test_processes_create_a_value_once(url: str) -> None:
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(started(url, CREATES)) for _ in range(3)]
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(b"\n")
            process.stdin.flush()
        outputs = [process.communicate(timeout=60)[0].split() for process in processes]
    assert all(len(output) == 50 for output in outputs)
    assert [sum(map(int, wins)) for wins in zip(*outputs, strict=True)] == [1] * 50


def test_a_killed_writer_leaves_no_part_of_a_value(url: str, store: Store) -> None:
    with started(url, REPLACES) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"put\n"
        time.sleep(random.uniform(0, 0.2))
        process.kill()
    value = store.get("jobs/a/result")
    assert len(value) == 20 << 20
    assert len(set(value)) == 1
    assert list(store.keys("jobs/")) == ["jobs/a/result"]


@pytest.mark.parametrize("times", [1, s3_store.MAX_READS])
@pytest.mark.parametrize("is_file", [False, True])
def test_a_value_that_is_replaced_while_it_is_read(
    s3_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_file: bool, times: int
) -> None:
    """No value is put together of two, though a large one is read in pieces."""
    for name, value in aws(s3_port).items():
        monkeypatch.setenv(name, value)
    store = S3Store(f"s3://{BUCKET}/{tmp_path.name}/{random.getrandbits(60):x}")
    values = [bytes([number]) * 300_000 for number in range(times + 1)]
    store.put("jobs/a/result", values[0])
    replacements = iter(values[1:])
    real = S3Store._pieces

    def pieces(store: S3Store, key: str) -> Iterator[bytes]:
        for piece in real(store, key):
            yield piece
            if (value := next(replacements, None)) is not None:
                store._bucket.put(key, value)

    monkeypatch.setattr(S3Store, "_pieces", pieces)
    monkeypatch.setattr(s3_store, "PIECE", 1 << 16)
    read: Callable[[], bytes] = (
        (lambda: store.fetch("jobs/a/result", tmp_path / "fetched").read_bytes())
        if is_file
        else (lambda: store.get("jobs/a/result"))
    )
    if times == s3_store.MAX_READS:
        with pytest.raises(StoreUnavailable, match="again and again"):
            read()
    assert read() == values[-1]


def test_values_are_put_while_others_delete(store: Store) -> None:
    stop = threading.Event()

    def delete() -> None:
        while not stop.wait(0.001):
            store.delete("jobs/a/")

    with ThreadPoolExecutor(1) as pool:
        deleting = pool.submit(delete)
        try:
            for number in range(40):
                store.put(f"jobs/a/out/{number}", b"")
        finally:
            stop.set()
        deleting.result()
    store.delete("jobs/a/")
    assert not list(store.keys("jobs/"))


def test_old_temporary_files_are_deleted(store: Store) -> None:
    old, new = in_scratch(store, b"left by a killed process"), in_scratch(store, b"being written")
    folder = store.scratch / f"test-{random.getrandbits(60):x}"
    folder.mkdir()
    (folder / "band").write_bytes(b"")
    past = time.time() - SCRATCH_SECONDS - 60
    for path in (old, folder):
        os.utime(path, (past, past))
    store.tidy()
    assert not old.exists()
    assert not folder.exists()
    assert new.exists()
    new.unlink()


KEEPS_FILES = """
with store.scratch_folder("test") as folder:
    (folder / "band").write_bytes(b"samples")
    print("ready", flush=True)
    sys.stdin.readline()
"""


@pytest.mark.parametrize("is_killed", [True, False])
def test_temporary_files_of_a_killed_process_are_deleted_at_the_next_start(
    url: str, store: Store, is_killed: bool
) -> None:
    before = set(store.scratch.glob("test-*"))
    with started(url, KEEPS_FILES) as process:
        (folder,) = set(store.scratch.glob("test-*")) - before
        started_anew = opened(url)
        assert (folder / "band").exists()
        if is_killed:
            process.kill()
        else:
            process.communicate(b"\n", timeout=60)
    if is_killed:
        assert folder.exists()
        opened(url)
    assert not folder.exists()
    assert started_anew.scratch == store.scratch


def test_the_life_of_a_job_is_the_same_in_each_store(store: Store) -> None:
    ledger = Ledger(store, 1_000_000)
    job_id, name = ledger.claims.claim("", "key", "a")
    job = taken(ledger, id=job_id, group="holiday", key=name)
    with pytest.raises(IdempotencyMismatch):
        ledger.claims.claim("", "key", "b")
    ledger.work.begin(job.id, "plan")
    ledger.write_plan(job.id, PLAN)
    ledger.work.write_block(job.id, 0, b"pixels")
    assert ledger.status(job.id).done == PLAN.blocks[0].tiles
    ledger.finish_job(job.id, b"result", RESULT)
    assert not ledger.cancel(job.id)
    old = ended(ledger, 2 * HOUR)
    forgotten = ended(ledger, 8 * HOUR, group="holiday")
    Housekeeping(ledger, HOUR).tick()
    assert group_jobs(ledger.store, "", "holiday", "", 10) == [job.id]
    assert ledger.status(job.id).end
    assert ledger.status(old.id).is_expired
    assert forgotten.id not in " ".join(all_keys(store))
    forget(ledger, job.id)
    forget(ledger, old.id)
    assert all_keys(store) == []


# The directory


def test_a_directory_is_readable_by_its_user_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = DirectoryStore(tmp_path / "new" / "store")
        store.put("jobs/a/source", b"value")
        store.put("jobs/a/result", in_scratch(store, b"value"))
        store.create("jobs/a/out/1", b"value")
    finally:
        os.umask(before)
    below = [path for path in (tmp_path / "new").rglob("*") if path.name != SCRATCH or path.is_dir()]
    assert {path.stat().st_mode & 0o777 for path in below if path.is_dir()} == {0o700}
    assert {path.stat().st_mode & 0o777 for path in below if path.is_file()} == {0o600}


def test_no_empty_directories_are_left(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    for key in ("groups/ann/holiday/1", "groups/ann/holiday/2", "groups/bob/holiday/1", "jobs/1/out/7", "open/1"):
        store.put(key, b"")
    for key in ("groups/ann/holiday/1", "groups/ann/holiday/2", "open/1"):
        store.delete(key)
    store.delete("jobs/1/")
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_dir()}
    assert found == {SCRATCH, "groups", "groups/bob", "groups/bob/holiday", "jobs", "open"}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO, errno.EDQUOT])
@pytest.mark.parametrize("name", ["open", "fsync", "replace", "link"])
def test_failures_of_a_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, name: str) -> None:
    store = DirectoryStore(tmp_path)

    def fail(*args: object, **options: object) -> None:
        raise OSError(number, os.strerror(number), str(tmp_path))

    with monkeypatch.context() as patches:
        patches.setattr(os, name, fail)
        act: Callable[[], object] = (
            (lambda: store.create("jobs/a", b"value")) if name == "link" else lambda: store.put("jobs/a", b"value")
        )
        with pytest.raises(StoreUnavailable) as caught:
            act()
    assert str(tmp_path) not in caught.value.detail
    assert os.strerror(number) in caught.value.detail
    assert not store.has("jobs/a")
    assert not list((tmp_path / SCRATCH).iterdir())
    store.put("jobs/a", b"value")


ALL = [
    lambda store: store.put("jobs/a/b", b""),
    lambda store: store.create("jobs/a/c", b""),
    lambda store: store.get("jobs/a/b"),
    lambda store: store.read("jobs/a/b", 0, 1),
    lambda store: store.size("jobs/a/b"),
    lambda store: list(store.keys("jobs/")),
    lambda store: store.scratch,
]


@pytest.mark.parametrize("act", ALL)
def test_a_store_that_is_gone_is_not_made_anew(tmp_path: Path, act: Callable[[Store], Any]) -> None:
    store = DirectoryStore(tmp_path / "store")
    store.put("jobs/a/b", b"")
    (tmp_path / "store").rename(tmp_path / "elsewhere")
    with pytest.raises(StoreUnavailable, match="gone"):
        act(store)
    (tmp_path / "store").mkdir()  # such as the empty place of a volume that is not mounted
    with pytest.raises(StoreUnavailable, match="gone"):
        act(store)
    (tmp_path / "store").rmdir()
    (tmp_path / "elsewhere").rename(tmp_path / "store")
    act(store)


def test_a_store_that_cannot_be_made_is_logged_and_tried_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_bytes(b"")
    store = DirectoryStore(tmp_path / "file" / "store")
    assert "not available" in caplog.text
    with pytest.raises(StoreUnavailable, match="Not a directory"):
        store.put("jobs/a", b"value")
    (tmp_path / "file").unlink()
    store.put("jobs/a", b"value")
    assert store.get("jobs/a") == b"value"


def test_a_file_system_without_hard_links_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", fail)
    store = DirectoryStore(tmp_path)
    assert "not available" in caplog.text
    with pytest.raises(StoreUnavailable, match="no hard links"):
        store.put("jobs/a", b"value")


def test_a_link_whose_answer_was_lost_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = DirectoryStore(tmp_path)
    link = os.link

    def repeat(source: Path, target: Path) -> None:
        link(source, target)
        link(source, target)

    monkeypatch.setattr(os, "link", repeat)
    assert store.create("jobs/a", b"value")


# S3


def bucket_store(monkeypatch: pytest.MonkeyPatch, port: int, bucket: str = BUCKET) -> S3Store:
    for name, value in aws(port).items():
        monkeypatch.setenv(name, value)
    return S3Store(f"s3://{bucket}")


@pytest.mark.parametrize("act", ALL[:-1])
def test_a_server_that_is_gone(monkeypatch: pytest.MonkeyPatch, act: Callable[[Store], Any]) -> None:
    monkeypatch.setitem(s3_store.RETRIES, "max_retries", 2)
    store = bucket_store(monkeypatch, free_port())
    with pytest.raises(StoreUnavailable, match="does not answer") as caught:
        act(store)
    assert "127.0.0.1" not in caught.value.detail


@pytest.mark.parametrize("act", [ALL[0], ALL[1], ALL[2], ALL[5]])
def test_a_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch, act: Callable[[Store], Any]) -> None:
    monkeypatch.setitem(s3_store.CLIENT, "timeout", timedelta(milliseconds=200))
    monkeypatch.setitem(s3_store.RETRIES, "max_retries", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = bucket_store(monkeypatch, silent.getsockname()[1])
        before = time.monotonic()
        with pytest.raises(StoreUnavailable, match="does not answer"):
            act(store)
        assert time.monotonic() - before < 10


def test_requests_are_bounded() -> None:
    connect, request = s3_store.CLIENT["connect_timeout"], s3_store.CLIENT["timeout"]
    assert isinstance(connect, timedelta)
    assert isinstance(request, timedelta)
    assert connect <= timedelta(seconds=5)
    assert request + s3_store.RETRIES["retry_timeout"] < timedelta(minutes=1)


@pytest.mark.parametrize("act", [*ALL[:3], ALL[5], lambda store: store.delete("jobs/a/")])
def test_a_bucket_that_is_not_there(monkeypatch: pytest.MonkeyPatch, s3_port: int, act: Callable[[Store], Any]) -> None:
    with pytest.raises(StoreUnavailable):
        act(bucket_store(monkeypatch, s3_port, "elsewhere"))


def test_a_request_that_was_repeated_after_its_success_counts(monkeypatch: pytest.MonkeyPatch, s3_port: int) -> None:
    store = bucket_store(monkeypatch, s3_port)
    upload: Any = store._bucket.put

    def repeat(*args: object, **options: object) -> object:
        upload(*args, **options)
        return upload(*args, **options)

    monkeypatch.setattr(S3Store, "_bucket", Repeating(store._bucket, repeat))
    assert store.create("jobs/repeated", b"value")
    assert not store.create("jobs/repeated", b"value")


FORKS = """
store.put("jobs/a", b"")
child = os.fork()
if not child:
    signal.alarm(30)
    try:
        store.get("jobs/a")
    except RuntimeError as exc:
        print(exc, flush=True)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""


def test_a_fork_is_an_error_and_no_deadlock(monkeypatch: pytest.MonkeyPatch, s3_port: int) -> None:
    bucket_store(monkeypatch, s3_port)
    code = f"import os, signal{OPENED}{FORKS}"
    done = subprocess.run(
        [sys.executable, "-c", code, f"s3://{BUCKET}"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert "fork" in done.stdout


class Repeating:
    """A bucket whose uploads are made twice."""

    def __init__(self, bucket: Any, put: Callable[..., object]) -> None:
        self.bucket = bucket
        self.put = put

    def __getattr__(self, name: str) -> Any:
        return getattr(self.bucket, name)


def test_temporary_files_of_a_bucket_are_of_the_user_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    scratch = S3Store(f"s3://{BUCKET}").scratch
    assert scratch.stat().st_mode & 0o777 == 0o700
    scratch.chmod(0o755)
    with pytest.raises(StoreUnavailable, match="somebody else"):
        _ = S3Store(f"s3://{BUCKET}").scratch


def test_opening_a_bucket_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        bucket_store(monkeypatch, silent.getsockname()[1])
        silent.setblocking(False)
        assert not wait_for(lambda: bool(accepted(silent)), 0.2)


def accepted(server: socket.socket) -> bool:
    with contextlib.suppress(BlockingIOError):
        server.accept()[0].close()
        return True
    return False
