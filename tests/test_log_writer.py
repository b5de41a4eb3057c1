"""Log lines that nobody reads."""

import errno
import io
import logging
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from superscaling import log_writer
from superscaling.log_writer import LineWriter


class Stuck(io.StringIO):
    """A stream whose reader has stopped for a while."""

    def __init__(self) -> None:
        super().__init__()
        self.began = threading.Event()
        self.goes_on = threading.Event()

    def write(self, text: str) -> int:
        self.began.set()
        self.goes_on.wait(20)
        return super().write(text)


@pytest.fixture
def stream() -> Iterator[Stuck]:
    stream = Stuck()
    yield stream
    stream.goes_on.set()


def log(writer: LineWriter, text: str) -> None:
    writer.handle(logging.makeLogRecord({"name": "test", "levelname": "INFO", "msg": text}))


def test_lines_are_lost_and_counted(stream: Stuck, monkeypatch: pytest.MonkeyPatch) -> None:
    """No thread waits, and the log says where lines are missing."""
    monkeypatch.setattr(log_writer, "MAX_WAITING_LINES", 3)
    writer = LineWriter(stream)
    log(writer, "first")
    assert stream.began.wait(20)
    for number in range(8):
        log(writer, str(number))
    assert writer.lost == 5
    stream.goes_on.set()
    writer.flush()
    log(writer, "last")
    writer.flush()
    lost = "5 log lines were lost here: nobody has read the log for a while, or it could not be written"
    assert stream.getvalue().splitlines() == ["first", "0", "1", "2", lost, "last"]


def test_the_end_waits_for_a_while_only(stream: Stuck, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_writer, "FLUSH_SECONDS", 0.05)
    writer = LineWriter(stream)
    log(writer, "first")
    writer.flush()
    assert stream.getvalue() == ""


def test_a_reader_that_has_gone() -> None:
    """Nothing fails, and nothing waits."""
    reader, end = os.pipe()
    os.close(reader)
    with os.fdopen(end, "w") as broken:
        writer = LineWriter(broken)
        for text in ("first", "second"):
            log(writer, text)
            writer.flush()
    assert writer.lost == 2


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written in part is lost as well; the log says how much is missing once there is room."""
    room = 17

    def write(descriptor: int, data: memoryview) -> int:
        nonlocal room
        if not room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        part = data[:room]
        room -= len(part)
        return real_write(descriptor, part)

    real_write = os.write
    with (tmp_path / "log").open("w") as file:
        writer = LineWriter(file)
        with monkeypatch.context() as patches:
            patches.setattr(os, "write", write)
            with writer._changed:  # so that the thread finds all of them
                for text in ("first", "second", "third", "fourth"):
                    log(writer, text)
            writer.flush()
        assert writer.lost == 2
        log(writer, "last")
        writer.flush()
    first, second, _, lost = (tmp_path / "log").read_text().splitlines()
    assert (first, second) == ("first", "second")
    assert lost.startswith("2 log lines were lost here")


def test_what_the_encoding_has_not() -> None:
    """One such character costs no other line."""
    reader, end = os.pipe()
    with os.fdopen(reader, encoding="ascii") as log_file:
        with os.fdopen(end, "w", encoding="ascii") as stream:
            writer = LineWriter(stream)
            for text in ("one", "\udc80", "\u00e9", "two"):
                log(writer, text)
            writer.flush()
        assert log_file.read().splitlines() == ["one", r"\udc80", r"\xe9", "two"]
    assert writer.lost == 0


def test_a_record_that_cant_be_formatted(stream: Stuck, capsys: pytest.CaptureFixture[str]) -> None:
    """As with other handlers, its caller does not notice."""
    stream.goes_on.set()
    writer = LineWriter(stream)
    writer.handle(logging.makeLogRecord({"msg": "%d", "args": ("a",)}))
    log(writer, "next")
    writer.flush()
    assert stream.getvalue() == "next\n"
    assert "TypeError: %d format" in capsys.readouterr().err


def test_a_thread_that_cant_be_started(stream: Stuck, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line waits for the next one."""

    def fail(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    stream.goes_on.set()
    writer = LineWriter(stream)
    with monkeypatch.context() as patches:
        patches.setattr(threading.Thread, "start", fail)
        log(writer, "first")
    log(writer, "second")
    writer.flush()
    assert stream.getvalue() == "first\nsecond\n"


def test_whatever_fails_the_thread_goes_on(stream: Stuck, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(text: str) -> int:
        raise RuntimeError("reentrant call")

    writer = LineWriter(stream)
    with monkeypatch.context() as patches:
        patches.setattr(stream, "write", fail)
        log(writer, "first")
        writer.flush()
    assert writer.lost == 1
    stream.goes_on.set()
    log(writer, "second")
    writer.flush()
    assert stream.getvalue().startswith("second\n1 log lines were lost here")


def test_a_process_that_is_forked_during_a_write() -> None:
    """The child can write, although the thread of its parent is in the middle of a line."""
    reader, end = os.pipe()
    stream = os.fdopen(end, "w")
    writer = LineWriter(stream)
    log(writer, "x" * (1 << 20))
    assert os.read(reader, 1) == b"x"  # the rest waits for room
    if (child := os.fork()) == 0:
        signal.alarm(20)
        log(writer, "child")
        data = b""
        while b"child\n" not in data:
            data = data[-10:] + os.read(reader, 1 << 16)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    os.close(reader)
    writer.flush()
    stream.close()


def test_a_child_process_has_a_thread_of_its_own() -> None:
    """And none of the lines of its parent."""
    stream = io.StringIO()
    writer = LineWriter(stream)
    log(writer, "parent")
    writer.flush()
    reader, end = os.pipe()
    if (child := os.fork()) == 0:
        log(writer, "child")
        writer.flush()
        os.write(end, stream.getvalue().encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 100) == b"parent\nchild\n"
    os.close(reader)
    os.close(end)
