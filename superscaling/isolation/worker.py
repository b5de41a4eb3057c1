"""What runs in a decoder process: it answers one call after the other, until its connection is closed.

Results are encoded there as well: an encoder can be ended only with its process, and holds up nobody's threads there.
"""

import dataclasses
import faulthandler
import gc
import os
import resource
from multiprocessing.connection import Connection
from multiprocessing.reduction import send_handle
from pathlib import Path

import numpy as np

from superscaling.format_name import FormatName
from superscaling.isolation.confinement import confine, portable
from superscaling.isolation.transfer import receive, send
from superscaling.metadata_choice import MetadataChoice
from superscaling.pictures import Encoded, Frame, Limits, Picture, Size, encode, inspect, limit_pillow

# Bytes that a decoder may take beside those for pixels: for tables, for metadata, for the file, for its threads.
MEMORY = 256_000_000
# Bytes that it may take for each pixel: twice what the hungriest format took for 16 megapixels (GIF, 30; WebP, 25).
MEMORY_PER_PIXEL = 64


@dataclasses.dataclass(frozen=True)
class Call:
    """What a decoder process is asked: to inspect a file, or to decode it as well. The file's bytes follow it."""

    limits: Limits
    decode: bool


@dataclasses.dataclass(frozen=True)
class EncodeCall:
    """What a decoder process is asked: to write a picture; see `superscaling.pictures.encode`."""

    picture: Picture
    name: FormatName
    quality: int | None
    default_quality: int
    choice: MetadataChoice


@dataclasses.dataclass(frozen=True)
class Header:
    """The answer to a call that inspects: what `InspectedImage` has."""

    format: FormatName
    notes: tuple[str, ...]
    sizes: tuple[Size, ...]


@dataclasses.dataclass(frozen=True)
class OutOfMemory:
    """The answer to a call that needed more than `limit` bytes; 0: more than there are."""

    limit: int


# `Exception`: one that was raised by the call.
Answer = Header | Picture | Encoded | OutOfMemory | Exception


def serve(connection: Connection) -> None:
    """Answer calls until the other side closes its end. The main function of a decoder process.

    When it is ready, it sends None, and a descriptor of the memory in which a crash is reported.
    """
    _confine(connection)
    limit_pillow()
    fault_log = os.memfd_create("crash")
    faulthandler.enable(fault_log)
    send(connection, None)
    send_handle(connection, fault_log, None)
    gc.freeze()  # what is there now stays, and need not be looked at again
    while True:
        try:
            call: Call | EncodeCall = receive(connection)
            data = connection.recv_bytes() if isinstance(call, Call) else b""
        except EOFError:
            return
        answer = _answer(call, data) if isinstance(call, Call) else _encoded(call)
        del call, data
        try:
            send(connection, answer)
        except OSError:  # nobody waits for it any more
            return
        del answer
        gc.collect()  # Pillow's images are in cycles: the next picture would find their memory taken


def _confine(connection: Connection) -> None:
    """Make this process one that has nothing but its connection, and ends no later than the service."""
    # Among them is the pipe by whose end the fork server learns that the service has ended.
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    os.closerange(3, connection.fileno())
    os.closerange(connection.fileno() + 1, most)
    # The parent is the fork server, which ends with the service even if that is killed.
    confine()


def _answer(call: Call, data: bytes) -> Answer:
    limit = _limit_memory(pixels=0)
    try:
        image = inspect(data, call.limits)
        if not call.decode:
            return Header(image.format, image.notes, image.sizes)
        limit = _limit_memory(sum(height * width for height, width in image.sizes))
        return contiguous(image.decode())
    except MemoryError:
        return OutOfMemory(limit)
    except Exception as exc:
        return portable(exc)
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def _encoded(call: EncodeCall) -> Answer:
    """The result as a file. Its memory is not limited here: admission counts it by the pixels of the result."""
    try:
        return encode(call.picture, call.name, call.quality, call.default_quality, call.choice)
    except MemoryError:
        return OutOfMemory(0)
    except Exception as exc:
        return portable(exc)


def _limit_memory(pixels: int) -> int:
    """Limit what this process may take from now on; returns the limit in bytes."""
    limit = MEMORY + pixels * MEMORY_PER_PIXEL
    taken = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_DATA, (taken + limit, resource.RLIM_INFINITY))
    return limit


def contiguous(picture: Picture) -> Picture:
    """The same picture, with arrays that need no copy on their way."""

    def laid_out(frame: Frame) -> Frame:
        alpha = None if frame.alpha is None else np.ascontiguousarray(frame.alpha)
        return dataclasses.replace(frame, colour=np.ascontiguousarray(frame.colour), alpha=alpha)

    return dataclasses.replace(picture, frames=tuple(map(laid_out, picture.frames)))
