"""nginx with the configuration in deploy/nginx, before the service, and before one that keeps what arrives."""

import contextlib
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from conftest import ROOT, Server, encoded, free_port, photograph

from superscaling.settings import Settings

SITE = (ROOT / "deploy" / "nginx" / "upscaler.conf").read_text()
OWNER = "X-Remote-User"


@contextlib.contextmanager
def nginx(directory: Path, site: str, upstream: int) -> Iterator[int]:
    """Run nginx before a port of this machine; gives its own."""
    port = free_port()
    for old, new in (("127.0.0.1:7777", f"127.0.0.1:{upstream}"), ("listen 80;", f"listen 127.0.0.1:{port};")):
        assert old in site
        site = site.replace(old, new)
    (directory / "site.conf").write_text(site)
    (directory / "nginx.conf").write_text(
        f"user root; daemon off; pid {directory}/pid; error_log {directory}/error.log; worker_processes 1;"
        f" events {{}} http {{ access_log off; client_body_temp_path {directory}/b; proxy_temp_path {directory}/p;"
        f" fastcgi_temp_path {directory}/f; uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;"
        f" include {directory}/site.conf; }}"
    )
    process = subprocess.Popen(["nginx", "-c", directory / "nginx.conf", "-e", directory / "error.log"])
    try:
        for _ in range(300):
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
                break
            assert process.poll() is None, (directory / "error.log").read_text()
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait()


# Before the service


@pytest.fixture(scope="module")
def behind_nginx(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with nginx(tmp_path_factory.mktemp("nginx"), SITE, server.port) as port:
        yield f"http://127.0.0.1:{port}"


def test_nginx_passes_pictures_on(behind_nginx: str, server: Server) -> None:
    picture = encoded(photograph(300, 400), "PNG")
    answer = httpx.post(f"{behind_nginx}/upscale", content=picture, headers={"Content-Type": "image/png"}, timeout=60)
    assert answer.status_code == 200
    assert answer.content == server.upscale(picture).content
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-ID"]), "nginx's own"
    named = httpx.get(f"{behind_nginx}/nowhere", headers={"X-Request-ID": "mine"})
    assert named.json()["requestId"] == "mine"


def test_behind_nginx_the_service_names_its_limit(behind_nginx: str) -> None:
    too_large = bytes(Settings().max_body_bytes + 1)
    answer = httpx.post(f"{behind_nginx}/upscale", content=too_large, headers={"Content-Type": "image/png"}, timeout=60)
    assert answer.status_code == 413
    assert answer.json()["setting"] == "UPSCALER_MAX_BODY_BYTES"


# Before one that keeps what arrives


class Arrived:
    """What a request had when its handler had read the first bytes of its body."""

    def __init__(self) -> None:
        self.owners: list[str] = []
        self.body = b""
        self.event = threading.Event()


@pytest.fixture(scope="module")
def kept() -> Iterator[tuple[int, Arrived]]:
    arrived = Arrived()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            arrived.owners = self.headers.get_all(OWNER, [])
            self.send_response(204)
            self.end_headers()

        def do_POST(self) -> None:
            arrived.body = self.rfile.read(5)
            arrived.event.set()
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as upstream:
        upstream.daemon_threads = True
        threading.Thread(target=upstream.serve_forever, daemon=True).start()
        yield upstream.server_address[1], arrived
        upstream.shutdown()


def test_nobody_can_claim_to_be_somebody(kept: tuple[int, Arrived], tmp_path: Path) -> None:
    """Neither by the header, nor by credentials that nobody has checked."""
    upstream, arrived = kept
    with nginx(tmp_path, SITE, upstream) as port:
        for claim in ({OWNER: "alice"}, {OWNER.lower(): "alice"}):
            httpx.get(f"http://127.0.0.1:{port}/jobs/x", headers=claim, auth=("alice", "guessed"))
            assert arrived.owners == []


def test_with_authentication_the_owner_is_whom_nginx_has_recognised(kept: tuple[int, Arrived], tmp_path: Path) -> None:
    """By the lines that the configuration shows."""
    upstream, arrived = kept
    site, lines = re.subn(rf"^    # (auth_basic.*|proxy_set_header {OWNER} .*;)$", r"    \1", SITE, flags=re.MULTILINE)
    assert lines == 3
    passwords = tmp_path / "passwords"
    passwords.write_text("alice:{PLAIN}secret\n")
    with nginx(tmp_path, site.replace("/etc/nginx/upscaler.htpasswd", str(passwords)), upstream) as port:
        for path in ("jobs", "jobs/x"):
            url = f"http://127.0.0.1:{port}/{path}"
            assert httpx.get(url, headers={OWNER: "bob"}, auth=("alice", "guessed")).status_code == 401
            assert httpx.get(url, headers={OWNER: "bob"}).status_code == 401
            assert httpx.get(url, headers={OWNER: "bob"}, auth=("alice", "secret")).status_code == 204
            assert arrived.owners == ["alice"]


def test_files_of_jobs_reach_the_service_as_they_arrive(kept: tuple[int, Arrived], tmp_path: Path) -> None:
    """The largest that it takes, of which only the beginning is sent."""
    upstream, arrived = kept
    with nginx(tmp_path, SITE, upstream) as port, socket.create_connection(("127.0.0.1", port)) as client:
        size = Settings().jobs_max_body_bytes
        client.sendall(f"POST /jobs HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode() + b"first")
        assert arrived.event.wait(60)
        assert arrived.body == b"first"
        assert [path for path in (tmp_path / "b").rglob("*") if path.is_file()] == []
