"""Log lines that never make their thread wait: a thread of its own writes them, and what nobody reads is dropped."""

import contextlib
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
    """Writes records to a stream, one line each. `lost`: how many were dropped, as nobody read them.

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
        self._lost_since = 0
        self._is_writing = False
        self._thread: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Leave a record to the thread that writes."""
        line = self.format(record)
        with self._changed:
            if len(self._lines) >= MAX_WAITING_LINES:
                self.lost += 1
                self._lost_since += 1
                return
            self._lines.append(line)
            if self._thread is None:
                self._thread = threading.Thread(target=self._write, name="log", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self) -> None:
        """Wait until all is written, but not for long."""
        with self._changed:
            self._changed.wait_for(lambda: not self._lines and not self._is_writing, FLUSH_SECONDS)

    def _write(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._lines))
                lines = list(self._lines)
                self._lines.clear()
                lost, self._lost_since = self._lost_since, 0
                self._is_writing = True
            if lost:
                text = f"{lost} log lines were lost here: nobody has read the log for a while"
                lines.append(self.format(logging.makeLogRecord({"name": "service", "levelname": "ERROR", "msg": text})))
            with contextlib.suppress(OSError, ValueError):  # the reader has gone for ever, or the stream is closed
                self._stream.write("".join(f"{line}\n" for line in lines))
                self._stream.flush()
            with self._changed:
                self._is_writing = False
                self._changed.notify_all()


def lost_lines() -> int:
    """How many lines of this process's log were lost."""
    return sum(each.lost for each in logging.getLogger().handlers if isinstance(each, LineWriter))
