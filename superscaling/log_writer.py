"""Log lines that never make their thread wait: a thread of its own writes them, and others are dropped."""

import contextlib
import io
import itertools
import logging
import os
import threading
from collections import deque
from typing import TextIO

# Lines that wait to be written. A pipe whose reader has stopped takes 64 KiB, then nothing.
MAX_WAITING_LINES = 10_000
# Seconds that the process waits at its end for what is still to be written.
FLUSH_SECONDS = 2.0


class LineWriter(logging.Handler):
    """Writes records to a stream, one line each. `lost`: how many were dropped, unread or not to be written.

    Args:
        stream: standard output, for instance; a thread of this handler may wait for it for ever.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self.lost = 0
        self._stream = stream
        self._begin()
        os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        """Begin with no lines, and no thread: threads, and the lines that they write, stay with the parent process."""
        self._changed = threading.Condition()
        self._lines = deque[str]()
        self._left_out = 0
        self._is_writing = False
        self._thread: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Leave a record to the thread that writes. One that can't be formatted is reported on standard error."""
        try:
            line = self.format(record)
        except Exception:
            self.handleError(record)
            return
        with self._changed:
            if len(self._lines) >= MAX_WAITING_LINES:
                self.lost += 1
                self._left_out += 1
                return
            self._lines.append(line)
            if self._thread is None:
                thread = threading.Thread(target=self._write, name="log", daemon=True)
                with contextlib.suppress(RuntimeError):  # there are too many threads: the next line tries again
                    thread.start()
                    self._thread = thread
            self._changed.notify_all()

    def flush(self) -> None:
        """Wait until all is written, but not for long."""
        with self._changed:
            self._changed.wait_for(lambda: not self._lines and not self._is_writing, FLUSH_SECONDS)

    def _write(self) -> None:
        untold = 0  # lost lines that the log does not mention yet
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._lines))
                lines = list(self._lines)
                self._lines.clear()
                left_out, self._left_out = self._left_out, 0
                self._is_writing = True
            failed = self._put(lines)
            untold += left_out + failed
            if untold and self._tell(untold):
                untold = 0
            with self._changed:
                self.lost += failed
                self._is_writing = False
                self._changed.notify_all()

    def _tell(self, lost: int) -> bool:
        """Write that lines are missing. Returns whether that was written."""
        text = f"{lost} log lines were lost here: nobody has read the log for a while, or it could not be written"
        try:
            line = self.format(logging.makeLogRecord({"name": "service", "levelname": "ERROR", "msg": text}))
        except Exception:
            return False
        return not self._put([line])

    def _put(self, lines: list[str]) -> int:
        """Write lines, all at once. Returns how many were not written: the reader has gone, or the disk is full.

        They go past the buffer of the stream. It would keep what can't be written, and if a process is forked
        meanwhile, the buffer's lock stays taken there.
        """
        ends: list[int] = []
        written = 0
        with contextlib.suppress(Exception):
            encoding = self._stream.encoding or "utf-8"
            encoded = [f"{line}\n".encode(encoding, "backslashreplace") for line in lines]
            ends = list(itertools.accumulate(map(len, encoded)))
            data = b"".join(encoded)
            try:
                descriptor = self._stream.fileno()
            except io.UnsupportedOperation:  # it is in memory
                self._stream.write(data.decode(encoding))
                written = len(data)
            while written < len(data):
                written += os.write(descriptor, memoryview(data)[written:])
        return len(lines) - sum(end <= written for end in ends)


def lost_lines() -> int:
    """How many lines of this process's log were lost."""
    return sum(each.lost for each in logging.getLogger().handlers if isinstance(each, LineWriter))
