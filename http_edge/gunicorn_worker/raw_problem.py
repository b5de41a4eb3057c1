"""Problem documents for whoever is answered without the application: its request is not there, or can't be read."""

import contextlib
import socket

from message_protocol import Problem
from superscaling.errors import http_error


def send_problem(client: socket.socket, status: int, detail: str) -> None:
    """Send a problem document as a whole answer, after which the connection closes."""
    error = http_error(status, detail)
    body = Problem.of(error, request_id=None).to_json().encode()
    head = (
        f"HTTP/1.1 {status} {error.title}\r\nContent-Type: application/problem+json\r\n"
        f"Content-Length: {len(body)}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
    )
    with contextlib.suppress(OSError):  # nobody is there, or nobody reads
        client.sendall(head.encode() + body)
