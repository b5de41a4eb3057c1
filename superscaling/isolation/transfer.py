"""Objects from one process to another: small ones through a socket, arrays and long bytes in memory that both share.

Arrays are not copied by the receiver. Bytes are, by the kernel, so that other threads run meanwhile: unpickling the
same bytes would hold them up. The memory has no name (memfd): it needs neither `/dev/shm` nor a disk, and is gone once
nobody uses it, however a process ends. It is sealed: if the sender could still shrink it, reading it would kill the
receiver (SIGBUS).
"""

import fcntl
import io
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
# Bytes that are shorter travel with what they belong to.
LONG = 1 << 16
# Nothing of the memory changes any more. (memfd_create(2), "File sealing")
SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


class _Pickler(pickle.Pickler):
    """Pickles an object without its arrays, if they are contiguous, and without its long bytes."""

    def __init__(self, file: io.BytesIO) -> None:
        self.arrays = list[pickle.PickleBuffer]()
        self.blocks = list[bytes]()
        super().__init__(file, protocol=5, buffer_callback=self.arrays.append)

    def persistent_id(self, obj: object) -> int | None:
        """The place of long bytes among all of the object; None for what is pickled."""
        if type(obj) is not bytes or len(obj) < LONG:
            return None
        self.blocks.append(obj)
        return len(self.blocks) - 1


class _Unpickler(pickle.Unpickler):
    """The counterpart of `_Pickler`."""

    def __init__(self, file: io.BytesIO, arrays: Sequence[memoryview], blocks: Sequence[bytes]) -> None:
        super().__init__(file, buffers=arrays)
        self._blocks = blocks

    def persistent_load(self, pid: int) -> bytes:
        """The bytes at that place."""
        return self._blocks[pid]


def send(connection: Connection, value: object) -> None:
    """Send an object. Arrays travel in shared memory if they are contiguous, and so do long bytes.

    Raises:
        OSError: the receiver is gone.
    """
    file = io.BytesIO()
    pickler = _Pickler(file)
    pickler.dump(value)
    arrays = [array.raw() for array in pickler.arrays]
    blocks = [memoryview(block) for block in pickler.blocks]
    if not arrays and not blocks:
        connection.send((file.getvalue(), [], []))
        return
    try:
        memory = _shared([*arrays, *blocks])
    except OSError:  # a limit of the size of files (`ulimit -f`) holds for memory as well
        connection.send((pickle.dumps(value, protocol=5), [], []))
        return
    try:
        connection.send((file.getvalue(), [view.nbytes for view in arrays], [view.nbytes for view in blocks]))
        send_handle(connection, memory, None)
    finally:
        os.close(memory)


def receive(connection: Connection) -> Any:
    """Receive an object. Its arrays can't be written to.

    Raises:
        EOFError, OSError: the sender is gone, or has sent something else.
    """
    pickled, arrays, blocks = connection.recv()
    if not arrays and not blocks:
        return pickle.loads(pickled)  # noqa: S301 (a process of ours has sent it)
    *offsets, size = _offsets((*arrays, *blocks))
    memory = receive_handle(connection)
    try:
        if fcntl.fcntl(memory, fcntl.F_GET_SEALS) & SEALS != SEALS or os.fstat(memory).st_size != size:
            raise OSError("the memory is not sealed, or of another size")
        read = [_read(memory, *each) for each in zip(offsets[len(arrays) :], blocks, strict=True)]
        # Private: before Linux 6.7 what is sealed against writing can't be mapped as shared, even for reading.
        shared = memoryview(mmap.mmap(memory, size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ))
    finally:
        os.close(memory)
    parts = [shared[offset : offset + length] for offset, length in zip(offsets, arrays, strict=False)]
    return _Unpickler(io.BytesIO(pickled), parts, read).load()


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


def _read(memory: int, offset: int, length: int) -> bytes:
    """Bytes of the memory. (One call reads at most 2 GiB.)"""
    parts = list[bytes]()
    while length:
        parts.append(os.pread(memory, length, offset))
        offset, length = offset + len(parts[-1]), length - len(parts[-1])
    return parts[0] if len(parts) == 1 else b"".join(parts)
