"""Finding, downloading and verifying weights, against a local server."""

import errno
import hashlib
import os
import sys
import time
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from conftest import QuietHandler

from superscaling.errors import ModelUnavailable, WeightsRefused
from superscaling.models import LITE, TABLE, Weights, find_weights

CONTENT = bytes(range(256)) * 4096  # 1 MiB
ROW = Weights(
    name="test",
    rdn=LITE,
    file="test.hdf5",
    bytes=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    url="http://localhost:1/never",
)


class Handler(QuietHandler):
    """Serves the file with the behaviour named by the path."""

    def do_GET(self) -> None:
        kind = self.path.split("/")[1]
        if kind == "nothing":
            return  # the connection is closed without an answer
        if kind == "missing":
            self.send_error(404)
            return
        self.send_response(200)
        if kind != "length-unknown":
            self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        if kind == "silent":
            self.wfile.write(CONTENT[:1000])
            time.sleep(3)
        elif kind == "half":
            self.wfile.write(CONTENT[: len(CONTENT) // 2])
        elif kind == "slow":
            for start in range(0, len(CONTENT), len(CONTENT) // 16):
                self.wfile.write(CONTENT[start : start + len(CONTENT) // 16])
                time.sleep(0.1)
        elif kind == "wrong":
            self.wfile.write(CONTENT[::-1])
        elif kind == "page":
            self.wfile.write(b"<html>quota exceeded</html>")
        elif kind == "length-unknown":
            self.wfile.write(CONTENT + b"more" * 100_000)
        else:
            self.wfile.write(CONTENT)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def assert_nothing_left(directory: Path) -> None:
    assert list(directory.iterdir()) == []


@pytest.mark.parametrize("kind", ["right", "slow"])
def test_downloaded_once_then_found(url: str, tmp_path: Path, kind: str) -> None:
    """A slow download succeeds as long as data arrives."""
    cache = tmp_path / "not" / "there" / "yet"
    path = find_weights(ROW, [cache], f"{url}/{kind}/", timeout=1)
    assert path.read_bytes() == CONTENT
    assert [file.name for file in cache.iterdir()] == [ROW.file]
    assert find_weights(ROW, [cache], f"{url}/nothing") == path


@pytest.mark.parametrize(
    ("kind", "error", "message"),
    [
        ("wrong", WeightsRefused, rf"1048576 bytes with the SHA-256 [0-9a-f]{{64}}; .* {ROW.sha256}: not used"),
        ("half", WeightsRefused, "524288 bytes with the SHA-256"),
        ("page", WeightsRefused, "27 bytes with the SHA-256"),
        ("length-unknown", WeightsRefused, "more than 1048576 bytes"),
        ("nothing", ModelUnavailable, "could not be downloaded from http://127"),
        ("missing", ModelUnavailable, "HTTP Error 404"),
        ("silent", ModelUnavailable, "timed out"),
    ],
)
def test_a_bad_download_leaves_nothing(
    url: str, tmp_path: Path, kind: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        find_weights(ROW, [tmp_path], f"{url}/{kind}", timeout=0.5)
    assert_nothing_left(tmp_path)


@pytest.mark.parametrize("base_url", ["", "http://127.0.0.1:1", "not a URL", "ftp://127.0.0.1:1"])
def test_no_way_to_get_it(tmp_path: Path, base_url: str) -> None:
    """The message says what to do."""
    with pytest.raises(ModelUnavailable, match=f"Put test.hdf5 .SHA-256 {ROW.sha256}. .*UPSCALER_WEIGHTS_DIR"):
        find_weights(ROW, [tmp_path], base_url)
    assert_nothing_left(tmp_path)


def test_directories_come_first_in_their_order(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / ROW.file).write_bytes(CONTENT)
    assert find_weights(ROW, [tmp_path / "first", tmp_path / "second"], "").parent.name == "first"


def test_a_wrong_file_in_a_directory_is_refused(tmp_path: Path) -> None:
    """The file is reported, not replaced silently."""
    (tmp_path / ROW.file).write_bytes(b"other")
    with pytest.raises(WeightsRefused, match=f"{hashlib.sha256(b'other').hexdigest()}, not {ROW.sha256}"):
        find_weights(ROW, [tmp_path], "")
    assert (tmp_path / ROW.file).read_bytes() == b"other"


def test_a_directory_that_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelUnavailable, match="cache can't be written: Not a directory; name another"):
        find_weights(ROW, [tmp_path / "file" / "cache"], "")


@pytest.mark.parametrize("failing", ["is_file", "open"])
def test_a_disk_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    """The one line that every failed start ends with, and no traceback."""
    (tmp_path / ROW.file).write_bytes(CONTENT)

    def fail(path: Path, *arguments: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(Path, failing, fail)
    with pytest.raises(ModelUnavailable, match=r"test\.hdf5 can't be read: Input/output error"):
        find_weights(ROW, [tmp_path], "")


def test_the_table_is_isrs() -> None:
    """Names, architectures and URLs of idealo's weights equal those of the ISR package."""
    from superscaling.engines.tensorflow import build_isr  # imports ISR with the necessary precautions

    published = sys.modules[type(build_isr(LITE)).__module__].WEIGHTS_URLS
    for name, theirs in published.items():
        ours = TABLE[name]
        assert f"{ours.url}/{ours.file}" == theirs["url"]
        assert ours.architecture.arch_params == theirs["arch_params"]
        assert ours.architecture.upscaling == "ups"
    assert {row.name for row in TABLE.values() if row.rdn} - set(published) == {
        "noise-cancel-lite",
        "noise-cancel-small",
    }


@pytest.mark.parametrize(
    ("name", "radius"),
    [
        ("noise-cancel-lite", 26),
        ("noise-cancel-small", 38),
        ("psnr-small", 38),
        ("noise-cancel", 128),
        ("psnr-large", 128),
    ],
)
def test_receptive_fields(name: str, radius: int) -> None:
    assert TABLE[name].architecture.receptive_field == radius
