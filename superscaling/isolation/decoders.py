"""The decoder processes of a service, which encode as well."""

import dataclasses
import functools
import logging
import math
import threading
from collections.abc import Callable
from multiprocessing.util import Finalize
from typing import Protocol, cast

from superscaling.errors import DeadlinePassed, DecoderUnavailable, ImageUndecodable, StartError
from superscaling.format_name import FormatName
from superscaling.isolation.failures import WAY_OUT, encoder_ended, ended_by, not_started, unavailable
from superscaling.isolation.handover import Handover
from superscaling.isolation.process import DecoderProcess, ProcessDied, start_fork_server
from superscaling.isolation.watch import TimeIsUp
from superscaling.isolation.worker import Answer, Call, EncodeCall, Header, OutOfMemory, contiguous
from superscaling.pictures import Encoded, Limits, Picture, Size, encode, inspect
from superscaling.scheduling import Deadline, Timings

log = logging.getLogger(__name__)

# Processes that are kept for the next pictures; more are started when more pictures come at a time.
KEPT = 2
# Calls after which a process is replaced, so that what its libraries leak is freed.
MAX_CALLS = 500
# What keeps a process from starting, or ends it meanwhile.
FAILURES = (OSError, EOFError, TimeIsUp, ProcessDied)


class Inspected(Protocol):
    """An image file that is within the limits and not decoded yet; see `superscaling.pictures.InspectedImage`."""

    @property
    def format(self) -> FormatName:
        """Of the answer, unless another is asked for."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Why that is not the file's format, for people."""

    @property
    def sizes(self) -> tuple[Size, ...]:
        """Of each frame or page."""

    def decode(self) -> Picture:
        """Decode the file, once."""


class Decoder(Protocol):
    """`Decoders`, or `InThisProcess`."""

    def inspect(self, data: bytes, limits: Limits, deadline: Deadline, timings: Timings) -> Inspected:
        """As `superscaling.pictures.inspect`; `deadline` ends what takes long, decoding as well."""

    def encode(self, order: Handover[EncodeCall], deadline: Deadline, timings: Timings) -> Encoded:
        """As `superscaling.pictures.encode`; `deadline` ends what takes long. The order is taken."""


class InThisProcess:
    """A decoder without isolation, for tests and tools."""

    def inspect(self, data: bytes, limits: Limits, deadline: Deadline, timings: Timings) -> Inspected:
        """Inspect a file here; nothing ends what takes long."""
        return inspect(data, limits)

    def encode(self, order: Handover[EncodeCall], deadline: Deadline, timings: Timings) -> Encoded:
        """Encode a picture here; nothing ends what takes long."""
        call = order.take()
        return encode(call.picture, call.name, call.quality, call.default_quality, call.choice)


