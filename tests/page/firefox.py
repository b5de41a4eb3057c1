#!/usr/bin/env python3
"""Debian's Firefox as Playwright launches it, but for one command that Firefox does not know.

Playwright drives it by WebDriver BiDi, and sends `emulation.setMediaFeaturesOverride` for each new context. Firefox 153
refuses that, and with it the context. Here all messages are passed on as they are, but that one becomes
`session.status`, which does nothing. Once Firefox knows the command, Playwright can launch `firefox-esr` itself, and
this file goes.
"""

import json
import re
import socket
import subprocess
import sys
import threading
from typing import BinaryIO

UNKNOWN = b'"emulation.setMediaFeaturesOverride"'
LARGEST = 10_000  # bytes; what is larger is another message


def main() -> int:
    """Start Firefox with the arguments given; returns its exit status."""
    with subprocess.Popen(["firefox-esr", *sys.argv[1:]], stderr=subprocess.PIPE, text=True) as firefox:
        assert firefox.stderr is not None
        for line in firefox.stderr:
            if announced := re.search(r"WebDriver BiDi listening on ws://127\.0\.0\.1:(\d+)", line):
                server = socket.create_server(("127.0.0.1", 0))
                threading.Thread(target=serve, args=(server, int(announced[1])), daemon=True).start()
                line = line.replace(announced[1], str(server.getsockname()[1]))
            sys.stderr.write(line)
            sys.stderr.flush()
        return firefox.wait()


def serve(server: socket.socket, port: int) -> None:
    """Connect Playwright, which comes once, to Firefox."""
    ours, _ = server.accept()
    theirs = socket.create_connection(("127.0.0.1", port))
    threading.Thread(target=answers, args=(theirs, ours), daemon=True).start()
    with ours.makefile("rb") as stream:
        handshake = b"".join(iter(stream.readline, b"\r\n")) + b"\r\n"
        # Firefox answers only who asks for its own port.
        theirs.sendall(handshake.replace(b":%d" % ours.getsockname()[1], b":%d" % port))
        while frame := read(stream):
            theirs.sendall(frame)
    theirs.shutdown(socket.SHUT_WR)


def answers(theirs: socket.socket, ours: socket.socket) -> None:
    """Pass on what Firefox says."""
    while data := theirs.recv(1 << 16):
        ours.sendall(data)
    ours.shutdown(socket.SHUT_WR)


def read(stream: BinaryIO) -> bytes:
    """Return the next frame as Firefox is to get it; nothing at the end. See RFC 6455, section 5.2."""
    head = stream.read(2)
    if len(head) < 2:
        return b""
    length = head[1] & 0x7F
    extended = stream.read({126: 2, 127: 8}.get(length, 0))
    size = int.from_bytes(extended, "big") if extended else length
    mask = stream.read(4)
    payload = stream.read(size)
    if size <= LARGEST:
        message = masked(payload, mask)
        if UNKNOWN in message:
            harmless = json.dumps({"id": json.loads(message)["id"], "method": "session.status", "params": {}}).encode()
            return head[:1] + bytes([0x80 | len(harmless)]) + mask + masked(harmless, mask)
    return head + extended + mask + payload


def masked(data: bytes, mask: bytes) -> bytes:
    """Mask, or unmask, the payload of a frame."""
    return bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))


if __name__ == "__main__":
    sys.exit(main())
