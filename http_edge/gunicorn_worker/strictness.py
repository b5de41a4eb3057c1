"""What gunicorn lets through, and the service refuses with 400."""

import re
from collections.abc import Callable
from typing import Any

from gunicorn.http.body import Body, ChunkedReader
from gunicorn.http.errors import ParseException

# RFC 3986, 3.2.2 and 3.2.3: a name or an address, and a port. An empty one is valid (RFC 9112, 3.2).
HOST = re.compile(r"([A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.]+\])(:[0-9]*)?")
# A target that is a whole address, as proxies send it (RFC 9112, 3.2.2).
ABSOLUTE = re.compile(r"https?://([^/?#]*)", re.IGNORECASE)
# Each chunk costs the same, whatever its size. After so many of them, they must have so many bytes on average.
FREE_CHUNKS, MIN_CHUNK_BYTES = 4096, 64


class HostMalformed(ParseException):
    """The request has no valid `Host` (RFC 9112, 3.2)."""


class TargetElsewhere(ParseException):
    """The target of the request names another host than `Host` does (RFC 9112, 3.2.2)."""


class ChunksTooSmall(ParseException):
    """The body comes in so many small chunks that reading them would slow down all requests."""


class Chunks(ChunkedReader):
    """gunicorn's reader of chunked bodies, which also looks at the sizes of the chunks."""

    def __init__(self, req: Any, unreader: Any) -> None:
        super().__init__(req, unreader)
        self._chunks = 0
        self._bytes = 0

    def parse_chunk_size(self, unreader: Any, data: bytes | None = None) -> tuple[int, bytes | None]:
        """The size of the next chunk, and what has arrived of it.

        Raises:
            ChunksTooSmall: it and those before it are too small.
            ParseException: it is malformed.
        """
        size, rest = super().parse_chunk_size(unreader, data)
        self._chunks += 1
        self._bytes += size
        if self._chunks > FREE_CHUNKS and self._bytes < self._chunks * MIN_CHUNK_BYTES:
            raise ChunksTooSmall(
                f"the body's first {self._chunks} chunks have {self._bytes} bytes; {MIN_CHUNK_BYTES} bytes each is the"
                " least: send larger chunks"
            )
        return size, rest


class AskedFor:
    """The reader of a body that its client sends once it is asked to.

    Args:
        reader: of the body.
        ask: is called before the first read.
    """

    def __init__(self, reader: Any, ask: Callable[[], None]) -> None:
        self._reader = reader
        self._ask: Callable[[], None] | None = ask

    def read(self, size: int) -> bytes:
        """Read up to `size` bytes."""
        if self._ask is not None:
            ask, self._ask = self._ask, None
            ask()
        data: bytes = self._reader.read(size)
        return data


def be_strict(req: Any, unreader: Any) -> None:
    """Check a parsed request, and let its body be checked while it is read.

    Raises:
        HostMalformed: its `Host` is not valid, or it has none, which only HTTP/1.0 allows.
        TargetElsewhere: its target is an address, and not one of that host.
    """
    hosts = [value for name, value in req.headers if name == "HOST"]  # gunicorn refuses a second one
    if not hosts and req.version >= (1, 1):
        raise HostMalformed("the request has no Host header")
    if hosts and not HOST.fullmatch(hosts[0]):
        raise HostMalformed("the Host header is malformed")
    named = ABSOLUTE.match(req.uri)
    if named and [named[1].lower()] != [host.lower() for host in hosts]:
        raise TargetElsewhere("the target and the Host header name different hosts")
    if isinstance(req.body.reader, ChunkedReader):
        req.body = Body(Chunks(req, unreader))