class Decoders:
    """Decodes each picture in a process of its own, which ends if it crashes, hangs or takes too much memory.

    Results are encoded in such processes, too.

    As many processes run as callers ask at a time; each is started when it is needed.

    Args:
        seconds: that inspecting or decoding a picture may take.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._idle = list[DecoderProcess]()
        self._all = set[DecoderProcess]()
        # Before multiprocessing waits for all processes, at the latest.
        self.close = Finalize(self, _end, args=(self._all, self._idle), exitpriority=1)

    def prepare(self) -> None:
        """Begin to start what processes are forked from; `start` waits for it.

        Raises:
            StartError: it can't be started.
        """
        try:
            start_fork_server()
        except OSError as exc:
            raise _start_error(exc) from exc

    def start(self) -> None:
        """Start the first process.

        Raises:
            StartError: it can't be started, and no other could.
        """
        try:
            self._give_back(self._new())
        except FAILURES as exc:
            raise _start_error(exc) from exc

    def inspect(self, data: bytes, limits: Limits, deadline: Deadline, timings: Timings) -> Inspected:
        """Read the header of an image file and check it against `limits`.

        Args:
            data: the file.
            limits: of pictures.
            deadline, timings: of the request; they end this, and decoding, early.

        Raises:
            ServiceError: as `superscaling.pictures.inspect`.
            ImageUndecodable: it takes too much time or memory, or crashes the decoder.
            DecoderUnavailable: the decoder was killed from outside, or can't be started.
            ClientGone, DeadlinePassed, ServiceStopping: nobody waits for it any more.
        """
        return _Isolated(functools.partial(self._ask, data, limits, functools.partial(deadline.check, timings)))

    def encode(self, order: Handover[EncodeCall], deadline: Deadline, timings: Timings) -> Encoded:
        """Write a picture as a file.

        Args:
            order: the picture and how it is written. It is taken: while it is encoded, its pixels are in memory only
                once, in what both processes share.
            deadline, timings: of the request; they end this early.

        Raises:
            FormatCannotHold: as `superscaling.pictures.encode`.
            DecoderUnavailable: the process ended, had too little memory, or can't be started.
            ClientGone, DeadlinePassed, ServiceStopping: nobody waits for it any more.
        """
        process = self._take()
        try:
            answer = process.call(_laid_out(order), None, math.inf, functools.partial(deadline.check, timings))
            if isinstance(answer, OutOfMemory):
                process.end()
        except ProcessDied as exc:
            raise encoder_ended() from exc
        finally:
            self._give_back(process)
        if isinstance(answer, OutOfMemory):
            raise encoder_ended()
        return cast(Encoded, _value(answer))

    @property
    def pids(self) -> list[int]:
        """The ids of all processes."""
        with self._lock:
            return [process.pid for process in self._all]

    def _ask(self, data: bytes, limits: Limits, check: Callable[[], None], decode: bool) -> Header | Picture:
        process = self._take()
        try:
            answer = process.call(Call(limits, decode), data, self._seconds, check)
            if isinstance(answer, OutOfMemory):  # what it has allocated by then may stay allocated
                process.end()
        except TimeIsUp:
            raise ImageUndecodable(
                f"decoding the image took longer than {self._seconds:g} s: {WAY_OUT}",
                "time",
                limit=self._seconds,
                setting="decode_timeout",
            ) from None
        except DeadlinePassed as exc:  # which ended the decoder
            exc.decoder_failure = "time"
            raise
        except ProcessDied as exc:
            raise _death(exc) from exc
        finally:
            self._give_back(process)
        return cast(Header | Picture, _value(answer))

    def _take(self) -> DecoderProcess:
        while True:
            with self._lock:
                if not self._idle:
                    break
                process = self._idle.pop()
            if process.is_alive:
                return process
            log.warning("an idle decoder process has ended, and is replaced")
            process.end()
            self._give_back(process)
        try:
            return self._new()
        except FAILURES as exc:
            raise not_started() from exc

    def _new(self) -> DecoderProcess:
        process = DecoderProcess()
        with self._lock:
            self._all.add(process)
        return process

    def _give_back(self, process: DecoderProcess) -> None:
        with self._lock:
            if process.is_usable and process.calls < MAX_CALLS and len(self._idle) < KEPT:
                self._idle.append(process)
                return
            self._all.discard(process)
        process.end()


class _Isolated:
    """An image file that was inspected in another process, and is decoded there."""

    def __init__(self, ask: Callable[[bool], Header | Picture]) -> None:
        header = cast(Header, ask(False))
        self.format, self.notes, self.sizes = header.format, header.notes, header.sizes
        self._ask = ask

    def decode(self) -> Picture:
        """Decode the file.

        Raises:
            ServiceError: as `superscaling.pictures.InspectedImage.decode`, and as `Decoders.inspect`.
        """
        return cast(Picture, self._ask(True))


def _laid_out(order: Handover[EncodeCall]) -> Handover[EncodeCall]:
    """The same order, with arrays that need no copy on their way."""
    call = order.take()
    return Handover(dataclasses.replace(call, picture=contiguous(call.picture)))


def _value(answer: Answer) -> Header | Picture | Encoded:
    """What a process has answered.

    Raises:
        Exception: the one that it has raised.
    """
    if isinstance(answer, Exception):
        raise answer
    if isinstance(answer, OutOfMemory):
        megabytes = answer.limit // 1_000_000
        raise ImageUndecodable(
            f"decoding the image took more than {megabytes} MB of memory: {WAY_OUT}", "memory", limit=megabytes
        )
    return answer


def _death(died: ProcessDied) -> ImageUndecodable | DecoderUnavailable:
    """The error for a process that has ended during a call. (To be raised.)"""
    if not died.has_ended:
        return unavailable("the decoder's answer can't be taken at the moment: try again later")
    return ended_by(died.signal)


def _start_error(exc: Exception) -> StartError:
    return StartError(
        "the decoder processes can't be started; they need a writable directory for temporary files, such as /tmp:"
        f" {exc or type(exc).__name__}"
    )


def _end(processes: set[DecoderProcess], idle: list[DecoderProcess]) -> None:
    idle.clear()
    while processes:
        processes.pop().end()
