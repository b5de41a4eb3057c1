"""A server on loopback that answers each path in its own way, few of them well."""

import contextlib
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from conftest import encoded, photograph

PICTURE = encoded(photograph(24, 32))
LARGE = encoded(photograph(200, 300), "BMP")  # more than a thousand bytes of it tell what it is

Behaviour = Callable[["HostileServer", socket.socket], None]


class HostileServer:
    """Listens on all addresses of loopback, so that whatever reaches it is seen.

    `reached`: the addresses that connections were opened to; `heads`: of all requests; `closed`: set when a client has
    hung up on a behaviour that waits for that; `arrived`: one for each request that has.
    """

    def __init__(self, behaviours: Mapping[str, Behaviour], tls: ssl.SSLContext | None = None) -> None:
        self.reached = Counter[str]()
        self.heads = list[str]()
        self.closed = threading.Event()
        self.arrived = threading.Semaphore(0)
        self.end = threading.Event()
        self._behaviours = behaviours
        self._tls = tls
        self._listener = socket.create_server(("0.0.0.0", 0))
        self.port: int = self._listener.getsockname()[1]

    @contextlib.contextmanager
    def running(self) -> Iterator["HostileServer"]:
        thread = threading.Thread(target=self._accept)
        thread.start()
        try:
            yield self
        finally:
            self.end.set()
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            self._listener.close()

    def url(self, path: str, host: str = "127.0.0.2", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    def _accept(self) -> None:
        threads = list[threading.Thread]()
        with contextlib.suppress(OSError):  # the end
            while True:
                connection, _ = self._listener.accept()
                self.reached[connection.getsockname()[0]] += 1
                threads.append(threading.Thread(target=self._serve, args=(connection,)))
                threads[-1].start()
        for thread in threads:
            thread.join()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.enter_context(connection)
            connection.settimeout(30)
            if self._tls:
                connection = stack.enter_context(self._tls.wrap_socket(connection, server_side=True))
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                byte = connection.recv(1)
                if not byte:
                    return
                head += byte
            self.heads.append(head.decode("latin-1"))
            self.arrived.release()
            path = head.split()[1].decode().partition("?")[0]
            self._behaviours.get(path, plain(b"", "404 Not Found"))(self, connection)


def plain(body: bytes, status: str = "200 OK", *headers: str, length: int | None = None) -> Behaviour:
    """A usual answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    return raw("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def raw(data: bytes) -> Behaviour:
    return lambda _, connection: connection.sendall(data)


def redirect(to: str, status: str = "302 Found") -> Behaviour:
    return plain(b"", status, f"Location: {to}")


def repeating(start: bytes, again: bytes, pause: float = 0.0) -> Behaviour:
    """Without end, until the client hangs up."""

    def behave(server: HostileServer, connection: socket.socket) -> None:
        try:
            connection.sendall(start)
            while not server.end.wait(pause) if pause else not server.end.is_set():
                connection.sendall(again)
        except OSError:
            server.closed.set()
            raise

    return behave


def silent(server: HostileServer, connection: socket.socket) -> None:
    """Says nothing, until the client hangs up."""
    while not server.end.is_set():
        connection.settimeout(0.1)
        with contextlib.suppress(TimeoutError):
            if not connection.recv(1):
                server.closed.set()
                return


def chunked(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)


HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
GOOD: dict[str, Behaviour] = {
    "/picture.png": plain(PICTURE),
    "/no-length": raw(HEAD + b"\r\n" + PICTURE),
    "/chunked": raw(CHUNKED + chunked(PICTURE[:100], PICTURE[100:]) + b"0\r\n\r\n"),
    "/continue": raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + HEAD + b"\r\n" + PICTURE),
    "/redirect": redirect("/picture.png"),
    "/redirect-relative": redirect("picture.png#part", "307 Temporary Redirect"),
    "/three": redirect("/two", "301 Moved Permanently"),
    "/two": redirect("/redirect", "308 Permanent Redirect"),
}
# By path: the behaviour, and a part of the reason in the log.
BAD: dict[str, tuple[Behaviour, str]] = {
    "/not-found": (plain(b"", "404 Not Found"), "status 404"),
    "/created": (plain(PICTURE, "201 Created"), "status 201"),
    "/partial": (plain(PICTURE, "206 Partial Content"), "status 206"),
    "/error": (plain(PICTURE, "500 Oops"), "status 500"),
    "/hints": (raw(b"HTTP/1.1 103 Early Hints\r\n\r\n" + HEAD + b"\r\n" + PICTURE), "status 103"),
    "/not-modified": (plain(b"", "304 Not Modified"), "status 304"),
    "/empty": (plain(b""), "no image"),
    "/page": (plain(b"<!doctype html><title>Router</title>"), "no image"),
    "/gzip": (plain(PICTURE, "200 OK", "Content-Encoding: gzip"), "compressed"),
    "/coded": (plain(PICTURE, "200 OK", "Transfer-Encoding: gzip, chunked"), "unknown coding"),
    "/too-large": (plain(LARGE, length=10**12), "more than"),
    "/negative": (plain(PICTURE, length=-5), "malformed"),
    "/too-large-unsaid": (raw(HEAD + b"\r\n" + LARGE * 2), "more than"),
    "/cut-off": (plain(PICTURE, length=len(PICTURE) + 5), "5 bytes early"),
    "/chunks-cut-off": (raw(CHUNKED + chunked(PICTURE)), "IncompleteRead"),
    "/bad-chunk": (raw(CHUNKED + b"xyz\r\n" + PICTURE), "IncompleteRead"),
    "/negative-chunk": (raw(CHUNKED + b"-5\r\n" + PICTURE), ""),
    "/no-http": (raw(b"\0\xff" * 100), "BadStatusLine"),
    "/http-0.9": (raw(PICTURE), "BadStatusLine"),
    "/nothing": (raw(b""), "RemoteDisconnected"),
    "/long-line": (repeating(HEAD + b"X: ", b"y" * 4096), ""),
    "/many-headers": (repeating(HEAD, b"X: y\r\n" * 500), "HTTPException"),
    "/long-status": (repeating(b"HTTP/1.1 200 ", b"OK" * 4096), ""),
    "/continue-for-ever": (repeating(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100), "too much"),
    "/extensions": (repeating(CHUNKED, b"1;" + b"x" * 10_000 + b"\r\ny\r\n"), "too much"),
    "/small-chunks": (repeating(CHUNKED + chunked(PICTURE), b"1\r\ny\r\n" * 100), "too much"),
    "/trailers": (repeating(CHUNKED + chunked(PICTURE) + b"0\r\n", b"X: y\r\n" * 500), "too much"),
    "/endless": (repeating(HEAD + b"\r\n" + LARGE, b"x" * 65_536), "more than"),
    "/loop": (redirect("/loop"), "more than 3 times"),
    "/four": (redirect("/three"), "more than 3 times"),
    "/to-nowhere": (plain(b"", "302 Found"), "no address"),
    "/to-file": (redirect("file:///etc/passwd"), "no plain address"),
    "/to-user": (redirect("http://user:password@127.0.0.2/"), "no plain address"),
    "/to-tab": (redirect("/pic\ture.png"), "no address"),
    "/to-latin": (redirect("/pictüre.png"), "no address"),
    "/to-bracket": (redirect("http://[::1/"), ""),
    "/to-decimal": (redirect("http://2130706433/"), "not written as usual"),
    "/to-metadata": (redirect("http://169.254.169.254/latest/meta-data/"), "not public"),
}
# Answers that take for ever, but fit otherwise.
SLOW: dict[str, Behaviour] = {
    "/silent": silent,
    "/slow-status": repeating(b"HTTP", b"1", 0.05),
    "/slow-head": repeating(HEAD, b"X: y\r\n", 0.05),
    "/slow-body": repeating(HEAD + b"\r\n" + LARGE[:2000], b"x", 0.05),
    "/slow-length": repeating(HEAD + b"Content-Length: 60000\r\n\r\n" + LARGE[:2000], b"x", 0.05),
}
ALL: dict[str, Behaviour] = GOOD | {path: behaviour for path, (behaviour, _) in BAD.items()} | SLOW
