"""nginx and Caddy with the examples in deploy/, before a port of this machine."""

import contextlib
import os
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from conftest import ROOT, free_port

NGINX = (ROOT / "deploy" / "nginx" / "upscaler.conf").read_text()
CADDY = (ROOT / "deploy" / "caddy" / "Caddyfile").read_text()
HOST = "upscale.example.com"


@dataclass(frozen=True)
class Proxy:
    """A running one. `port`: of TLS; `certificate`: that clients have to trust."""

    port: int
    plain_port: int
    certificate: Path

    def trusting(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.certificate)

    def client(self, host: str = HOST, **headers: str) -> httpx.Client:
        """A client that finds `HOST` at this machine. `host`: what its requests name instead."""

        def name_server(request: httpx.Request) -> None:
            request.extensions["sni_hostname"] = HOST

        return httpx.Client(
            base_url=f"https://127.0.0.1:{self.port}",
            headers={"Host": host, **headers},
            verify=self.trusting(),
            event_hooks={"request": [name_server]},
            timeout=120,
        )

    @contextlib.contextmanager
    def connection(self, host: str = HOST) -> Iterator[ssl.SSLSocket]:
        """A connection with TLS to `host`, for what httpx does not send."""
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=60) as plain,
            self.trusting().wrap_socket(plain, server_hostname=host) as made,
        ):
            yield made


def certificate_in(directory: Path) -> tuple[Path, Path]:
    """Make a self-signed certificate for `HOST`; returns it and its key."""
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"),
            *("-days", "2", "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"),
            *("-out", certificate, "-keyout", key),
        ],
        capture_output=True,
        check=True,
    )
    return certificate, key


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


@contextlib.contextmanager
def running(command: Sequence[str | Path], port: int, log: Path, environ: dict[str, str]) -> Iterator[None]:
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, env=os.environ | environ)
    try:
        for _ in range(300):
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
                break
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def nginx(directory: Path, upstream: int, site: str = NGINX) -> Iterator[Proxy]:
    """Run nginx with `site` before the port `upstream`."""
    certificate, key = certificate_in(directory)
    proxy = Proxy(free_port(), free_port(), certificate)
    site = replaced(
        site,
        ("127.0.0.1:7777", f"127.0.0.1:{upstream}"),
        ("listen 80 ", f"listen 127.0.0.1:{proxy.plain_port} "),
        ("listen 443 ", f"listen 127.0.0.1:{proxy.port} "),
        ("/etc/nginx/tls/fullchain.pem", str(certificate)),
        ("/etc/nginx/tls/privkey.pem", str(key)),
    )
    (directory / "site.conf").write_text(site)
    (directory / "nginx.conf").write_text(
        f"user root; daemon off; pid {directory}/pid; error_log {directory}/error.log; worker_processes 1;"
        f" events {{}} http {{ access_log off; client_body_temp_path {directory}/b; proxy_temp_path {directory}/p;"
        f" fastcgi_temp_path {directory}/f; uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;"
        f" include {directory}/site.conf; }}"
    )
    command = ("nginx", "-c", directory / "nginx.conf", "-e", directory / "error.log")
    with running(command, proxy.port, directory / "log", {}):
        yield proxy


@contextlib.contextmanager
def caddy(directory: Path, upstream: int) -> Iterator[Proxy]:
    """Run Caddy before the port `upstream`."""
    certificate, key = certificate_in(directory)
    proxy = Proxy(free_port(), free_port(), certificate)
    site = replaced(
        CADDY,
        ("127.0.0.1:7777", f"127.0.0.1:{upstream}"),
        ("\tadmin off\n", f"\tadmin off\n\thttp_port {proxy.plain_port}\n\thttps_port {proxy.port}\n"),
        ("/etc/caddy/tls/fullchain.pem", str(certificate)),
        ("/etc/caddy/tls/privkey.pem", str(key)),
    )
    (directory / "Caddyfile").write_text(site)
    command = ("caddy", "run", "--config", directory / "Caddyfile", "--adapter", "caddyfile")
    with running(command, proxy.port, directory / "log", {"HOME": str(directory), "XDG_DATA_HOME": str(directory)}):
        yield proxy


PROXIES = {"nginx": nginx, "caddy": caddy}
