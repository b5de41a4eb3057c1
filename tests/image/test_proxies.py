"""The service behind nginx and behind Caddy, as the examples in deploy/ configure them."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest
from conftest import ROOT, Server, StartServer, encoded, photograph
from proxies import HOST, PROXIES, Proxy
from recording import Arrived, recorder

from superscaling.settings import Settings

OWNER = "X-Remote-User"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The path of a file of keys, and the key in it."""
    path = tmp_path_factory.mktemp("keys") / "keys"
    command = [sys.executable, "-m", "superscaling.commands.keys", "new", "alice", "--file", str(path)]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    return str(path), made


@pytest.fixture(scope="module")
def service(start_server: StartServer, key: tuple[str, str]) -> Server:
    """With the settings that the examples name."""
    return start_server(
        UPSCALER_API_KEYS_FILE=key[0], UPSCALER_TRUSTED_PROXIES="127.0.0.1", UPSCALER_ALLOWED_HOSTS=HOST
    )


@pytest.fixture(scope="module", params=PROXIES)
def proxy(request: pytest.FixtureRequest, service: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with PROXIES[request.param](tmp_path_factory.mktemp(request.param), service.port) as made:
        yield made


@pytest.fixture
def client(proxy: Proxy, key: tuple[str, str]) -> Iterator[httpx.Client]:
    """Of somebody who has the key."""
    with proxy.client(Authorization=f"Bearer {key[1]}") as made:
        yield made


def test_with_a_key_pictures_are_enlarged(client: httpx.Client, server: Server) -> None:
    picture = encoded(photograph(300, 400), "PNG")
    answer = client.post("/upscale", content=picture, headers={"Content-Type": "image/png"})
    assert answer.status_code == 200
    assert answer.content == server.upscale(picture).content
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    named = client.get("/nowhere", headers={"X-Request-ID": "mine"})
    assert named.json()["requestId"] == "mine"


def test_without_a_key_they_are_not(proxy: Proxy) -> None:
    picture = encoded(photograph(3, 5), "PNG")
    with proxy.client() as client:
        for headers in ({}, {"Authorization": "Bearer guessed"}, {"X-API-Key": "guessed"}):
            answer = client.post("/upscale", content=picture, headers={"Content-Type": "image/png", **headers})
            assert answer.status_code == 401
            assert answer.json()["code"] == "unauthorized"
            assert "WWW-Authenticate" in answer.headers
        assert client.get("/livez").status_code == 200


def test_a_large_photograph_passes(client: httpx.Client) -> None:
    """12 MB, which neither proxy keeps in memory. It ends as no image, so that nothing is enlarged."""
    answer = client.post("/upscale", content=bytes(12_000_000), headers={"Content-Type": "image/png"})
    assert answer.status_code == 415


def test_the_service_names_its_limit(client: httpx.Client) -> None:
    too_large = bytes(Settings().max_body_bytes + 1)
    answer = client.post("/upscale", content=too_large, headers={"Content-Type": "image/png"})
    assert answer.status_code == 413
    assert answer.json()["setting"] == "UPSCALER_MAX_BODY_BYTES"


def test_events_come_one_by_one(client: httpx.Client) -> None:
    """As the service sends them: the first one is here while the image is being enlarged."""
    picture = encoded(photograph(600, 800), "JPEG")
    headers = {"Accept": "text/event-stream", "Content-Type": "image/jpeg"}
    arrivals = []
    with client.stream("POST", "/upscale", content=picture, headers=headers) as answer:
        assert answer.status_code == 200
        for line in answer.iter_lines():
            if line.startswith("event:"):
                arrivals.append((time.monotonic(), line.removeprefix("event:").strip()))
    assert arrivals[-1][1] == "result"
    assert len({round(moment, 2) for moment, _ in arrivals}) > 2, "they came together"


@pytest.mark.parametrize(
    "path", ["/metrics", "/metrics?x", "//metrics", "/./metrics", "/docs/../metrics", "/%6Detrics", "/metrics/"]
)
def test_metrics_are_closed(client: httpx.Client, path: str) -> None:
    """However the path is written; also with a key."""
    url = client.base_url.copy_with(raw_path=path.encode())
    answer = client.get(url)
    assert answer.status_code == 404
    assert "upscaler_" not in answer.text


@pytest.mark.parametrize("host", ["other.example.com", "127.0.0.1", "localhost"])
def test_other_names_are_not_served(proxy: Proxy, key: tuple[str, str], host: str) -> None:
    with proxy.client(host, Authorization=f"Bearer {key[1]}") as client:
        assert client.get("/models").status_code == 421


def test_requests_without_tls_are_sent_to_it(proxy: Proxy) -> None:
    answer = httpx.get(f"http://127.0.0.1:{proxy.plain_port}/docs?x=1", headers={"Host": HOST})
    assert answer.status_code == 308
    assert answer.headers["Location"] == f"https://{HOST}/docs?x=1"


def test_tls_speaks_http_2_and_nothing_old(proxy: Proxy) -> None:
    context = proxy.trusting()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", proxy.port)) as plain,
        context.wrap_socket(plain, server_hostname=HOST) as connection,
    ):
        assert connection.selected_alpn_protocol() == "h2"
        assert connection.version() == "TLSv1.3"


# Before a server that keeps what arrives


@pytest.fixture(scope="module")
def arrived() -> Iterator[Arrived]:
    with recorder() as made:
        yield made


@pytest.fixture(scope="module", params=PROXIES)
def recorded(
    request: pytest.FixtureRequest, arrived: Arrived, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    with PROXIES[request.param](tmp_path_factory.mktemp(request.param), arrived.port) as made:
        yield made


def test_keys_arrive(recorded: Proxy, arrived: Arrived) -> None:
    with recorded.client(**{"Authorization": "Bearer one", "X-API-Key": "two"}) as client:
        assert client.get("/ping").status_code == 204
    assert arrived.headers["Authorization"] == "Bearer one"
    assert arrived.headers["X-API-Key"] == "two"
    assert arrived.headers["Host"].partition(":")[0] == HOST


CLAIMS = {
    "X-Forwarded-For": "192.0.2.1",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": "other.example.com",
    "Forwarded": "for=192.0.2.1",
    OWNER: "alice",
}


def test_nobody_can_claim_to_be_somebody(recorded: Proxy, arrived: Arrived) -> None:
    """Neither by headers, nor by credentials that nobody has checked."""
    for claims in (CLAIMS, {name.lower(): value for name, value in CLAIMS.items()}):
        with recorded.client(**claims) as client:
            client.get("/jobs/x", auth=("alice", "guessed"))
        arrivals = {name: arrived.headers.get_all(name, []) for name in CLAIMS}
        assert arrivals == {
            **{name: [] for name in CLAIMS},
            "X-Forwarded-For": ["127.0.0.1"],
            "X-Forwarded-Proto": ["https"],
        }
