"""A server that keeps what arrives."""

import contextlib
import threading
from collections.abc import Iterator
from email.message import Message
from http.server import ThreadingHTTPServer

from conftest import QuietHandler


class Arrived:
    """What a request had when its handler had read the first bytes of its body."""

    def __init__(self) -> None:
        self.port = 0
        self.headers = Message()
        self.body = b""
        self.event = threading.Event()


@contextlib.contextmanager
def recorder() -> Iterator[Arrived]:
    """Answer GET with 204 and end connections after the beginning of a POST."""
    arrived = Arrived()

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            arrived.headers = self.headers
            self.send_response(204)
            self.end_headers()

        def do_POST(self) -> None:
            arrived.body = self.rfile.read(5)
            arrived.event.set()
            self.close_connection = True

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as upstream:
        upstream.daemon_threads = True
        threading.Thread(target=upstream.serve_forever, daemon=True).start()
        arrived.port = upstream.server_address[1]
        yield arrived
        upstream.shutdown()
