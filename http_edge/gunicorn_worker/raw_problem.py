"""Problem documents for connections whose request never reaches the application: it is incomplete or malformed."""

import contextlib
import socket

from http_edge.problems import problem_of
from message_protocol import PROBLEM
from superscaling.errors import http_error


def send_problem(client: socket.socket, status: int, detail: str) -> None:
    """Send a problem document as a complete HTTP answer, which announces that the connection closes."""
    error = http_error(status, detail)
    body = problem_of(error, request_id=None).to_json().encode()
    head = (
        f"HTTP/1.1 {status} {error.title}\r\nContent-Type: {PROBLEM}\r\n"
        f"Content-Length: {len(body)}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
    )
    with contextlib.suppress(OSError):  # the client has disconnected, or does not read
        client.sendall(head.encode() + body)
