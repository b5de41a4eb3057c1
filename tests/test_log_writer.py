"""Log lines that nobody reads."""

import io
import logging
import os
import threading
from collections.abc import Iterator

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
    lost = "5 log lines were lost here: nobody has read the log for a while"
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
    broken = os.fdopen(end, "w")
    writer = LineWriter(broken)
    for text in ("first", "second"):
        log(writer, text)
        writer.flush()
    with pytest.raises(BrokenPipeError):
        broken.close()


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
