"""Objects from one process to another: small ones through a socket, arrays in memory that both share.

Arrays are not copied by the receiver. The memory has no name (memfd): it needs neither `/dev/shm` nor a disk, and is
gone once nobody uses it, however a process ends. It is sealed: if the sender could still shrink it, reading it would
kill the receiver (SIGBUS).
"""

import fcntl
import itertools
import mmap
import os
import pickle
from collections.abc import Iterable, Sequence
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle
from typing import Any

# Arrays begin at multiples of this: a cache line.
ALIGNMENT = 64
# Nothing of the memory changes any more. (memfd_create(2), "File sealing")
SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


def send(connection: Connection, value: object) -> None:
    """Send an object. Arrays travel in shared memory if they are contiguous.

    Raises:
        OSError: the receiver is gone.
    """
    buffers = list[pickle.PickleBuffer]()
    pickled = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    views = [buffer.raw() for buffer in buffers]
    if not views:
        connection.send((pickled, []))
        return
    try:
        memory = _shared(views)
    except OSError:  # a limit of the size of files (`ulimit -f`) holds for memory as well
        connection.send((pickle.dumps(value, protocol=5), []))
        return
    try:
        connection.send((pickled, [view.nbytes for view in views]))
        send_handle(connection, memory, None)
    finally:
        os.close(memory)


def receive(connection: Connection) -> Any:
    """Receive an object. Its arrays can't be written to.

    Raises:
        EOFError, OSError: the sender is gone, or has sent something else.
    """
    pickled, lengths = connection.recv()
    if not lengths:
        return pickle.loads(pickled)  # noqa: S301 (a process of ours has sent it)
    *offsets, size = _offsets(lengths)
    memory = receive_handle(connection)
    try:
        if fcntl.fcntl(memory, fcntl.F_GET_SEALS) & SEALS != SEALS or os.fstat(memory).st_size != size:
            raise OSError("the memory is not sealed, or of another size")
        # Private: before Linux 6.7 what is sealed against writing can't be mapped as shared, even for reading.
        shared = memoryview(mmap.mmap(memory, size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ))
    finally:
        os.close(memory)
    parts = [shared[offset : offset + length] for offset, length in zip(offsets, lengths, strict=True)]
    return pickle.loads(pickled, buffers=parts)  # noqa: S301 (as above)


def receive_handle(connection: Connection) -> int:
    """Receive the descriptor of an open file.

    Raises:
        EOFError, OSError: the sender is gone, or this process may open no more files.
    """
    try:
        return recv_handle(connection)
    except RuntimeError as exc:  # the message arrives without the descriptor then
        raise OSError("no descriptor came: the limit of open files (`ulimit -n`) may be reached") from exc


def _offsets(lengths: Iterable[int]) -> list[int]:
    """Where parts of these lengths begin, and the end of the last one."""
    return list(itertools.accumulate((-(-length // ALIGNMENT) * ALIGNMENT for length in lengths), initial=0))


def _shared(views: Sequence[memoryview]) -> int:
    """A descriptor of new memory that holds the views, one after the other."""
    memory = os.memfd_create("pixels", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        *offsets, size = _offsets(view.nbytes for view in views)
        os.truncate(memory, size)
        for view, offset in zip(views, offsets, strict=True):
            written = 0
            while written < view.nbytes:
                written += os.pwrite(memory, view[written:], offset + written)
        fcntl.fcntl(memory, fcntl.F_ADD_SEALS, SEALS)
    except BaseException:
        os.close(memory)
        raise
    return memory
