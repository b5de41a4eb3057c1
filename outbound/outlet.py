"""One request to a host that the operator allows, and its answer: bounded in time and bytes."""

import contextlib
import functools
import os
import re
import select
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from http.client import HTTPConnection, HTTPException, HTTPResponse
from ipaddress import ip_address

from outbound.addresses import Address, may_connect, networks
from outbound.hosts import HostList
from outbound.location import Location
from outbound.names import Lookups
from outbound.patience import Patience
from outbound.refused import Refused
from outbound.wire import Wire

USER_AGENT = "image-super-scaling-service"
# Of the addresses of a name, so many are tried.
MAX_TRIED = 4
MAX_HEAD = 1 << 16  # bytes of an answer before its body; `http.client` also limits the number of headers
# Beside the body, its coding in chunks may have so many bytes, and an eighth of the body: chunks of 64 bytes fit.
MAX_CODING = 1 << 16
PIECE = 1 << 16
DIGITS = re.compile("[0-9]*", re.ASCII)
# Characters of an error, which may repeat what the other side has sent, in the log.
MAX_REASON = 200


class Answer:
    """The answer to a request. `status`: its status.

    Args:
        response: whose head is read.
        wire: that it comes from.
    """

    def __init__(self, response: HTTPResponse, wire: Wire) -> None:
        self.status = response.status
        self._response = response
        self._wire = wire

    def header(self, name: str) -> str:
        """The value of a header, of several joined by commas; empty: it is not there."""
        return self._response.getheader(name, "").strip()

    def pieces(self, most: int) -> Iterator[bytes]:
        """The body, as it was sent, piece by piece.

        Args:
            most: bytes that it may have.

        Raises:
            Refused: it is coded in a way that was not asked for, too large, cut off, or comes too slowly.
            ClientGone: nobody waits any more.
        """
        if self.header("Content-Encoding").lower() not in ("", "identity"):
            raise Refused("it answers with a compressed body")
        if self.header("Transfer-Encoding").lower() not in ("", "chunked"):
            raise Refused("it answers with a body in an unknown coding")
        if not DIGITS.fullmatch(self.header("Content-Length")):
            raise Refused("its Content-Length is malformed")
        declared = self._response.length
        if (declared or 0) > most:
            raise Refused(f"it answers with more than {most} bytes")
        size = 0
        while size != declared:
            self._wire.most = MAX_HEAD + MAX_CODING + (size + PIECE) * 9 // 8
            with _translated():
                piece = self._response.read1(PIECE if declared is None else min(PIECE, declared - size))
            size += len(piece)
            if not piece:
                break
            if size > most:
                raise Refused(f"it answers with more than {most} bytes")
            yield piece
        if declared is not None and size < declared:
            raise Refused(f"its answer ends {declared - size} bytes early")


class Outlet:
    """Sends requests to hosts that the operator allows, at addresses that the operator allows.

    No proxy is asked, no redirect followed; cookies and credentials are neither sent nor kept. Thread-safe.

    Args:
        hosts: that may be reached.
        private: networks that are not public, in which hosts may lie.
    """

    def __init__(self, hosts: HostList, private: Sequence[str] = ()) -> None:
        self.hosts = hosts
        self._private = networks(private)
        self._lookups = Lookups()

    @contextlib.contextmanager
    def answer(
        self,
        location: Location,
        patience: Patience,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Iterator[Answer]:
        """Send a request, and read the head of its answer. The connection ends with the block inside.

        Args:
            location: where to.
            patience: for all of it, also within the block.
            method, headers, body: of the request.

        Raises:
            Refused: the host, or one of its addresses, is not allowed; or there is no answer in time that is HTTP.
            ClientGone: nobody waits any more.
        """
        if not self.hosts.allows(location):
            raise Refused("its host is not allowed")
        with _translated():
            wire = Wire(self._connected(location, patience), patience, MAX_HEAD)
        # Its own `connect` is never called, as it has a socket.
        connection = HTTPConnection(location.host_in_url, location.port)
        connection.sock = wire
        try:
            with _translated():
                own = {"Host": location.authority, "User-Agent": USER_AGENT, "Connection": "close"}
                connection.request(method, location.target, body, {**own, **(headers or {})})
                response = connection.getresponse()
            with response:
                yield Answer(response, wire)
        finally:
            wire.end()

    def _connected(self, location: Location, patience: Patience) -> socket.socket:
        """A connection to one of the addresses, with TLS where the scheme says so.

        The name is looked up once, and the connection goes to what was checked: another answer a moment later changes
        nothing.
        """
        addresses = self._lookups.addresses(location, patience)
        if any(not may_connect(each, self._private) for each in addresses):
            raise Refused("its host has an address that is not public")
        tried = addresses[:MAX_TRIED]
        for number, address in enumerate(tried, 1):
            share = patience.left() / (len(tried) - number + 1)
            try:
                connection = _connect(address, location.port, patience, patience.elapsed + share)
            except OSError:
                if number == len(tried):
                    raise
                continue
            if location.scheme == "http":
                return connection
            return self._secured(connection, location.host, patience)
        raise Refused("its host has no address")

    def _secured(self, connection: socket.socket, host: str, patience: Patience) -> ssl.SSLSocket:
        secured = self._tls.wrap_socket(
            connection, server_hostname=host, suppress_ragged_eofs=False, do_handshake_on_connect=False
        )
        with contextlib.ExitStack() as stack:
            stack.enter_context(secured)
            while True:
                try:
                    secured.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    _is_ready(secured, select.POLLIN, patience)
                except ssl.SSLWantWriteError:
                    _is_ready(secured, select.POLLOUT, patience)
            stack.pop_all()
        return secured

    @functools.cached_property
    def _tls(self) -> ssl.SSLContext:
        """Trusts whom the system trusts. Made late, as it reads the system's certificates."""
        context = ssl.create_default_context()
        context.set_alpn_protocols(["http/1.1"])
        return context


def _connect(address: Address, port: int, patience: Patience, end: float) -> socket.socket:
    """Connect to an address itself. `end`: seconds of patience that may have elapsed. The socket does not block."""
    with contextlib.ExitStack() as stack:
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        connection = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
        connection.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            connection.connect((str(address), port))
        while not _is_ready(connection, select.POLLOUT, patience):
            if patience.elapsed > end:
                raise TimeoutError("it does not accept connections in time")
        if error := connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(error, os.strerror(error))
        if ip_address(connection.getpeername()[0]) != address:
            raise Refused("another address answers")
        stack.pop_all()
    return connection


def _is_ready(connection: socket.socket, event: int, patience: Patience) -> bool:
    """Whether there is something to do for a socket, after a turn at the latest."""
    poll = select.poll()
    poll.register(connection, event)
    return bool(poll.poll(patience.turn() * 1000))


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Turn what goes wrong with a connection into a refusal. ValueError: what `http.client` can't read as a number."""
    try:
        yield
    except (OSError, HTTPException, ValueError) as exc:
        reason = str(exc)[:MAX_REASON].encode("unicode_escape").decode("ascii")
        raise Refused(f"it can't be reached, or does not speak HTTP: {type(exc).__name__}: {reason}") from exc
