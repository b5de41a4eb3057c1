"""What the example for nginx has and that for Caddy has not: authentication by nginx, rates, buffers."""

import json
import re
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from proxies import HOST, NGINX, Proxy, nginx
from recording import Arrived, recorder
from test_proxies import OWNER

from superscaling.settings import Settings


@pytest.fixture(scope="module")
def arrived() -> Iterator[Arrived]:
    with recorder() as made:
        yield made


@pytest.fixture(scope="module")
def proxy(arrived: Arrived, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with nginx(tmp_path_factory.mktemp("nginx"), arrived.port) as made:
        yield made


def test_with_authentication_the_owner_is_whom_nginx_has_recognised(arrived: Arrived, tmp_path: Path) -> None:
    """By the lines that the configuration shows."""
    site, lines = re.subn(rf"^    # (auth_basic.*|proxy_set_header {OWNER} .*;)$", r"    \1", NGINX, flags=re.MULTILINE)
    assert lines == 3
    passwords = tmp_path / "passwords"
    passwords.write_text("alice:{PLAIN}secret\n")
    site = site.replace("/etc/nginx/upscaler.htpasswd", str(passwords))
    with nginx(tmp_path, arrived.port, site) as proxy, proxy.client(**{OWNER: "bob"}) as client:
        for path in ("/jobs", "/jobs/x"):
            assert client.get(path, auth=("alice", "guessed")).status_code == 401
            assert client.get(path).status_code == 401
            assert client.get(path, auth=("alice", "secret")).status_code == 204
            assert arrived.headers.get_all(OWNER) == ["alice"]


def test_files_of_jobs_reach_the_service_as_they_arrive(arrived: Arrived, tmp_path: Path) -> None:
    """The largest that it takes, of which only the beginning is sent."""
    with nginx(tmp_path, arrived.port) as proxy, proxy.connection() as client:
        size = Settings().jobs_max_body_bytes
        client.sendall(f"POST /jobs HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {size}\r\n\r\n".encode() + b"first")
        assert arrived.event.wait(60)
        assert arrived.body == b"first"
        assert [path for path in (tmp_path / "b").rglob("*") if path.is_file()] == []


def test_too_many_requests_get_a_problem(arrived: Arrived, tmp_path: Path) -> None:
    """Of one address, 60 more than the rate allows are let in at once."""
    site = re.sub(r"rate=\d+r/s", "rate=1r/s", NGINX)  # however slow the machine is
    assert site != NGINX
    with nginx(tmp_path, arrived.port, site) as proxy, proxy.client() as client:
        answers = [client.get("/ping") for _ in range(64)]
    assert [answer.status_code for answer in answers[:61]] == [204] * 61
    refused = next(answer for answer in answers if answer.status_code != 204)
    assert refused.status_code == refused.json()["status"] == 429
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert int(refused.headers["Retry-After"]) >= 1
    assert refused.json()["code"] == "rate_exceeded"


def test_what_nginx_refuses_itself_is_a_problem(proxy: Proxy, tmp_path: Path) -> None:
    with proxy.connection() as client:
        client.sendall(f"POST /upscale HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {81 << 20}\r\n\r\n".encode())
        head, _, body = client.makefile("rb").read().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413 ")
    assert json.loads(body)["code"] == "body_too_large"
    with proxy.client() as asking:
        answer = asking.get("/metrics")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Server"] == "nginx"
    assert "Strict-Transport-Security" in answer.headers
    with nginx(tmp_path, 1) as alone, alone.client() as asking:
        answer = asking.get("/ping")
    assert (answer.status_code, answer.json()["status"], answer.headers["Retry-After"]) == (503, 503, "5")


@pytest.mark.parametrize(("address", "status"), [("127.0.0.1", 204), ("192.0.2.10", 404)])
def test_metrics_can_be_opened_for_an_address(arrived: Arrived, tmp_path: Path, address: str, status: int) -> None:
    """By the lines that the configuration shows."""
    site, lines = re.subn(r"^        # (allow .*|deny all|proxy_pass .*);$", r"        \1;", NGINX, flags=re.MULTILINE)
    assert lines == 3
    site = site.replace("        return 404;\n", "").replace("192.0.2.10", address)
    with nginx(tmp_path, arrived.port, site) as proxy, proxy.client() as client:
        assert client.get("/metrics").status_code == status


def test_the_service_gets_the_name_with_its_port(proxy: Proxy, arrived: Arrived) -> None:
    with proxy.client(f"{HOST}:8443") as client:
        client.get("/ping")
    assert arrived.headers["Host"] == f"{HOST}:8443"


def test_other_names_get_no_handshake(proxy: Proxy) -> None:
    with pytest.raises(ssl.SSLError), proxy.connection("other.example.com"):
        pass
