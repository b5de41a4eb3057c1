"""One decoder process, as the service sees it."""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from multiprocessing import forkserver, resource_tracker
from typing import TypeVar, cast

from superscaling.isolation import worker
from superscaling.isolation.handover import Handover
from superscaling.isolation.transfer import receive, receive_handle, send
from superscaling.isolation.watch import PATIENCE, Watch

T = TypeVar("T")

# Processes are forked from a small process with one thread; forking the service, with its engine's threads, may hang.
CONTEXT = multiprocessing.get_context("forkserver")
# Seconds that a process may take to be ready.
START_TIMEOUT = 30.0
# Held while a process is started or buried: multiprocessing looks at all of them then, and is not made for threads.
LIFE_AND_DEATH = threading.Lock()
# Bytes of a crash report that are read.
MAX_REPORT = 10_000
WATCH = Watch()


class ProcessDied(Exception):
    """The process has ended by itself, or was killed from outside.

    `signal`: the number of the signal that ended it, or None; `report`: what it could still say, if anything;
    `has_ended`: False if it could only not be understood, and was ended for that.
    """

    def __init__(self, exit_code: int | None, report: str) -> None:
        self.signal = -exit_code if exit_code is not None and exit_code < 0 else None
        self.report = report
        self.has_ended = exit_code is not None
        way = f"by {signal.Signals(self.signal).name}" if self.signal else f"with status {exit_code}"
        what = f"ended {way}" if self.has_ended else "could not be understood"
        super().__init__(f"a decoder process {what}" + (f"\n{report}" if report else ""))


class DecoderProcess:
    """A process that decodes. One call at a time; after an exception it is over. `calls`: how many it has had.

    Raises:
        OSError, EOFError, TimeIsUp, ProcessDied: it can't be started.
    """

    def __init__(self) -> None:
        self.calls = 0
        self._is_over = False
        self._fault_log: int | None = None
        self._connection, theirs = CONTEXT.Pipe()
        self._process = CONTEXT.Process(target=worker.serve, args=(theirs,), name="decoder", daemon=True)
        try:
            with LIFE_AND_DEATH, _shielded():
                _ensure_fork_server()
                self._process.start()
            self.pid = cast(int, self._process.pid)
        except BaseException:
            self._connection.close()
            raise
        finally:
            theirs.close()
        self._fault_log = self._bounded(self._greeting, START_TIMEOUT, lambda: None)

    @property
    def is_alive(self) -> bool:
        """Whether the process waits for a call. Between two calls there is nothing to be read but its end."""
        return not self._connection.poll()

    @property
    def is_usable(self) -> bool:
        """Whether no call has failed."""
        return not self._is_over

    def call(
        self,
        call: worker.Call | Handover[worker.EncodeCall],
        data: bytes | None,
        seconds: float,
        check: Callable[[], None],
    ) -> worker.Answer:
        """Ask the process, and wait for its answer.

        Args:
            call: what is asked. An order to encode is taken, and freed once it is sent.
            data: the file that a `Call` is about; None for others.
            seconds: that it may take.
            check: called now and then meanwhile; if it raises, nobody wants the answer any more.

        Raises:
            TimeIsUp, ProcessDied: there is no answer.
            Exception: whatever `check` raises.
        """
        self.calls += 1
        return self._bounded(lambda: self._exchange(call, data), seconds, check)

    def end(self) -> None:
        """End the process, whatever it does. May be called more than once."""
        with LIFE_AND_DEATH:
            if self._is_over:
                return
            self._is_over = True
            self._process.kill()
            self._process.join()
            self._process.close()
            self._connection.close()
            if self._fault_log is not None:
                os.close(self._fault_log)

    def _greeting(self) -> int:
        receive(self._connection)
        return receive_handle(self._connection)

    def _exchange(self, call: worker.Call | Handover[worker.EncodeCall], data: bytes | None) -> worker.Answer:
        send(self._connection, call.take() if isinstance(call, Handover) else call)
        if data is not None:
            self._connection.send_bytes(data)
        return cast(worker.Answer, receive(self._connection))

    def _bounded(self, talk: Callable[[], T], seconds: float, check: Callable[[], None]) -> T:
        """Talk to the process, which may stop in the middle of a message, for as long as `call` says."""
        try:
            with WATCH.over(seconds, check, self._kill):
                return talk()
        except (EOFError, OSError) as exc:
            raise self._died() from exc
        except BaseException:
            self.end()
            raise

    def _kill(self) -> None:
        with contextlib.suppress(ValueError, OSError):  # it was ended meanwhile
            self._process.kill()

    def _died(self) -> ProcessDied:
        report, exit_code = b"", None
        with LIFE_AND_DEATH:
            if not self._is_over:
                if self._fault_log is not None:
                    report = os.pread(self._fault_log, MAX_REPORT, 0)
                self._process.join(PATIENCE)
                exit_code = self._process.exitcode
        self.end()
        return ProcessDied(exit_code, report.decode(errors="replace"))


def start_fork_server() -> None:
    """Start what processes are forked from, without waiting for it. It ends with this process.

    Raises:
        OSError: it can't be started.
    """
    with LIFE_AND_DEATH, _shielded():
        _ensure_fork_server()


def _ensure_fork_server() -> None:
    # What decoders need is loaded before one is forked. The main module, too: otherwise each would import it.
    CONTEXT.set_forkserver_preload(["__main__", "superscaling.isolation.worker"])
    forkserver.ensure_running()


@contextlib.contextmanager
def _shielded() -> Iterator[None]:
    """Let processes that are started within ignore SIGTERM, by which a process manager may end a whole group."""
    resource_tracker.ensure_running()  # its start would end the shield
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
